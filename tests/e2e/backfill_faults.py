"""What IMAP servers do wrong, and what the backfill makes of it: every message once, or named with
the server's own words; never a crash, a hang, or something left out without a word."""

import hashlib
import pathlib
import sys
from collections import Counter

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from backfill_lab import Backfill
from scripted_imap import ScriptedImap
from scripted_personality import BROKEN, COURIER, GMAIL, MICROSOFT, MINIMAL, MODERN, YAHOO
from siding_lab import Lab, run, wait_until

ANN, BOB = ("ann", "secret"), ("bob", "other")
COUNT = 40
THROTTLED = "Request is throttled. Suggested Backoff Time: 100 milliseconds"


def octets(number: int) -> bytes:
    filler = b"".join(b"line %d of message %d\r\n" % (n, number) for n in range(30))
    return b"Message-ID: <%d@lab.example>\r\nSubject: %d\r\n\r\n" % (number, number) + filler


def shas(server: ScriptedImap, folder: str = "INBOX", user: str = "ann") -> Counter[str]:
    messages = server.folder(user, folder).messages
    return Counter(hashlib.sha256(message.octets).hexdigest() for message in messages)


class World:
    number = 0

    def __init__(self, lab: Lab, source=MODERN, destination=MODERN, users=(ANN,)):
        World.number += 1
        self.lab = lab
        self.source = ScriptedImap(lab, dict(users), source).start()
        self.destination = ScriptedImap(lab, dict(users), destination).start()
        for number in range(COUNT):
            self.source.folder("ann", "INBOX").add(octets(number), ("\\Seen",), 1.7e9 + number)
        self.backfill = Backfill(
            lab, self.source, self.destination, dict(users), name=f"backfilld{World.number}"
        ).start()

    def assert_each_once(self) -> None:
        assert shas(self.destination) == shas(self.source), (
            f"{shas(self.destination) - shas(self.source)} too many,"
            f" {shas(self.source) - shas(self.destination)} missing"
        )
        self.backfill.verify("ann").ok()

    def end(self) -> None:
        self.backfill.stop()
        self.source.stop()
        self.destination.stop()


def lost_connections(lab: Lab) -> None:
    for side, fault in (
        ("source", dict(action="drop", at="FETCH.message", nth=17, after_octets=100)),
        ("source", dict(action="bye", at="FETCH", text="Session expired")),
        ("source", dict(action="reset", at="EXAMINE")),
        ("destination", dict(action="drop", at="APPEND.message", nth=9, after_octets=200)),
        ("destination", dict(action="bye", at="APPEND.message", nth=3, after_octets=50, text="bye")),
        ("destination", dict(action="drop", at="APPEND.done")),
        ("destination", dict(action="reset", at="SELECT")),
    ):
        world = World(lab)
        met = getattr(world, side).fault(**fault)
        ran = world.backfill.run("ann")
        assert ran.code == 0, f"{side} {fault}: {ran.out}{ran.err}"
        assert met.met > 0, f"{side} {fault} was never met"
        world.assert_each_once()
        world.end()


def uids_that_are_not_told(lab: Lab) -> None:
    for action in ("uid_missing", "uid_wrong", "uid_permuted"):
        world = World(lab)
        world.destination.fault(action, at="APPEND.done", times=None)
        world.backfill.run("ann").ok()
        world.assert_each_once()
        world.backfill.run("ann").ok()
        assert world.backfill.account("ann")["copied"] == 0, action
        world.end()


def one_that_cannot_be_read(lab: Lab) -> None:
    world = World(lab)
    words = "[UNAVAILABLE] UID FETCH Server error"
    world.source.fault("no", at="FETCH.message", uid=9, times=None, text=words)
    assert world.backfill.run("ann").code == 1
    assert len(world.destination.folder("ann", "INBOX").messages) == COUNT - 1
    exceptions = world.backfill.report("ann")["exceptions"]
    assert [(row["uid"], row["state"]) for row in exceptions] == [(9, "unreadable")], exceptions
    assert "Server error" in exceptions[0]["reason"], exceptions
    world.end()


def one_that_is_kept_back(lab: Lab) -> None:
    """OK, and no message: not to be taken for one that was expunged."""
    world = World(lab)
    world.source.fault("nil", at="FETCH.message", uid=9, times=None)
    assert world.backfill.run("ann").code == 1
    assert len(world.destination.folder("ann", "INBOX").messages) == COUNT - 1
    exceptions = world.backfill.report("ann")["exceptions"]
    assert [(row["uid"], row["state"]) for row in exceptions] == [(9, "unreadable")], exceptions
    world.end()


def one_that_is_refused(lab: Lab) -> None:
    world = World(lab)
    world.destination.fault("no", at="APPEND", times=None, nth=1, text="[TOOBIG] too large")
    assert world.backfill.run("ann").code == 1
    exceptions = world.backfill.report("ann")["exceptions"]
    assert len(exceptions) == COUNT and all("TOOBIG" in row["reason"] for row in exceptions)
    world.end()


def other_numbers(lab: Lab) -> None:
    world = World(lab)
    world.backfill.run("ann").ok()
    world.source.folder("ann", "INBOX").change_uid_validity()
    world.source.folder("ann", "INBOX").add(octets(1000), (), 1.7e9)
    world.backfill.run("ann").ok()
    world.assert_each_once()
    world.destination.folder("ann", "INBOX").change_uid_validity()
    world.source.folder("ann", "INBOX").add(octets(1001), (), 1.7e9)
    world.backfill.run("ann").ok()
    world.assert_each_once()
    world.end()


def wrong_password(lab: Lab) -> None:
    world = World(lab, users=(ANN, BOB))
    world.source.add_user("bob", "changed")
    assert world.backfill.run().code == 1
    assert world.backfill.account("ann")["clean"]
    bob = world.backfill.account("bob")
    assert bob["phase"] == "failed" and "bob" in bob["reason"], bob
    assert "other" not in world.backfill.log(), "a password is in the log"
    logins = [
        said for said in world.source.journal
        if said.name in ("LOGIN", "AUTHENTICATE") and said.user == ""
    ]
    assert len(logins) == 2, f"one for each account, not {len(logins)}"
    report = world.backfill.backfill("report", "bob").out
    assert "the last order failed: source" in report and "nothing has been copied yet" in report, report
    world.backfill.backfill("retry", "bob", "--wait").ok()  # nothing was refused
    # Nor does a restart try it again by itself, not even with `follow`.
    world.backfill.restart()
    world.backfill.backfill("follow").ok()
    wait_until(lambda: world.backfill.account("ann")["started_at"], "the pass of the other one")
    bob = world.backfill.account("bob")
    assert bob["phase"] == "failed" and "bob" in bob["reason"], bob
    world.backfill.backfill("unfollow").ok()
    wait_until(lambda: world.backfill.account("ann")["phase"] == "idle", "rest")
    assert "account_started account=bob" not in world.backfill.log(), "since the restart"
    world.end()


def stopped(lab: Lab) -> None:
    """A clean stop at any point of a pass: what has not come yet comes with the next one."""
    count = 1000
    source = ScriptedImap(lab, dict([ANN]), MODERN).start()
    for number in range(count):
        source.folder("ann", "INBOX").add(b"Subject: %d\r\n\r\nx\r\n" % number, (), 1.7e9)
    for turn in range(16):
        destination = ScriptedImap(lab, dict([ANN]), MODERN).start()
        backfill = Backfill(
            lab, source, destination, dict([ANN]), name=f"stopped{turn}", recent="0s"
        ).start()  # fmt: skip
        given = source.fault("never", at="FETCH.message", nth=10**9)  # it counts
        backfill.backfill("run", "ann").ok()
        while given.met < 20 + 60 * turn:
            pass  # at once: a look now and then would come when all is over
        backfill.stop()
        source.heal()
        backfill.start()
        backfill.run("ann").ok()
        there = len(destination.folder("ann", "INBOX").messages)
        assert there == count, f"{there} of {count} after a stop at {20 + 60 * turn}"
        backfill.stop()
        destination.stop()
    source.stop()


def throttled(lab: Lab) -> None:
    world = World(lab)
    world.destination.fault("bad", at="APPEND", times=2, text=THROTTLED)
    world.backfill.run("ann").ok()
    world.assert_each_once()
    world.end()


def misread(lab: Lab) -> None:
    """Dovecot takes the message behind a refused APPEND for commands: no second one goes that way."""
    world = World(lab)
    world.destination.fault("bad_unread", at="APPEND.message", nth=5)
    world.backfill.run("ann").ok()
    world.assert_each_once()
    last = world.destination.said("APPEND")[-1]
    assert "{" in last and "+}" not in last, last
    world.end()


def personalities(lab: Lab) -> None:
    for personality in (MINIMAL, GMAIL, MICROSOFT, YAHOO, COURIER, BROKEN):
        for source, destination in ((personality, MODERN), (MODERN, personality)):
            world = World(lab, source, destination)
            ran = world.backfill.run("ann")
            assert ran.code == 0, f"{personality.name}: {ran.out}{ran.err}"
            world.assert_each_once()
            world.backfill.run("ann").ok()
            assert world.backfill.account("ann")["copied"] == 0, personality.name
            world.end()


def cancelled(lab: Lab) -> None:
    world = World(lab)
    world.source.fault("delay", at="FETCH.message", nth=3, times=None, seconds=0.2)
    world.backfill.backfill("run", "ann").ok()
    wait_until(lambda: world.backfill.account("ann")["phase"] == "copying", "it copies")
    assert world.backfill.stop() == 0
    world.source.heal()
    world.backfill.start()
    world.backfill.run("ann").ok()
    world.assert_each_once()
    world.end()


STORIES = (
    lost_connections, uids_that_are_not_told, one_that_cannot_be_read, one_that_is_kept_back,
    one_that_is_refused,
    other_numbers, wrong_password, stopped, throttled, misread, personalities, cancelled,
)  # fmt: skip


def story(lab: Lab) -> None:
    for part in STORIES:
        if not sys.argv[1:] or part.__name__ in sys.argv[1:]:
            part(lab)
            print(part.__name__, flush=True)


run(story)
