"""SIGKILL at random moments while mail comes in and goes out: nothing is lost, nothing is changed.

    crash_sigkill.py --kills 200 --seed 7

Load, pass-through with a copy, releases, flips and replays run all the time; one kill in five hits
the daemon while it starts.
At the end everything is released and the oracle compares promises with arrivals.
"""

import argparse
import pathlib
import random
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from load import Load
from oracle import Oracle
from sample_mail import lab_id
from siding_lab import ApiError, Daemon, Lab, run, wait_until
from smtp_sink import Delivery

HELD, FLOWING, FLIPPING = "held.example", "flowing.example", "flipping.example"
PASSED = "passed.example"  # in session to old, with a copy to new
CONNECTIONS = 8


class Operator(threading.Thread):
    """Releases, replays and flips phases at random, as often as the daemon lets him."""

    def __init__(self, daemon: Daemon, load: Load, seed: str):
        super().__init__(daemon=True)
        self.daemon_, self.load, self.draw = daemon, load, random.Random(f"operator-{seed}")
        self.ordered = 0
        self.replayed = 0  # that he was told of

    def run(self) -> None:
        while not self.load.stopping.is_set():
            self.load.up.wait()
            try:
                self._act()
            except (ApiError, OSError, ValueError, EOFError):
                pass  # killed in the middle, or an illegal move: both are part of the story
            except Exception as error:  # noqa: BLE001 - http.client has many ways to say "gone"
                if not type(error).__module__.startswith("http."):
                    raise
            self.load.stopping.wait(self.draw.uniform(0.02, 0.2))

    def _act(self) -> None:
        dice = self.draw.random()
        if dice < 0.25:
            self._replay()
            return
        if dice < 0.5:
            phase = self.draw.choice(("hold", "release", "pass_new"))
            self.daemon_.api("PUT", f"/v1/phases/{FLIPPING}", {"phase": phase, "why": "test"})
            return
        filter_ = self.draw.choice(({}, {"domain": HELD}, {"limit": 20}, {"larger": 5000}))
        self.daemon_.api("POST", "/v1/releases", {"filter": filter_, "to": "new", "dry_run": False})
        self.ordered += 1

    def _replay(self) -> None:
        domain = self.draw.choice((HELD, FLOWING, FLIPPING, PASSED))
        filter_ = self.draw.choice(
            ({"domain": domain, "limit": 10}, {"since": "2s", "limit": 30}, {"larger": 60_000})
        )
        order = {"filter": filter_, "to": "old", "dry_run": False}
        self.replayed += self.daemon_.api("POST", "/v1/replay", order)["moved"]


class Copies:
    """What new got of the domain that old answers for: at least once for each acknowledged one."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, str]] = set()

    def take(self, delivery: Delivery) -> bool:
        if not delivery.recipients[0].endswith(PASSED):
            return False
        self.seen |= {(lab_id(delivery.octets), to) for to in delivery.recipients}
        return True

    def missing(self, oracle: Oracle) -> list[tuple[str, str]]:
        return [
            (mail_id, recipient)
            for mail_id, mail in oracle.mails.items()
            for recipient in mail.recipients
            if mail.fate == "ACK" and recipient.endswith(PASSED)
            and (mail_id, recipient) not in self.seen
        ]  # fmt: skip


def crash(daemon: Daemon, load: Load, oracle: Oracle, draw: random.Random) -> float:
    """Kills and restarts once; the seconds until it listened again."""
    time.sleep(draw.uniform(0.02, 1.0))  # the random moment
    load.up.clear()
    daemon.kill()
    oracle.crashed(time.time())
    if draw.random() < 0.2:
        daemon.spawn()
        time.sleep(draw.uniform(0.0, 0.4))
        daemon.kill()
        oracle.crashed(time.time())
    started = time.monotonic()
    daemon.start()
    took = time.monotonic() - started
    load.up.set()
    return took


def crash_in_replay(daemon: Daemon, oracle: Oracle) -> int:
    """Kills as soon as a replay is promised; to how many recipients."""
    order = {"filter": {"limit": 200}, "all": True, "to": "old", "dry_run": False}
    promised = daemon.api("POST", "/v1/replay", order)["moved"]
    daemon.kill()
    oracle.crashed(time.time())
    daemon.start()
    assert promised, "nothing was kept for a replay"
    return promised


def explain_duplicates(daemon: Daemon, duplicates: list[tuple[str, str]]) -> list[str]:
    """Those whose ledger does not show the attempt that a crash cut off."""
    unexplained = []
    for mail_id, recipient in duplicates:
        kinds = daemon.ledger_kinds(f"<{mail_id}@lab.example>")
        if "recovered" not in kinds and "in_doubt" not in kinds:
            unexplained.append(f"{mail_id} {recipient}: {kinds}")
    return unexplained


def count_replays(daemon: Daemon, oracle: Oracle) -> int:
    """Tells the oracle what the ledger says of those that arrived more than once."""
    more = {mail_id for (mail_id, _), arrivals in oracle.arrivals.items() if len(arrivals) > 1}
    total = 0
    for mail_id in sorted(more):
        found = daemon.api("GET", "/v1/trace", query=f"<{mail_id}@lab.example>")
        for entry in (entry for message in found["messages"] for entry in message["entries"]):
            if entry["kind"] == "replayed":
                oracle.replayed(mail_id, entry["address"])
                total += 1
    return total


def make_story(kills: int, seed: str):
    def story(lab: Lab) -> None:
        draw = random.Random(f"kills-{seed}")
        oracle = Oracle(lab.directory / "oracle")
        lab.cleanup.callback(oracle.close)
        copies = Copies()
        old = lab.sink(keep=False, on_delivery=oracle.arrived)
        new = lab.sink(keep=False, on_delivery=lambda d: copies.take(d) or oracle.arrived(d))
        config = lab.config(
            domains={
                HELD: {"phase": "hold"},
                FLOWING: {"phase": "pass_new"},
                FLIPPING: {"phase": "hold"},
                PASSED: {"phase": "pass_old", "copy": "new"},
            }
        )
        for name, sink in (("old", old), ("new", new)):
            config["servers"][name] = {"address": sink.address, "connections": CONNECTIONS}
        config["retention"] = {"time": "1h"}
        config["log"] = {"level": "info"}
        daemon = lab.daemon(config).start()
        load = Load(daemon, oracle, [HELD, FLOWING, FLIPPING, PASSED], seed).start()
        operator = Operator(daemon, load, seed)
        operator.start()

        slowest = 0.0
        for number in range(kills):
            before = oracle.acknowledged()
            wait_until(lambda: oracle.acknowledged() > before, "mail flows between two kills")
            slowest = max(slowest, crash(daemon, load, oracle, draw))
            if (number + 1) % 20 == 0:
                print(f"{number + 1} kills, {oracle.acknowledged()} acknowledged", flush=True)
        load.stop()
        operator.join(120)
        promised = operator.replayed + crash_in_replay(daemon, oracle)

        books = finish(daemon, oracle)
        replayed = count_replays(daemon, oracle)
        # A replay without an arrival of its own is in the books, but in no message that was asked.
        assert replayed == books["replayed"], f"{replayed} replays arrived, {books['replayed']} ordered"
        assert replayed >= promised, f"{promised} replays were promised"
        found = oracle.judge()
        print(f"seed {seed}: {found}")
        print(f"{operator.ordered} releases; slowest restart {slowest:.2f} s")
        missing = copies.missing(oracle)
        assert not missing, f"copies that never came: {missing[:10]}"
        assert found.good, found.evidence()
        unexplained = explain_duplicates(daemon, found.duplicates)
        assert not unexplained, f"duplicates that the ledger does not show: {unexplained[:10]}"
        daemon.siding("audit", "--deep").ok()
        assert daemon.stop() == 0

    return story


def finish(daemon: Daemon, oracle: Oracle) -> dict[str, int]:
    """Releases until nothing is left; the books must agree."""

    def empty() -> bool:
        books = daemon.audit(deep=False)
        if books["held"]:
            daemon.release(timeout=300)
        return books["held"] + books["due"] + books["in_flight"] == 0

    wait_until(empty, "everything is released", 300)
    books = daemon.assert_balanced(held=0, due=0, in_flight=0, parked=0, discarded=0)
    print(f"books: {books['accepted']} accepted, {books['delivered']} delivered, balanced")
    return books


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=15)
    parser.add_argument("--seed", default=None, help="printed by a run; draws are the same again")
    options = parser.parse_args()
    seed = options.seed or f"{random.SystemRandom().randrange(1 << 32):08x}"
    run(make_story(options.kills, seed))
