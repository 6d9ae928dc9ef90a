"""Real mail goes the whole way unchanged."""

import concurrent.futures
import pathlib
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from mail_corpus import load
from sample_mail import sha256, without_trace
from siding_lab import Lab, run
from smtp_client import SmtpClient, normalize_newlines

SESSIONS = 8


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
