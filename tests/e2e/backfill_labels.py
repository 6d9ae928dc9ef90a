"""A message that the source shows in several folders goes over once: Gmail's labels by X-GM-MSGID,
others by EMAILID. In the other folders it is copied at the destination, with their own flags; what
cannot be copied is sent; and neither a refused COPY nor one whose answer is lost makes two of it."""

import hashlib
import pathlib
import sys
from collections import Counter

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from backfill_lab import Backfill
from cut_proxy import CutProxy
from imap_client import Mailbox
from imap_lab import Cyrus, Dovecot
from imap_mail import ordinary, put
from scripted_imap import ScriptedImap
from scripted_personality import GMAIL, MODERN
from siding_lab import Lab, run, wait_until

ANN = ("ann", "secret")
ALL_MAIL = "[Gmail]/All Mail"
SHOWN = {"INBOX": range(0, 300), "Work": range(50, 300), "Receipts": range(200, 330), "Lists/a": range(10)}
DISTINCT = 330
ALL = sum(map(len, SHOWN.values()))


def octets(number: int) -> bytes:
    filler = b"".join(b"line %d of message %d\r\n" % (n, number) for n in range(20))
    return b"Message-ID: <%d@lab.example>\r\nSubject: %d\r\n\r\n" % (number, number) + filler


def uploads(server: ScriptedImap) -> int:
    return sum(line.count("{") for line in server.said("APPEND"))


def held(server: ScriptedImap, name: str) -> Counter[tuple[str, int, frozenset[str]]]:
    messages = server.folder("ann", name).messages
    return Counter(
        (hashlib.sha256(m.octets).hexdigest(), m.date, m.flags) for m in messages
    )


class World:
    number = 0

    def __init__(self, lab: Lab, source=GMAIL, destination=MODERN, **settings):
        World.number += 1
        self.source = ScriptedImap(lab, dict([ANN]), source).start()
        self.destination = ScriptedImap(lab, dict([ANN]), destination).start()
        for name, numbers in SHOWN.items():
            for number in numbers:
                self.show(name, number)
        if source is GMAIL:
            for number in range(DISTINCT + 5):  # five are archived: nowhere but there
                self.show(ALL_MAIL, number)
        self.backfill = Backfill(
            lab, self.source, self.destination, dict([ANN]), name=f"labels{World.number}", **settings
        ).start()

    def show(self, name: str, number: int, flags: tuple[str, ...] = ("\\Seen",), later: int = 0) -> None:
        self.source.folder("ann", name).add(
            octets(number), flags, 1.7e9 + number + later, email_id=f"M{number}"
        )

    def assert_same(self) -> None:
        for name in SHOWN:
            here, there = held(self.source, name), held(self.destination, name)
            assert here == there, f"{name}: {len(here - there)} missing, {len(there - here)} too many"
        self.backfill.verify("ann").ok()

    def end(self) -> None:
        self.backfill.stop()
        self.source.stop()
        self.destination.stop()


def labels_go_once(lab: Lab) -> None:
    world = World(lab)
    world.backfill.run("ann").ok()
    world.assert_same()
    assert uploads(world.destination) == DISTINCT + 5, uploads(world.destination)
    rows = world.backfill.backfill("plan", "ann", "--json").json()["rows"]
    archive = {row["source"]: row["destination"] for row in rows}
    rest = world.destination.folder("ann", archive[ALL_MAIL]).messages
    assert len(rest) == 5, len(rest)
    bodies = [line for line in world.source.said("FETCH") if "BODY" in line]
    assert bodies and not any("BODY[" in line for line in bodies), "the source was told that all is read"
    # A label that is put on later: not one octet goes over.
    world.show("Travel", 5)
    world.show("INBOX", 1000)
    world.backfill.run("ann").ok()
    assert uploads(world.destination) == DISTINCT + 6, uploads(world.destination)
    assert held(world.source, "Travel") == held(world.destination, "Travel")
    world.assert_same()
    world.backfill.run("ann").ok()
    assert world.backfill.account("ann")["copied"] == 0
    world.end()


def uids_told_in_another_order(lab: Lab) -> None:
    world = World(lab, destination=MODERN.having("copyuid_permuted"))
    world.backfill.run("ann").ok()
    world.assert_same()
    assert uploads(world.destination) == DISTINCT + 5, uploads(world.destination)
    world.end()


def refused_copies_are_sent(lab: Lab) -> None:
    world = World(lab)
    refused = world.destination.fault("no", at="COPY", times=None, text="[LIMIT] not now")
    world.backfill.run("ann").ok()
    assert refused.met > 0
    world.assert_same()
    assert uploads(world.destination) == ALL + 5, uploads(world.destination)
    world.end()


def lost_answers_make_no_second_one(lab: Lab) -> None:
    for at in ("COPY", "COPY.done"):
        world = World(lab)
        lost = world.destination.fault("drop", at=at)
        world.backfill.run("ann").ok()
        assert lost.met > 0
        world.assert_same()
        world.end()


def killed_between(lab: Lab) -> None:
    world = World(lab)
    slow = world.destination.fault("delay", at="COPY.done", times=None, seconds=1.0)
    world.backfill.backfill("run", "ann").ok()
    wait_until(lambda: slow.met > 0, "a COPY is done", 60)
    world.backfill.kill()
    world.destination.heal()
    world.backfill.start()
    world.backfill.run("ann").ok()
    world.assert_same()
    world.end()


def by_email_id(lab: Lab) -> None:
    """Dates and flags are of each folder; another date is another message."""
    world = World(lab, source=MODERN)
    world.show("Work", 320, ("\\Flagged", "$Work"))
    world.show("Work", 321, later=60)
    world.backfill.run("ann").ok()
    world.assert_same()
    assert uploads(world.destination) == DISTINCT + 1, uploads(world.destination)
    # What the destination's user has deleted is not there to be copied, so it is sent.
    inbox = world.destination.folder("ann", "INBOX")
    first = next(m for m in inbox.messages if m.octets == octets(7))
    inbox.remove({first.uid})
    lists = world.destination.folder("ann", "Lists/a")
    lists.remove({m.uid for m in lists.messages if m.octets == octets(7)})
    world.show("Work", 7)
    world.backfill.run("ann").ok()
    assert uploads(world.destination) == DISTINCT + 2, uploads(world.destination)
    assert held(world.source, "Work") == held(world.destination, "Work")
    world.end()


def from_cyrus(lab: Lab) -> None:
    source = Cyrus(lab, dict([ANN])).start()
    destination = Dovecot(lab, dict([ANN])).start()
    with Mailbox(source, *ANN) as old:
        old.create("Copies")
        put(old, "INBOX", ordinary(120, seed=5))
        uids = old.uids("INBOX")
        old.copy("INBOX", uids[:80], "Copies")
        old.store("Copies", old.uids("Copies")[:3], "+FLAGS", "\\Flagged")
        before = old.evidence()
        octets = sum(message.size for message in old.messages("INBOX"))
    way = CutProxy(source.address)
    backfill = Backfill(lab, way, destination, dict([ANN]), name="cyrus-labels").start()
    backfill.run("ann").ok()
    assert backfill.account("ann")["copied"] == 200
    assert octets < way.octets < 1.2 * octets, f"{way.octets} for {octets}: fetched twice"
    backfill.verify("ann").ok()
    with Mailbox(source, *ANN) as old, Mailbox(destination, *ANN) as new:
        assert old.evidence() == before, "the source was touched"
        assert old.snapshot() == new.snapshot()
    backfill.stop()
    way.stop()


STORIES = (
    labels_go_once, uids_told_in_another_order, refused_copies_are_sent,
    lost_answers_make_no_second_one, killed_between, by_email_id, from_cyrus,
)  # fmt: skip


def story(lab: Lab) -> None:
    chosen = sys.argv[1:]
    for each in STORIES:
        if not chosen or each.__name__ in chosen:
            each(lab)
            print(each.__name__, flush=True)


run(story)
