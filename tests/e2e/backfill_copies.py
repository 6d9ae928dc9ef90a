"""The mailboxes of an old Dovecot on a new server: copied, proved, and nothing copied twice. What
changes at the source follows; what its user deletes at the destination stays deleted.

    backfill_copies.py [dovecot|cyrus|courier|mailutils]
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from backfill_lab import Backfill
from imap_client import Mailbox
from imap_compare import differences
from imap_lab import Courier, Cyrus, Dovecot, Mailutils
from imap_mail import fill, ordinary, plain_samples, put
from siding_lab import Lab, run

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


def copies_everything(source: Dovecot, backfill: Backfill, rewrites: bool) -> int:
    with Mailbox(source, *ANN) as old:
        fill(old, FOLDERS)
        put(old, "INBOX", plain_samples())
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


def nothing_twice(backfill: Backfill) -> None:
    backfill.run("ann").ok()
    assert backfill.account("ann")["copied"] == 0, backfill.account("ann")
    backfill.restart()
    backfill.run("ann").ok()
    assert backfill.account("ann")["copied"] == 0, backfill.account("ann")


def changes_follow(source: Dovecot, destination, backfill: Backfill, messages: int) -> None:
    names = {row["source"]: row["destination"] for row in backfill.backfill("plan", "ann", "--json").json()["rows"]}
    with Mailbox(source, *ANN) as old, Mailbox(destination, *ANN) as new:
        plain = [m for m in old.messages("INBOX") if "\\flagged" not in lower(m.flags)]
        flagged, moved, deleted = (message.uid for message in plain[:3])
        sha = {message.uid: message.sha for message in plain}
        there = {message.sha: message.uid for message in new.messages(names["INBOX"])}
        old.store("INBOX", [flagged], "+FLAGS", "\\Flagged")
        old.move("INBOX", [moved], "Sent")
        put(old, "INBOX", ordinary(2, seed=77))
        new.store(names["INBOX"], [there[sha[deleted]]], "+FLAGS", "\\Deleted")
        new.expunge(names["INBOX"], [there[sha[deleted]]])
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
    kind = sys.argv[1] if len(sys.argv) > 1 else "dovecot"
    source = Dovecot(lab, dict([ANN])).start()
    destination = SERVERS[kind](lab, dict([ANN])).start()
    backfill = Backfill(lab, source, destination, dict([ANN]))
    rewrites = kind == "mailutils"  # it puts "Status: O" into messages
    messages = copies_everything(source, backfill, rewrites)
    if kind == "dovecot":
        with Mailbox(source, *ANN) as old, Mailbox(destination, *ANN) as new:
            assert not differences(old.snapshot(), new.snapshot()), differences(old.snapshot(), new.snapshot())[:10]
            assert "Sent" in new.subscriptions()
    nothing_twice(backfill)
    if not rewrites:
        changes_follow(source, destination, backfill, messages)


run(story)
