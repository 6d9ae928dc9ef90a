"""`follow` hears of new mail at the source at once: by IDLE in INBOX, by NOTIFY in every mailbox,
by asking now and then where the server has neither."""

import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from backfill_lab import Backfill
from imap_client import Mailbox
from imap_lab import Dovecot
from imap_mail import fill, ordinary, put
from scripted_imap import ScriptedImap
from scripted_personality import MODERN
from siding_lab import Lab, run, wait_until

ANN = ("ann", "secret")


class World:
    number = 0

    def __init__(self, lab: Lab, poll: str = "1h", without: tuple[str, ...] = (), connections: int = 16):
        World.number += 1
        self.seed = 100 * World.number
        self.source = Dovecot(lab, dict([ANN]), without=without).start()
        self.destination = Dovecot(lab, dict([ANN])).start()
        with Mailbox(self.source, *ANN) as old:
            fill(old, {"INBOX": 5, "Sent": 3})
        self.backfill = Backfill(
            lab, self.source, self.destination, dict([ANN]), name=f"follow{World.number}", poll=poll
        )
        self.backfill.config["backfill"]["source"]["connections"] = connections
        self.backfill.write_config()
        self.backfill.start()
        self.backfill.backfill("follow").ok()

    def account(self) -> dict:
        return self.backfill.account("ann")

    def wait_watch(self, kind: str, timeout: float = 30.0) -> None:
        wait_until(lambda: self.account()["watch"] == kind, f"a watch by '{kind}'", timeout)
        wait_until(lambda: self.account()["phase"] == "idle", "rest")

    def wait_rest(self) -> None:
        """The pass behind the beginning of the watch is over, too."""
        time.sleep(2.5)  # nothing shall happen: there is nothing to wait for
        wait_until(lambda: self.account()["phase"] == "idle", "rest")

    def arrives(self, folder: str, timeout: float = 10.0) -> float:
        """How long it takes."""
        self.seed += 1
        with Mailbox(self.source, *ANN) as old:
            put(old, folder, ordinary(1, seed=self.seed))
            wanted = {message.sha for message in old.messages(folder)}
        began = time.monotonic()
        with Mailbox(self.destination, *ANN) as new:
            wait_until(
                lambda: {message.sha for message in new.messages(folder)} == wanted,
                f"it arrives in {folder}", timeout,
            )  # fmt: skip
        return time.monotonic() - began

    def end(self) -> None:
        self.backfill.stop()
        self.source.stop()
        self.destination.stop()


def by_notify(lab: Lab) -> None:
    world = World(lab)
    world.wait_watch("notify")
    world.wait_rest()
    for folder in ("INBOX", "Sent", "INBOX"):
        print(f"notify, {folder}: {world.arrives(folder):.1f} s", flush=True)
    with Mailbox(world.source, *ANN) as old:
        old.store("INBOX", [1], "+FLAGS", "\\Flagged")
        old.create("New")
        put(old, "New", ordinary(1, seed=9))
    with Mailbox(world.destination, *ANN) as new:
        wait_until(
            lambda: any("\\flagged" in map(str.lower, m.flags) for m in new.messages("INBOX") if m.uid == 1),
            "the flag follows",
        )
        wait_until(lambda: "New" in new.folders() and len(new.messages("New")) == 1, "a new folder follows")
    # Whatever ends it ends it at once, and it comes back.
    for off, on in (("pause", "resume"), ("unfollow", "follow")):
        world.wait_watch("notify")
        world.backfill.backfill(off).ok()
        wait_until(lambda: world.account()["watch"] == "", f"{off} ends it", 3)
        world.backfill.backfill(on).ok()
        world.wait_watch("notify")
    # One that is lost is made again, and the account has not failed.
    world.source.restart()
    wait_until(lambda: world.account()["watch"] == "", "it is lost")
    assert world.account()["phase"] != "failed", world.account()
    world.wait_watch("notify")
    world.arrives("Sent")
    world.end()


def by_idle(lab: Lab) -> None:
    world = World(lab, poll="4s", without=("NOTIFY",))
    world.wait_watch("idle")
    print(f"idle, INBOX: {world.arrives('INBOX'):.1f} s", flush=True)
    print(f"by asking, Sent: {world.arrives('Sent', 20):.1f} s", flush=True)
    world.end()
    world = World(lab, without=("NOTIFY",))
    world.wait_watch("idle")
    world.wait_rest()
    print(f"idle, INBOX, poll 1h: {world.arrives('INBOX'):.1f} s", flush=True)
    world.end()


def by_asking(lab: Lab) -> None:
    """A server without IDLE, and no connection to spare for it."""
    for without, connections in ((("IDLE", "NOTIFY"), 16), ((), 1)):
        world = World(lab, poll="2s", without=without, connections=connections)
        for folder in ("INBOX", "Sent"):
            world.arrives(folder, 20)
        assert world.account()["watch"] == "", world.account()
        assert "watch_begun" not in world.backfill.log()
        world.end()


def lost_and_refused(lab: Lab) -> None:
    source = ScriptedImap(lab, dict([ANN]), MODERN).start()
    destination = ScriptedImap(lab, dict([ANN]), MODERN).start()
    for number in range(5):
        source.folder("ann", "INBOX").add(b"Subject: %d\r\n\r\nx\r\n" % number)
    lost = source.fault("bye", at="IDLE", times=2, text="autologout")
    backfill = Backfill(lab, source, destination, dict([ANN]), name="lost", poll="1h").start()
    backfill.backfill("follow").ok()
    wait_until(lambda: lost.met >= 3 and backfill.account("ann")["watch"] == "idle", "made again")
    assert backfill.account("ann")["phase"] != "failed"
    source.folder("ann", "INBOX").add(b"Subject: late\r\n\r\nx\r\n")
    wait_until(lambda: len(destination.folder("ann", "INBOX").messages) == 6, "it arrives", 10)
    # A password that has changed is tried once by the watch, and not again before a pass has.
    source.add_user("ann", "changed")
    source.hang_up()
    wait_until(lambda: backfill.account("ann")["watch"] == "", "it is lost")
    time.sleep(6)
    source.journal.clear()
    time.sleep(4)
    tried = [said for said in source.journal if said.name in ("LOGIN", "AUTHENTICATE")]
    assert not tried, tried
    backfill.stop()
    source.stop()
    destination.stop()


def over_a_restart(lab: Lab) -> None:
    """What an operator has ordered to go on goes on after a restart, a pause, too."""
    world = World(lab, poll="2s", without=("IDLE", "NOTIFY"))
    world.arrives("INBOX")
    world.backfill.kill()
    world.backfill.start()
    world.backfill.wait_log("standing_orders following=1 paused=0")
    world.arrives("INBOX")
    world.backfill.backfill("pause").ok()
    world.backfill.restart()
    assert "paused" in world.backfill.backfill("status").out, world.backfill.backfill("status").out
    assert world.account()["phase"] == "idle", world.account()
    world.backfill.backfill("resume").ok()
    world.arrives("Sent")
    world.backfill.backfill("unfollow").ok()
    world.backfill.restart()
    status = world.backfill.api("GET", "/v1/backfill")
    assert (status["following"], status["paused"]) == (False, False), status
    world.end()


STORIES = (over_a_restart, by_notify, by_idle, by_asking, lost_and_refused)


def story(lab: Lab) -> None:
    for part in STORIES:
        if not sys.argv[1:] or part.__name__ in sys.argv[1:]:
            part(lab)
            print(part.__name__, flush=True)


run(story)
