"""What was expunged at the source is found in one question where the server knows (QRESYNC), and in
any case: also where VANISHED is not whole, names the wrong ones, or is not to be had."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from backfill_lab import Backfill
from scripted_imap import ScriptedImap
from scripted_personality import MODERN
from siding_lab import Lab, run

ANN = ("ann", "secret")
COUNT = 40
GONE = {3, 4, 5, 20, COUNT}


def octets(number: int) -> bytes:
    return b"Message-ID: <%d@example>\r\nSubject: %d\r\n\r\ntext %d\r\n" % (number, number, number)


def expunged(lab: Lab, name: str, personality, is_told: bool) -> None:
    source = ScriptedImap(lab, dict([ANN]), personality).start()
    destination = ScriptedImap(lab, dict([ANN]), MODERN).start()
    inbox = source.folder("ann", "INBOX")
    for number in range(1, COUNT + 1):
        inbox.add(octets(number))
    backfill = Backfill(lab, source, destination, dict([ANN]), name=name).start()
    backfill.run("ann").ok()
    assert backfill.account("ann")["copied"] == COUNT, name

    for number in (100, 101):
        inbox.add(octets(number))
    inbox.remove(set(GONE))
    flagged = next(message for message in inbox.messages if message.uid == 10)
    inbox.store(flagged, frozenset({"\\Flagged"}))
    asked_before = len(source.journal)
    backfill.run("ann").ok()
    account = backfill.account("ann")
    found = tuple(account[word] for word in ("copied", "gone", "flags", "moved"))
    assert found == (2, len(GONE), 1, 0), (name, account)
    assert account["source_messages"] == COUNT + 2 - len(GONE), (name, account)
    asked = [said.line for said in source.journal[asked_before:]]
    is_all_asked = any("UID 1:*" in line for line in asked)
    assert is_all_asked != is_told, (name, asked)
    assert any("VANISHED" in line for line in asked) == (name not in ("silent", "condstore")), (name, asked)

    backfill.run("ann").ok()
    account = backfill.account("ann")
    assert (account["copied"], account["gone"]) == (0, 0), (name, account)
    there = destination.folder("ann", "INBOX").messages
    assert len(there) == COUNT + 2, "nothing is ever deleted at the destination"
    assert [m.flags for m in there if m.octets == octets(10)] == [{"\\Flagged"}], name
    backfill.verify("ann").ok()
    backfill.stop()
    source.stop()
    destination.stop()


def story(lab: Lab) -> None:
    expunged(lab, "told", MODERN, is_told=True)
    expunged(lab, "clipped", MODERN.having("vanished_clipped"), is_told=False)
    expunged(lab, "wrong", MODERN.having("vanished_wrong"), is_told=False)
    expunged(lab, "silent", MODERN.having("no_enabled"), is_told=False)
    expunged(lab, "condstore", MODERN.without("QRESYNC"), is_told=False)


run(story)
