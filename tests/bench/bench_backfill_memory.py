"""Memory of the backfill: a message of 200 MB, 5,000 folders, a folder with very many messages.

    bench_backfill_memory.py [--messages 1000000]

The many messages come from the scripted server of the tests, which holds them in memory and speaks
Python: their rate says nothing.
"""

import argparse
import time

from bench_lab import print_machine
from backfill_lab import Backfill
from imap_client import Mailbox
from imap_lab import Dovecot
from imap_mail import DATE, head
from scripted_imap import ScriptedImap
from siding_lab import Lab, run

USER = ("ann", "secret")
LIMIT_MIB = 150
START_SECONDS = 3.0


def measured(what: str, backfill: Backfill, run_seconds: float, idle_seconds: float) -> bool:
    peak = backfill.memory_kib("VmHWM") >> 10
    good = peak <= LIMIT_MIB and idle_seconds <= START_SECONDS
    print(
        f"{what:<22} first pass {run_seconds:7.1f} s, idle pass {idle_seconds:6.2f} s,"
        f" memory at most {peak:4} MiB {'ok' if good else 'MISSED'}",
        flush=True,
    )
    return good


def timed(backfill: Backfill) -> float:
    started = time.monotonic()
    backfill.run("ann", timeout=3600).ok()
    return time.monotonic() - started


def passes(what: str, lab: Lab, source, destination, name: str) -> bool:
    backfill = Backfill(lab, source, destination, dict([USER]), name=name, auth="login").start()
    first, idle = timed(backfill), timed(backfill)
    good = measured(what, backfill, first, idle)
    backfill.stop()
    return good


def large_message(lab: Lab) -> bool:
    old, new = (Dovecot(lab, dict([USER])).start() for _ in range(2))
    line = b"x" * 76 + b"\r\n"
    with Mailbox(old, *USER) as mailbox:
        mailbox.append("INBOX", head("large") + b"\r\n" + line * (200_000_000 // len(line)))
    good = passes("a message of 200 MB", lab, old, new, "large")
    for server in (old, new):
        server.stop()
    return good


def many_folders(lab: Lab, count: int) -> bool:
    old, new = (Dovecot(lab, dict([USER])).start() for _ in range(2))
    with Mailbox(old, *USER) as mailbox:
        mailbox.create(*(f"folder {number}" for number in range(count)))
    good = passes(f"{count} folders", lab, old, new, "folders")
    for server in (old, new):
        server.stop()
    return good


def many_messages(lab: Lab, count: int) -> bool:
    old, new = (ScriptedImap(lab, dict([USER])).start() for _ in range(2))
    inbox = old.folder("ann", "INBOX")
    for number in range(count):
        inbox.add(b"Subject: %d\r\n\r\n%d\r\n" % (number, number), (), DATE + number)
    return passes(f"{count} messages", lab, old, new, "messages")


def make_story(messages: int, folders: int):
    def story(lab: Lab) -> None:
        print_machine(lab)
        good = large_message(lab)
        good &= many_folders(lab, folders)
        good &= many_messages(lab, messages)
        assert good, "a figure is missed"

    return story


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--folders", type=int, default=5_000)
    options = parser.parse_args()
    run(make_story(options.messages, options.folders))
