"""Real mail through the backfill: bounces, broken MIME and signatures, octet for octet; from and to
servers without their extensions; and what Cyrus does not take arrives wrapped when that is ordered."""

import itertools
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from backfill_lab import Backfill
from imap_compare import assert_same, snapshot
from imap_client import Mailbox
from imap_lab import Cyrus, Dovecot
from imap_mail import SYSTEM_FLAGS, Mail, put, real_mail
from siding_lab import Lab, run

ANN = ("ann", "secret")
FOLDERS = ("INBOX", "Lists", "Bounces")
OLD = ("CONDSTORE", "QRESYNC", "LIST-STATUS", "LIST-EXTENDED", "ESEARCH", "NOTIFY", "ENABLE")
NEW = ("UIDPLUS", "MULTIAPPEND", "LITERAL+", "MOVE", "LIST-STATUS", "ESEARCH", "SEARCHRES")


def filled(lab: Lab, mails: list[Mail], **options) -> Dovecot:
    server = Dovecot(lab, dict([ANN]), **options).start()
    with Mailbox(server, *ANN) as mailbox:
        mailbox.create(*FOLDERS[1:])
        for number, name in enumerate(FOLDERS):
            put(mailbox, name, mails[number :: len(FOLDERS)])
    return server


def verdicts_of(backfill: Backfill) -> dict[str, int]:
    return backfill.verify("ann", "--json").json()["accounts"][0]["verdicts"]


def copied(lab: Lab, name: str, source: Dovecot, destination: Dovecot, count: int) -> None:
    backfill = Backfill(lab, source, destination, dict([ANN]), name=name).start()
    backfill.run("ann").ok()
    assert verdicts_of(backfill) == {"exact": count}, backfill.report("ann")
    assert_same(snapshot(source, *ANN), snapshot(destination, *ANN), empty_folders=False)
    backfill.run("ann").ok()
    assert backfill.account("ann")["copied"] == 0, backfill.account("ann")
    backfill.stop()


def refused_and_wrapped(lab: Lab, source: Dovecot, count: int) -> None:
    """Cyrus takes no message whose header it calls invalid."""
    destination = Cyrus(lab, dict([ANN])).start()
    backfill = Backfill(lab, source, destination, dict([ANN]), name="cyrus").start()
    ran = backfill.run("ann")
    refused = backfill.account("ann")["refused"]
    assert ran.code == (1 if refused else 0), ran.out + ran.err
    said = [row["reason"] for row in backfill.report("ann")["exceptions"]]
    assert len(said) == refused and all("invalid header" in words for words in said), said
    backfill.backfill("retry", "--wait", "ann", "--repair", "auto").ok()
    found = verdicts_of(backfill)
    assert sum(found.values()) == count and set(found) <= {"exact", "repaired"}, found
    assert found.get("repaired", 0) == refused, found
    backfill.stop()
    print(f"{refused} of them refused by Cyrus, and repaired", flush=True)


def story(lab: Lab) -> None:
    flags = itertools.cycle(SYSTEM_FLAGS)
    mails = [Mail(m.name, m.octets, (next(flags),), m.date) for m in real_mail(lab)]
    whole = filled(lab, mails, name="whole")
    bare = filled(lab, mails, name="bare", without=OLD)
    copied(lab, "plain", whole, Dovecot(lab, dict([ANN]), name="new").start(), len(mails))
    few = Dovecot(lab, dict([ANN]), name="few", without=NEW).start()
    copied(lab, "few", bare, few, len(mails))
    total = sum(len(mail.octets) for mail in mails)
    print(f"{len(mails)} real messages, {total} octets: the same at both servers", flush=True)
    refused_and_wrapped(lab, bare, len(mails))


run(story)
