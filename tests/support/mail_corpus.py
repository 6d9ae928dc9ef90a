"""Real mail: what SIDING_CORPUS names (a directory, or a .tar.zst of one), and otherwise what Debian
packages bring for tests of their own: bounces, broken MIME, signatures."""

import os
import pathlib
import re

from peer_package import unpack
from siding_lab import Lab, program

PACKAGES = (
    "golang-github-jhillyerd-enmime-dev",
    "libpython3.11-testsuite",
    "python3-dkim",
    "python3-flufl.bounce",
)
FOLDERS = (
    "usr/share/gocode/src/github.com/jhillyerd/enmime/testdata",
    "usr/lib/python3.11/test/test_email/data",
    "usr/lib/python3/dist-packages/dkim/tests/data",
    "usr/lib/python3/dist-packages/flufl/bounce/tests/data",
)
BEGINS_AS_MAIL = re.compile(rb"From |[!-9;-~]+:")  # and not a list of files, or a key


def load(lab: Lab) -> list[bytes]:
    """As a client puts them on the wire, at most SIDING_CORPUS_LIMIT of them."""
    where = os.environ.get("SIDING_CORPUS")
    folders = _corpus(lab, pathlib.Path(where)) if where else packaged_folders()
    mails = [
        prepare(octets)
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file() and BEGINS_AS_MAIL.match(octets := path.read_bytes())
    ]
    assert mails, f"no mail in {folders}"
    return mails[: int(os.environ.get("SIDING_CORPUS_LIMIT", len(mails)))]


def packaged_folders() -> list[pathlib.Path]:
    root = unpack("real-mail", list(PACKAGES))
    folders = [root / folder for folder in FOLDERS]
    for folder in folders:
        assert folder.is_dir(), f"{folder} is not there any more"
    return folders


def _corpus(lab: Lab, corpus: pathlib.Path) -> list[pathlib.Path]:
    assert corpus.exists(), f"SIDING_CORPUS={corpus} does not exist"
    archives = sorted(corpus.glob("*.tar.zst")) if corpus.is_dir() else [corpus]
    for archive in archives:
        corpus = lab.directory / "corpus"
        corpus.mkdir(exist_ok=True)
        done = lab.run(program("tar"), "--zstd", "-xf", str(archive), "-C", str(corpus))
        assert done.code == 0, done.err
    return [corpus]


def prepare(octets: bytes) -> bytes:
    """No mbox line, LF as CRLF; bare CR stay for Siding to find."""
    octets = re.sub(rb"\AFrom [^\n]*\n", b"", octets)
    octets = re.sub(rb"(?<!\r)\n", b"\r\n", octets)
    return octets if octets.endswith(b"\r\n") else octets + b"\r\n"
