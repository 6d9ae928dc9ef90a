"""The mailboxes of an old server on a new one: copied, proved, and nothing copied twice. What
changes at the source follows; what its user deletes at the destination stays deleted.

    backfill_copies.py [SOURCE DESTINATION]     dovecot, cyrus, courier or mailutils
"""

import pathlib
import sys
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from backfill_lab import Backfill
from imap_client import Mailbox, encode_name
from imap_compare import differences
from imap_lab import Courier, Cyrus, Dovecot, Mailutils
from imap_mail import KEYWORDS, Mail, fill, ordinary, plain_samples, put
from siding_lab import Lab, run, wait_until

SERVERS = {"dovecot": Dovecot, "cyrus": Cyrus, "courier": Courier, "mailutils": Mailutils}
ANN = ("ann", "secret")
FOLDERS = {"INBOX": 300, "Sent": 120, "Projects/Größe & Co": 40, "Archive/2024": 10}


def lower(flags) -> set[str]:
    return {flag.lower() for flag in flags}


def assert_exact(backfill: Backfill, messages: int, rewrites: bool) -> None:
    done = backfill.verify("ann", "--json")
    verdicts = done.json()["accounts"][0]["verdicts"]
    good = sum(verdicts.get(word, 0) for word in ("exact", "exact but line ends", "in another folder", "deleted"))
    rewritten = verdicts.get("headers rewritten", 0)
    assert good + rewritten == messages == sum(verdicts.values()), f"{verdicts}, {messages} wanted"
    assert rewrites == (rewritten > 0), verdicts
    assert done.code == (1 if rewritten else 0), done.err


def takes(kind: str, mail: Mail) -> bool:
    return kind != "mailutils" or all(flag.startswith("\\") for flag in mail.flags)


def copies_everything(kind: str, source: Any, backfill: Backfill, rewrites: bool) -> int:
    with Mailbox(source, *ANN) as old:
        fill(old, FOLDERS, keywords=() if kind == "mailutils" else KEYWORDS)
        put(old, "INBOX", [mail for mail in plain_samples() if takes(kind, mail)])
        old.subscribe("Sent")
        before = old.evidence()
        messages = sum(len(old.messages(name)) for name in old.folders() if old.folders()[name].selectable)
    backfill.start()
    assert "Projects" in backfill.backfill("plan", "ann").ok().out
    backfill.backfill("accounts", "check").ok()
    backfill.run("ann").ok()
    account = backfill.account("ann")
    assert account["copied"] == messages and account["clean"], account
    with Mailbox(source, *ANN) as old:
        assert old.evidence() == before, "the source was touched"
    assert_exact(backfill, messages, rewrites)
    return messages


def names_of(backfill: Backfill, old: Mailbox, new: Mailbox) -> dict[str, str]:
    """What each folder of the source is called at the destination."""
    rows = backfill.backfill("plan", "ann", "--json").ok().json()["rows"]
    return {
        old.name(encode_name(row["source"])): new.name(encode_name(row["destination"]))
        for row in rows
        if row["action"] != "skip"
    }


def nothing_twice(backfill: Backfill) -> None:
    backfill.run("ann").ok()
    assert backfill.account("ann")["copied"] == 0, backfill.account("ann")
    backfill.restart()
    backfill.run("ann").ok()
    assert backfill.account("ann")["copied"] == 0, backfill.account("ann")


def is_flagged(source: Any, uid: int) -> bool:
    with Mailbox(source, *ANN) as old:
        return any("\\flagged" in lower(m.flags) for m in old.messages("INBOX") if m.uid == uid)


def changes_follow(source: Any, destination, backfill: Backfill, messages: int) -> None:
    with Mailbox(source, *ANN) as old, Mailbox(destination, *ANN) as new:
        names = names_of(backfill, old, new)
        plain = [m for m in old.messages("INBOX") if "\\flagged" not in lower(m.flags)]
        flagged, moved, deleted = (message.uid for message in plain[:3])
        sha = {message.uid: message.sha for message in plain}
        there = {message.sha: message.uid for message in new.messages(names["INBOX"])}
        new.store(names["INBOX"], [there[sha[deleted]]], "+FLAGS", "\\Deleted")
        new.expunge(names["INBOX"], [there[sha[deleted]]])
    with Mailbox(source, *ANN) as old:
        old.move("INBOX", [moved], "Sent")
        put(old, "INBOX", ordinary(2, seed=77, keywords=()))
    with Mailbox(source, *ANN) as old:  # after it: an EXPUNGE of Mailutils may undo flags
        old.store("INBOX", [flagged], "+FLAGS", "\\Flagged")
    wait_until(lambda: is_flagged(source, flagged), "others see the flag")
    backfill.run("ann").ok()
    account = backfill.account("ann")
    assert (account["copied"], account["moved"], account["flags"]) == (2, 1, 1), account
    with Mailbox(destination, *ANN) as new:
        inbox = {message.sha: message for message in new.messages(names["INBOX"])}
        sent = {message.sha for message in new.messages(names["Sent"])}
    assert "\\flagged" in lower(inbox[sha[flagged]].flags), inbox[sha[flagged]]
    assert sha[moved] in sent
    assert sha[deleted] not in inbox, "what its user has deleted came back"
    backfill.run("ann").ok()
    assert backfill.account("ann")["copied"] == 0
    assert_exact(backfill, messages + 2, rewrites=False)


def story(lab: Lab) -> None:
    kinds = sys.argv[1:] or ["dovecot", "dovecot"]
    source, destination = (SERVERS[kind](lab, dict([ANN])).start() for kind in kinds)
    backfill = Backfill(lab, source, destination, dict([ANN]))
    rewrites = kinds[1] == "mailutils"  # it puts "Status: O" into messages
    messages = copies_everything(kinds[0], source, backfill, rewrites)
    if not rewrites:
        with Mailbox(source, *ANN) as old, Mailbox(destination, *ANN) as new:
            found = differences(
                old.snapshot(), new.snapshot(), names_of(backfill, old, new),
                dates=kinds[0] != "mailutils",  # which makes one up where there is no good Date
                flags=kinds[1] == "dovecot", empty_folders=False,
            )  # fmt: skip
            assert not found, found[:10]
            if "Sent" in old.subscriptions():
                assert "Sent" in new.subscriptions()
    nothing_twice(backfill)
    if not rewrites:
        changes_follow(source, destination, backfill, messages)


run(story)
