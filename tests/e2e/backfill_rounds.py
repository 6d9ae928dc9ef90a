"""What is recent comes first, of all mailboxes; a window copies a part and never says that it is all;
a final pass is one only when nothing new comes; a pause does not wait for a mailbox to end."""

import pathlib
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from backfill_lab import Backfill
from imap_client import Mailbox
from imap_compare import assert_same
from imap_lab import Dovecot
from imap_mail import ordinary, put
from scripted_imap import ScriptedImap
from scripted_personality import MINIMAL, MODERN
from siding_lab import Lab, run, wait_until

ANN = ("ann", "secret")
DAY = 86_400
OLD, RECENT = 240, 30
FOLDERS = ("INBOX", "Archive", "Sent")


def octets(folder: str, number: int, size: int = 400) -> bytes:
    body = b"x" * size
    return b"Message-ID: <%d@%s.example>\r\nSubject: %d\r\n\r\n%s\r\n" % (number, folder.encode(), number, body)


def date_of(number: int, now: float) -> float:
    """Recent ones among the old ones: not by UID."""
    is_recent = number % ((OLD + RECENT) // RECENT) == 0
    return now - DAY * (2 + number % 5) if is_recent else now - 400 * DAY + number


class Scripted:
    number = 0

    def __init__(
        self, lab: Lab, personality=MODERN, folders=FOLDERS, count=OLD + RECENT, one_pair=False, **settings
    ):
        Scripted.number += 1
        self.source = ScriptedImap(lab, dict([ANN]), personality).start()
        self.destination = ScriptedImap(lab, dict([ANN]), MODERN).start()
        now = time.time()
        for name in folders:
            if name != "INBOX":
                self.source.accounts["ann"].create(name)
            for number in range(count):
                self.source.folder("ann", name).add(octets(name, number), (), date_of(number, now))
        self.backfill = Backfill(
            lab, self.source, self.destination, dict([ANN]), name=f"rounds{Scripted.number}", **settings
        )
        if one_pair:
            for side in ("source", "destination"):
                self.backfill.config["backfill"][side]["connections"] = 1
            self.backfill.write_config()
        self.backfill.start()

    def dates(self, name: str) -> list[float]:
        return [message.date for message in self.destination.folder("ann", name).messages]

    def end(self) -> None:
        self.backfill.stop()
        self.source.stop()
        self.destination.stop()


def is_young(date: float) -> bool:
    return date > time.time() - 30 * DAY


def recent_first(lab: Lab) -> None:
    """Also where SEARCH has to be distrusted, or cannot be had."""
    for personality in (MODERN, MODERN.having("search_finds_nothing"), MINIMAL):
        world = Scripted(lab, personality, one_pair=True)
        world.backfill.run("ann").ok()
        for name in FOLDERS:
            young = [is_young(date) for date in world.dates(name)]
            assert len(young) == OLD + RECENT, (personality.name, name, len(young))
            assert young == sorted(young, reverse=True), f"{personality.name} {name}: {young}"
            assert 0 < sum(young) < len(young), name
        # Of all mailboxes, before the others of any: the journal has the order of the APPENDs.
        order = [said.line for said in world.destination.journal if said.name == "SELECT"]
        firsts = [next(at for at, line in enumerate(order) if name in line) for name in FOLDERS]
        lasts = [max(at for at, line in enumerate(order) if name in line) for name in FOLDERS]
        assert max(firsts) < min(lasts), order
        world.backfill.run("ann").ok()
        assert world.backfill.account("ann")["copied"] == 0
        world.backfill.verify("ann").ok()
        world.end()


def one_round(lab: Lab) -> None:
    """Nothing is asked where all is old, all is recent, or there is little: one EXAMINE to copy."""
    for settings, asked in (({"recent": "0s"}, 0), ({"recent": "2000d"}, 1), ({"recent": "1d"}, 1)):
        world = Scripted(lab, **settings)
        world.backfill.run("ann").ok()
        examined = world.source.said("EXAMINE")
        assert len(examined) == len(FOLDERS) * (1 + asked), (settings, examined)
        world.end()
    world = Scripted(lab, count=100)
    world.backfill.run("ann").ok()
    assert len(world.source.said("EXAMINE")) == len(FOLDERS)
    assert not any("SINCE" in line for line in world.source.said("SEARCH")), world.source.said("SEARCH")
    world.end()


def stopped_between_rounds(lab: Lab) -> None:
    """Killed at every stage: what is missing comes, nothing twice."""
    world = Scripted(lab, count=OLD + RECENT)
    for nth in (5, 40, 100, 200, 400):
        world.source.fault("drop", at="FETCH.message", nth=nth)
    for _ in range(4):
        world.backfill.backfill("run", "ann").ok()
        time.sleep(0.2)  # where the kill hits does not matter
        world.backfill.kill()
        world.backfill.start()
    world.backfill.run("ann").ok()
    for name in FOLDERS:
        there = sorted(m.octets for m in world.destination.folder("ann", name).messages)
        assert there == sorted(m.octets for m in world.source.folder("ann", name).messages), name
    world.backfill.verify("ann").ok()
    world.end()


def window(lab: Lab) -> None:
    source = Dovecot(lab, dict([ANN])).start()
    destination = Dovecot(lab, dict([ANN])).start()
    backfill = Backfill(lab, source, destination, dict([ANN]), name="window").start()
    now = int(time.time())
    dates = [now - 90 * DAY, now - 20 * DAY, now - 10 * DAY, now - DAY]
    with Mailbox(source, *ANN) as old:
        old.create("Sent")
        for name in ("INBOX", "Sent"):
            for number, date in enumerate(dates):
                old.append(name, octets(name, number, 400 if number != 2 else 50_000), date=date)
    for arguments, wanted in (
        (("--since", "nonsense"), "is a date"),
        (("--since", "1d", "--before", "2d"), "nothing is since"),
        (("--max-size", "7"), "max_size"),
        (("--final", "--since", "1d"), "excludes"),
    ):
        refused = backfill.backfill("run", *arguments)
        assert refused.code not in (0, 1) and wanted in refused.err, (arguments, refused.code, refused.err)
    day = time.strftime("%Y-%m-%d", time.gmtime(now - 30 * DAY))
    backfill.backfill("run", "--wait", "--since", day, "--before", "2d", "--max-size", "10KiB").ok()
    account = backfill.account("ann")
    assert account["copied"] == 2 and "since " in account["window"], account
    assert "window: since" in backfill.backfill("status").out
    with Mailbox(source, *ANN) as old, Mailbox(destination, *ANN) as new:
        for name in ("INBOX", "Sent"):
            assert [message.date for message in new.messages(name)] == [dates[1]], name
        # What happens to it before it is whole is not forgotten.
        old.store("INBOX", [2], "+FLAGS", "\\Flagged")
        old.store("Sent", [2], "+FLAGS", "\\Deleted")
        old.expunge("Sent", [2])
    report = backfill.report("ann")
    assert {row["pass"] for row in report["mailboxes"]} == {0}, report["mailboxes"]
    backfill.run("ann").ok()
    account = backfill.account("ann")
    assert (account["copied"], account["gone"], account["window"]) == (6, 1, ""), account
    backfill.run("ann").ok()
    with Mailbox(source, *ANN) as old, Mailbox(destination, *ANN) as new:
        assert_same({"INBOX": old.snapshot()["INBOX"]}, {"INBOX": new.snapshot()["INBOX"]})
        assert len(new.messages("Sent")) == 4
        old.append("INBOX", octets("late", 1), date=now)
        old.append("INBOX", octets("late", 2), date=now - 50 * DAY)
    # Behind a whole pass as well.
    backfill.backfill("run", "--wait", "--since", "7d").ok()
    assert backfill.account("ann")["copied"] == 1
    with Mailbox(source, *ANN) as old:
        old.store("INBOX", [5], "+FLAGS", "\\Answered")
    backfill.run("ann").ok()
    account = backfill.account("ann")
    assert (account["copied"], account["flags"]) == (1, 1), account
    backfill.verify("ann").ok()
    backfill.stop()
    source.stop()
    destination.stop()


def final(lab: Lab) -> None:
    source = Dovecot(lab, dict([ANN])).start()
    destination = Dovecot(lab, dict([ANN])).start()
    backfill = Backfill(lab, source, destination, dict([ANN]), name="final").start()
    with Mailbox(source, *ANN) as old:
        put(old, "INBOX", ordinary(20))
    ended = []
    waiting = threading.Thread(
        target=lambda: ended.append(backfill.backfill("run", "--final", "--quiet", "6s", "--wait", "ann"))
    )
    waiting.start()
    wait_until(lambda: "nothing may arrive" in backfill.account("ann")["mailbox"], "the quiet time")
    with Mailbox(source, *ANN) as old:
        put(old, "INBOX", ordinary(3, seed=5))
    waiting.join()
    refused = ended[0]
    account = backfill.account("ann")
    assert refused.code == 1 and account["phase"] == "failed" and account["final_at"] is None, account
    assert "the source still grows: 3 new messages in INBOX since" in refused.out, refused.out
    assert "order the final pass again" in account["reason"]
    done = backfill.backfill("run", "--final", "--quiet", "2s", "--wait", "ann", "--json").ok()
    assert done.json()["accounts"][0]["final_at"], done.out
    with Mailbox(source, *ANN) as old, Mailbox(destination, *ANN) as new:
        assert_same(old.snapshot(), new.snapshot())
    backfill.restart()
    assert backfill.account("ann")["final_at"], "forgotten"
    assert "final since" in backfill.backfill("status").out
    with Mailbox(source, *ANN) as old:
        put(old, "INBOX", ordinary(1, seed=6))
    backfill.run("ann").ok()
    assert backfill.account("ann")["final_at"] is None, "a straggler makes it void"
    backfill.stop()
    source.stop()
    destination.stop()


def final_needs_all(lab: Lab) -> None:
    world = Scripted(lab, folders=("INBOX",), count=20)
    world.source.fault("no", at="FETCH.message", uid=9, times=None, text="[UNAVAILABLE] broken")
    refused = world.backfill.backfill("run", "--final", "--quiet", "1s", "--wait", "ann")
    assert refused.code == 1 and "1 message is not at the destination" in refused.out, refused.out
    world.end()


def paused(lab: Lab) -> None:
    """In the middle of a mailbox, and on from there."""
    # With OBJECTID all are asked for their EMAILID before the first is fetched: delayed as well.
    world = Scripted(lab, MODERN.without("OBJECTID"), folders=("INBOX",), count=400)
    world.source.fault("delay", at="FETCH.message", nth=20, times=None, seconds=0.02)
    world.backfill.backfill("run", "ann").ok()
    there = world.destination.folder("ann", "INBOX").messages
    wait_until(lambda: len(there) > 0, "something is copied")
    world.backfill.backfill("pause").ok()
    wait_until(lambda: world.backfill.account("ann")["phase"] == "waiting", "it rests", 3)
    rested = len(there)
    assert rested < 400, rested
    for _ in range(3):  # a resume that comes at once is no failure
        world.backfill.backfill("resume").ok()
        world.backfill.backfill("pause").ok()
    world.backfill.backfill("resume").ok()
    world.source.heal()
    wait_until(lambda: world.backfill.account("ann")["phase"] not in ("waiting", "copying"), "it ends")
    account = world.backfill.account("ann")
    assert account["phase"] == "idle" and account["clean"], account
    assert len({message.octets for message in there}) == len(there) == 400
    assert "doubts_settled" not in world.backfill.log(), "what is under way is settled"
    world.end()


STORIES = (
    recent_first, one_round, stopped_between_rounds, window, final, final_needs_all, paused,
)  # fmt: skip


def story(lab: Lab) -> None:
    for part in STORIES:
        if not sys.argv[1:] or part.__name__ in sys.argv[1:]:
            part(lab)
            print(part.__name__, flush=True)


run(story)
