"""Real mail (SIDING_CORPUS: a directory, or a .tar.zst of one) goes the whole way unchanged."""

import concurrent.futures
import os
import pathlib
import re
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from sample_mail import sha256, without_trace
from siding_lab import Lab, Skip, program, run
from smtp_client import SmtpClient, normalize_newlines

SESSIONS = 8


def load(lab: Lab) -> list[bytes]:
    where = os.environ.get("SIDING_CORPUS")
    if not where:
        raise Skip("SIDING_CORPUS is not set")
    corpus = pathlib.Path(where)
    assert corpus.exists(), f"SIDING_CORPUS={corpus} does not exist"
    if corpus.is_dir():
        archives = sorted(corpus.glob("*.tar.zst"))
    else:
        archives = [corpus]
    for archive in archives:
        corpus = lab.directory / "corpus"
        corpus.mkdir(exist_ok=True)
        done = lab.run(program("tar"), "--zstd", "-xf", str(archive), "-C", str(corpus))
        assert done.code == 0, done.err
    mails = []
    for path in sorted(p for p in corpus.rglob("*") if p.is_file()):
        octets = path.read_bytes()
        if not re.match(rb"(?:From |[!-9;-~]+:)", octets):
            continue  # a list of files, a read-me
        mails.append(prepare(octets))
    limit = int(os.environ.get("SIDING_CORPUS_LIMIT", len(mails)))
    assert mails, f"no mail in {corpus}"
    return mails[:limit]


def prepare(octets: bytes) -> bytes:
    """What a client puts on the wire: no mbox line, LF as CRLF; bare CR stay for Siding to find."""
    octets = re.sub(rb"\AFrom [^\n]*\n", b"", octets)
    octets = re.sub(rb"(?<!\r)\n", b"\r\n", octets)
    return octets if octets.endswith(b"\r\n") else octets + b"\r\n"


def story(lab: Lab) -> None:
    mails = load(lab)
    arrived: dict[str, list[str]] = {}
    guard = threading.Lock()

    def note(delivery) -> None:
        with guard:
            for recipient in delivery.recipients:
                arrived.setdefault(recipient, []).append(sha256(without_trace(delivery.octets)))

    new = lab.sink(keep=False, on_delivery=note)
    daemon = lab.daemon(lab.config(new=new)).start()

    def send(part: int) -> None:
        with SmtpClient(daemon.port) as client:
            client.ehlo()
            for number in range(part, len(mails), SESSIONS):
                sender = f"s{number}@sender.example" if number % 10 else ""
                reply = client.transact(sender, [f"m{number}@example.com"], mails[number])
                assert reply.code == 250, f"message {number}: {reply}"

    with concurrent.futures.ThreadPoolExecutor(SESSIONS) as pool:
        list(pool.map(send, range(SESSIONS)))
    daemon.assert_balanced(accepted=len(mails), held=len(mails))
    daemon.kill()
    daemon.start()
    job = daemon.release(timeout=600)
    assert job["counts"]["delivered"] == len(mails), job

    wanted = {f"m{n}@example.com": [sha256(normalize_newlines(m))] for n, m in enumerate(mails)}
    wrong = [recipient for recipient, sha in wanted.items() if arrived.get(recipient) != sha]
    assert not wrong, f"{len(wrong)} of {len(mails)} differ: {wrong[:10]}"
    assert set(arrived) == set(wanted), "something arrived that was not sent"
    daemon.assert_balanced(accepted=len(mails), delivered=len(mails), held=0)
    total = sum(map(len, mails))
    print(f"{len(mails)} real messages, {total} octets: all arrived once and unchanged")


run(story)
