"""A migration that is given up: what has come to the new server since the switch goes back to the
old one, and nothing that either way has brought is brought again by the other."""

import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from backfill_lab import Backfill
from imap_client import Mailbox
from imap_compare import differences
from imap_lab import Courier, Dovecot
from imap_mail import Mail, fill, ordinary, put
from siding_lab import Lab, run

ANN = ("ann", "secret")
FOLDERS = {"INBOX": 30, "Sent": 10, "Projects/Größe & Co": 5}


def recent(count: int, seed: int) -> list[Mail]:
    now = int(time.time())
    return [Mail(mail.name, mail.octets, mail.flags, now - n) for n, mail in enumerate(ordinary(count, seed=seed))]


def both(old, new) -> list[str]:
    with Mailbox(old, *ANN) as left, Mailbox(new, *ANN) as right:
        return differences(left.snapshot(), right.snapshot(), flags=False, empty_folders=False)


def story(lab: Lab) -> None:
    old, new = Courier(lab, dict([ANN])).start(), Dovecot(lab, dict([ANN])).start()
    with Mailbox(old, *ANN) as mailbox:
        fill(mailbox, FOLDERS)
    backfill = Backfill(lab, old, new, dict([ANN])).start()
    backfill.run("ann").ok()
    assert not both(old, new), both(old, new)[:5]

    # Nothing has come: nothing goes back, also by a window that all of it is in.
    backfill.backfill("back", "ann", "--since", "2000-01-01", "--wait").ok()
    assert backfill.account("ann")["copied"] == 0, backfill.account("ann")
    assert not both(old, new), both(old, new)[:5]

    # Mail of before the switch that only the new server has stays where it is.
    with Mailbox(new, *ANN) as mailbox:
        put(mailbox, "INBOX", list(ordinary(2, seed=5)))
        put(mailbox, "INBOX", recent(6, seed=6))
        put(mailbox, "Sent", recent(3, seed=7))
        mailbox.create("Since then")
        put(mailbox, "Since then", recent(2, seed=8))
        before = mailbox.evidence()
    backfill.backfill("back", "ann", "--since", "1d", "--wait").ok()
    account = backfill.account("ann")
    assert account["copied"] == 11 and "since" in account["window"], account
    with Mailbox(new, *ANN) as mailbox:
        assert mailbox.evidence() == before, "the new server was touched"
    lines = both(old, new)
    assert len(lines) == 2 and all("INBOX: not wanted" in line for line in lines), lines

    # Again, and after a restart: nothing. And the way out does not bring it a second time.
    backfill.restart()
    backfill.backfill("back", "ann", "--since", "1d", "--wait").ok()
    assert backfill.account("ann")["copied"] == 0, backfill.account("ann")
    with Mailbox(old, *ANN) as mailbox:
        put(mailbox, "INBOX", recent(1, seed=9))
    backfill.run("ann").ok()
    assert backfill.account("ann")["copied"] == 1, backfill.account("ann")
    assert both(old, new) == lines, both(old, new)[:5]
    backfill.verify("ann").ok()

    refused = backfill.backfill("back", "ann")
    assert refused.code == 2 and "--since" in refused.err, refused


run(story)
