"""The content security policy of the report, which blocks scripts and external resources."""

from base64 import b64encode
from hashlib import sha256
from pathlib import Path

STYLE = (Path(__file__).parent / "report.css").read_text(encoding="utf-8")
# Data of a service, and output folders from someone else, may contain HTML. The report escapes or
# removes it; the policy makes the browser block scripts even if some got through.
_POLICY = "; ".join(
    [
        "default-src 'none'",  # no scripts, and no external resources
        "img-src data:",  # the figures
        f"style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
)
# The policy applies to what follows it, so it comes first.
DOCUMENT_START = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">"""


def is_whole_report(path: Path) -> bool:
    """Check whether a file is a complete report that begins with the policy."""
    if not path.exists():
        return False
    content = path.read_bytes()
    return content.startswith(DOCUMENT_START.encode()) and content.rstrip().endswith(b"</html>")
