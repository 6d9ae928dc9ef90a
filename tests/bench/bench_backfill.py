"""Backfill from Dovecot to Dovecot beside mbsync (Debian isync), with the same mail and servers.

near: one account on loopback. far: with 25 ms each way on both sides. idle: a second pass with
nothing to do, near and far. many: 50 accounts at once, where mbsync takes one after another.

Both log in by LOGIN: SCRAM, which Siding prefers in the clear, costs its server more than the mail.
The mail is real (SIDING_CORPUS); without it, made. Both servers sync to disk as in real life.
TMPDIR should be on a file system with a journal: ext4 without one is slow to create files for minutes
after many were deleted, and that is what is measured then.
"""

import argparse
import itertools
import os
import statistics
import time
from typing import Any

from bench_lab import print_machine
from backfill_lab import Backfill
from delay_proxy import DelayProxy
from imap_client import Mailbox, Snapshot
from imap_compare import assert_same, snapshot, total
from imap_lab import Dovecot
from imap_mail import DATE, Mail, ordinary, put, real_mail
from isync_lab import Isync
from siding_lab import Lab, run

EACH_WAY = 0.025
FOLDERS = ("INBOX", "Sent", "Archive/2023", "Archive/2024", "Lists")
WANTED = {"near": 3.0, "far": 3.0, "many": 3.0, "idle": 1.0, "far idle": 1.0}
USER = ("ann", "secret")
LIMIT_RSS_KIB = 150 << 10


def mails(lab: Lab, count: int) -> list[Mail]:
    if not os.environ.get("SIDING_CORPUS"):
        print("SIDING_CORPUS is not set: the mail is made")
        return list(ordinary(count, octets=6000, keywords=()))
    found = real_mail(lab)
    chosen = itertools.islice(itertools.cycle(found), count)
    return [
        Mail(mail.name, mail.octets, mail.flags, DATE + 60 * number)
        for number, mail in enumerate(chosen)
    ]


def filled(lab: Lab, users: dict[str, str], messages: list[Mail]) -> Dovecot:
    """Each user has an equal part of the mail, in five folders."""
    server = Dovecot(lab, users, name="old")
    server.start()
    share = len(messages) // len(users)
    for number, (user, password) in enumerate(users.items()):
        own = messages[number * share : (number + 1) * share]
        with Mailbox(server, user, password) as mailbox:
            mailbox.create(*FOLDERS[1:])
            for index, name in enumerate(FOLDERS):
                put(mailbox, name, own[index :: len(FOLDERS)])
    server.options["fsync"] = True
    return server.restart()


def empty(lab: Lab, users: dict[str, str]) -> Dovecot:
    server = Dovecot(lab, users, name="new", fsync=True)
    server.start()
    return server


def counts(of: Snapshot) -> dict[str, int]:
    return {name: messages.total() for name, messages in of.items() if messages}


def timed(backfill: Backfill, *accounts: str) -> float:
    started = time.monotonic()
    backfill.run(*accounts, timeout=3600).ok()
    return time.monotonic() - started


def told(what: str, ours: float, theirs: float) -> bool:
    ratio = theirs / ours
    good = ratio >= WANTED[what]
    print(
        f"{what:<9} siding {ours:8.2f} s   mbsync {theirs:8.2f} s   ratio {ratio:6.2f}"
        f" (wanted {WANTED[what]:g}) {'ok' if good else 'BELOW'}",
        flush=True,
    )
    return good


def memory(backfill: Backfill) -> bool:
    peak = backfill.memory_kib("VmHWM")
    good = peak <= LIMIT_RSS_KIB
    print(f"memory of the daemon: at most {peak >> 10} MiB {'ok' if good else 'ABOVE 150'}")
    return good


def one_account(lab: Lab, isync: Isync, old: Dovecot, is_far: bool) -> bool:
    new_ours, new_theirs = empty(lab, dict([USER])), empty(lab, dict([USER]))
    prefix = "far" if is_far else "near"
    ways: dict[str, Any] = {"old": old, "ours": new_ours, "theirs": new_theirs}
    if is_far:
        ways = {name: DelayProxy(server.address, EACH_WAY) for name, server in ways.items()}
    account = isync.account(ways["old"], ways["theirs"], *USER)
    backfill = Backfill(lab, ways["old"], ways["ours"], dict([USER]), name=f"{prefix}-backfilld", auth="login")
    backfill.start()
    theirs, ours = account.run(), timed(backfill, USER[0])
    count = total(snapshot(old, *USER))
    print(f"{prefix}: {count} messages, {count / ours:.0f}/s and {count / theirs:.0f}/s")
    good = told(prefix, ours, theirs)
    idle_theirs = statistics.median(account.run() for _ in range(5))
    idle_ours = statistics.median(timed(backfill, USER[0]) for _ in range(5))
    good &= told("far idle" if is_far else "idle", idle_ours, idle_theirs)
    good &= memory(backfill)
    backfill.stop()
    wanted = snapshot(old, *USER)
    assert_same(wanted, snapshot(new_ours, *USER))
    # It puts a line of its own into every message, and takes no keywords.
    assert counts(wanted) == counts(snapshot(new_theirs, *USER))
    for server in (new_ours, new_theirs):
        server.stop()
    for way in ways.values():
        if is_far:
            way.stop()
    return good


def many_accounts(lab: Lab, isync: Isync, messages: list[Mail], accounts: int) -> bool:
    users = {f"user{number:02}": f"secret{number}" for number in range(accounts)}
    old = filled(lab, users, messages)
    new_ours, new_theirs = empty(lab, users), empty(lab, users)
    theirs = 0.0
    for user, password in users.items():
        theirs += isync.account(old, new_theirs, user, password).run()
    backfill = Backfill(
        lab, old, new_ours, users, name="many-backfilld", auth="login", accounts_at_once=accounts,
    )  # fmt: skip
    for side in ("source", "destination"):
        backfill.config["backfill"][side]["connections"] = accounts
    backfill.write_config()
    backfill.start()
    ours = timed(backfill)
    print(f"many: {accounts} accounts with {len(messages) // accounts} messages each")
    good = told("many", ours, theirs)
    good &= memory(backfill)
    backfill.stop()
    for user, password in users.items():
        assert_same(snapshot(old, user, password), snapshot(new_ours, user, password))
    return good


def make_story(count: int, accounts: int, only: str | None):
    def story(lab: Lab) -> None:
        print_machine(lab)
        isync = Isync(lab)
        messages = mails(lab, count)
        size = sum(len(mail.octets) for mail in messages)
        print(f"{len(messages)} messages, {size >> 20} MiB")
        good = True
        if only in (None, "near", "far"):
            old = filled(lab, dict([USER]), messages)
            for kind in ("near", "far"):
                if only in (None, kind):
                    good &= one_account(lab, isync, old, kind == "far")
            old.stop()
        if only in (None, "many"):
            good &= many_accounts(lab, isync, messages, accounts)
        assert good, "a figure is missed"

    return story


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=6_000)
    parser.add_argument("--accounts", type=int, default=50)
    parser.add_argument("--only", choices=["near", "far", "many"])
    options = parser.parse_args()
    run(make_story(options.messages, options.accounts, options.only))
