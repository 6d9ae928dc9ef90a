"""Memory of the backfill: a message of 200 MB, 5,000 folders, a folder with very many messages;
copied, verified, listed in a manifest, archived.

    bench_backfill_memory.py [--messages 1000000]
"""

import argparse
import socket
import time

from bench_lab import print_machine
from backfill_lab import Backfill
from imap_client import Mailbox
from imap_lab import Dovecot
from imap_mail import head
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


def proved(what: str, backfill: Backfill) -> bool:
    """Every message read back, the manifest of them all, and an archive of the source."""
    good = True
    for order in (("verify", "ann"), ("manifest", "ann"), ("archive", "create", "--wait", "ann")):
        command = order if order[0] == "archive" else ("backfill", *order)
        started = time.monotonic()
        backfill.lab.siding("--socket", backfill.socket_path, *command, timeout=3600).ok()
        peak = backfill.memory_kib("VmHWM") >> 10
        good &= peak <= LIMIT_MIB
        print(
            f"{what:<22} {command[1 if command[0] == 'backfill' else 0]:<10}"
            f" {time.monotonic() - started:7.1f} s, memory at most {peak:4} MiB"
            f" {'ok' if peak <= LIMIT_MIB else 'MISSED'}",
            flush=True,
        )
    return good


def passes(what: str, lab: Lab, source, destination, name: str) -> bool:
    backfill = Backfill(lab, source, destination, dict([USER]), name=name, auth="login").start()
    first, idle = timed(backfill), timed(backfill)
    good = measured(what, backfill, first, idle)
    good &= proved(what, backfill)
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
    # Not Maildir: each CREATE reads the whole directory there.
    old, new = (Dovecot(lab, dict([USER]), storage="mdbox").start() for _ in range(2))
    with Mailbox(old, *USER) as mailbox:
        mailbox.create(*(f"folder {number}" for number in range(count)))
    good = passes(f"{count} folders", lab, old, new, "folders")
    for server in (old, new):
        server.stop()
    return good


def fill(server: Dovecot, count: int) -> None:
    """Very many small messages, in MULTIAPPENDs of 1,000 (RFC 3502)."""
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        answers = connection.makefile("rb")

        def command(tag: bytes, octets: bytes) -> None:
            connection.sendall(tag + b" " + octets + b"\r\n")
            while not (line := answers.readline()).startswith(tag + b" "):
                assert line, "the connection was closed"
            assert line.startswith(tag + b" OK"), line

        answers.readline()
        command(b"a", b"LOGIN %s %s" % tuple(word.encode() for word in USER))
        for first in range(0, count, 1000):
            mail = (
                b"Subject: %d\r\n\r\n%d\r\n" % (number, number)
                for number in range(first, min(first + 1000, count))
            )
            command(b"b", b"APPEND INBOX" + b"".join(b" {%d+}\r\n%s" % (len(m), m) for m in mail))


def many_messages(lab: Lab, count: int) -> bool:
    old, new = (Dovecot(lab, dict([USER]), storage="mdbox").start() for _ in range(2))
    fill(old, count)
    good = passes(f"{count} messages", lab, old, new, "messages")
    for server in (old, new):
        server.stop()
    return good


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
