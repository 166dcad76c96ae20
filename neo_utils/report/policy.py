"""What a report may do in a browser: show itself, and nothing else, whatever its text contains."""

from base64 import b64encode
from hashlib import sha256
from pathlib import Path

STYLE = (Path(__file__).parent / "template/report.css").read_text(encoding="utf-8")
# Data of a service, and output folders that were passed on, may hold foreign HTML. What the project
# writes is escaped; the policy makes the browser refuse script even if some came through.
_POLICY = "; ".join(
    [
        "default-src 'none'",  # no script, and nothing is loaded
        "img-src data:",  # the figures
        f"style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
)
# The policy covers what follows it, so it comes first.
BEGINNING = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">"""


def is_whole_report(path: Path) -> bool:
    """Check whether a file is a report that was written to its end and begins with the policy."""
    if not path.exists():
        return False
    content = path.read_bytes()
    return content.startswith(BEGINNING.encode()) and content.rstrip().endswith(b"</html>")
