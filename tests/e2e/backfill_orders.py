"""What an operator has ordered is done, also when the daemon dies over it: killed or stopped, paused
or not, and what waits behind it, too. What is done is not done again."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from backfill_lab import Backfill
from scripted_imap import ScriptedImap
from scripted_personality import MODERN
from siding_lab import Lab, run, wait_until

USERS = {"ann": "secret", "bob": "other"}
COUNT = 1000
DAY = 86400.0


class World:
    number = 0

    def __init__(self, lab: Lab):
        World.number += 1
        self.lab = lab
        self.source = ScriptedImap(lab, USERS, MODERN).start()
        self.destination = ScriptedImap(lab, USERS, MODERN).start()
        for user in USERS:
            for number in range(COUNT):
                self.source.folder(user, "INBOX").add(
                    b"Subject: %d\r\n\r\nFor %s.\r\n" % (number, user.encode()), (), number * DAY
                )
        self.backfill = Backfill(
            lab, self.source, self.destination, USERS, name=f"orders{World.number}", recent="0s"
        ).start()

    def there(self, user: str) -> int:
        return len(self.destination.folder(user, "INBOX").messages)

    def wait_idle(self) -> None:
        def is_idle() -> bool:
            accounts = self.backfill.api("GET", "/v1/backfill")["accounts"]
            return all(account["phase"] == "idle" for account in accounts)

        wait_until(is_idle, "everything is done", 60)

    def assert_all_is_done(self) -> None:
        """And the ledger knows it: the next start has nothing to do."""
        self.wait_idle()
        self.backfill.restart()
        assert "order_resumed" not in self.backfill.log(), self.backfill.log()
        assert self.backfill.account("ann")["phase"] == "idle", self.backfill.account("ann")

    def end(self) -> None:
        self.backfill.stop()
        self.source.stop()
        self.destination.stop()


def in_the_middle(lab: Lab) -> None:
    for end in (Backfill.kill, Backfill.stop):
        world = World(lab)
        given = world.source.fault("never", at="FETCH.message", nth=10**9)  # it counts
        world.backfill.backfill("run").ok()
        verify = {"order": "verify", "accounts": ["ann"]}
        world.backfill.api("POST", "/v1/backfill/orders", verify)
        while given.met < COUNT // 2:
            pass
        end(world.backfill)
        world.source.heal()
        world.backfill.start()
        world.backfill.wait_log("order_resumed account=ann order=copy")
        world.backfill.wait_log("account_done account=ann order=verify")
        world.wait_idle()
        assert (world.there("ann"), world.there("bob")) == (COUNT, COUNT)
        verdicts = world.backfill.report("ann")
        assert verdicts["verdicts"] == {"exact": COUNT}, verdicts
        world.assert_all_is_done()
        world.end()


def while_it_waits(lab: Lab) -> None:
    """With all that it said: a part is no whole."""
    world = World(lab)
    world.backfill.backfill("pause").ok()
    world.backfill.backfill("run", "ann", "--before", "1970-01-11").ok()
    world.backfill.kill()
    world.backfill.start()
    said = world.backfill.backfill("status").out
    assert "paused" in said and "waiting" in said, said
    world.backfill.backfill("resume").ok()
    world.wait_idle()
    assert (world.there("ann"), world.there("bob")) == (10, 0)
    world.assert_all_is_done()
    world.end()


def story(lab: Lab) -> None:
    in_the_middle(lab)
    while_it_waits(lab)


run(story)
