import subprocess
import sys
from pathlib import Path

import pytest

from neo_utils.engines import cluster_checks
from neo_utils.engines.cluster_checks import secret_file
from neo_utils.engines.cluster_secret import make_secret, read_secret
from neo_utils.errors import WrongParameter
from neo_utils.settings.folders import PROJECT

MAKE = """
import sys
from pathlib import Path
from neo_utils.engines.cluster_secret import make_secret, read_secret
sys.stdin.readline()
make_secret(Path(sys.argv[1]))
print(read_secret(Path(sys.argv[1])))
"""


def test_concurrent_creators_get_the_same_secret(tmp_path):
    path = tmp_path / "shared" / "secret"
    makers = [
        subprocess.Popen(  # noqa: S603 - our own Python and code
            [sys.executable, "-c", MAKE, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(8)
    ]
    for maker in makers:
        maker.stdin.write("\n")
        maker.stdin.flush()
    (secret,) = {maker.communicate()[0].strip() for maker in makers}
    assert len(bytes.fromhex(secret)) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["secret"]


def test_keeps_an_existing_secret(tmp_path):
    path = tmp_path / "secret"
    path.touch(mode=0o600)
    path.write_text("of another machine\n")
    make_secret(path)
    assert path.read_text() == "of another machine\n"


def test_each_cluster_has_its_own_secret(tmp_path):
    for name in ("one", "other"):
        make_secret(tmp_path / name)
    assert read_secret(tmp_path / "one") != read_secret(tmp_path / "other")


@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        *[(b"words", mode, "other users can read the cluster secret") for mode in (0o640, 0o604)],
        *[
            (text, 0o600, "is empty or contains spaces")
            for text in (b"", b"two words", b"a\nwords")
        ],
        ("schlüssel-words".encode(), 0o600, "not plain text"),
        (None, 0o600, "No such file.*Copy it from a machine of the cluster"),
    ],
)
def test_rejects_an_unusable_secret_without_showing_it(tmp_path, content, mode, message):
    path = tmp_path / "secret"
    if content is not None:
        path.touch(mode)
        path.write_bytes(content)
    with pytest.raises(WrongParameter, match=message) as refusal:
        read_secret(path)
    assert "words" not in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1


def test_local_cluster_secret_is_not_sent_to_other_masters(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster_checks, "PROJECT", tmp_path)
    monkeypatch.setenv("CLUSTER_SECRET_FILE", "")
    make_secret(tmp_path / ".cluster" / "secret")
    assert secret_file("spark://127.0.0.1:7077") == tmp_path / ".cluster" / "secret"
    assert secret_file("spark://cluster.example:7077") is None
    monkeypatch.setenv("CLUSTER_SECRET_FILE", "theirs")
    assert secret_file("spark://cluster.example:7077") == PROJECT / "theirs"
    monkeypatch.setenv("CLUSTER_SECRET_FILE", "~/theirs")
    assert secret_file("spark://cluster.example:7077") == Path.home() / "theirs"


def test_reports_a_secret_that_cannot_be_created(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(WrongParameter, match="cannot create .* Use a path in a folder"):
        make_secret(tmp_path / "file" / "secret")
