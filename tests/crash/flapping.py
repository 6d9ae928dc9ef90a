"""Destinations that come and go: no storm, no loss, nothing twice without a reason.

    flapping.py --minutes 240 --pause 0.1 --seed 7

An interrupt (Ctrl-C) ends the weather early; what has been sent by then is judged all the same.

Both servers are taken away and brought back at random, or answer 421, 451 or nothing at all, while
mail flows in session and out of the queue. At the end they stay, and everything must arrive."""

import argparse
import pathlib
import random
import signal
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from load import Load
from oracle import Oracle
from siding_lab import Daemon, Lab, run, wait_until
from smtp_sink import DROP, HANG, RecordingSink

PASSED, FLOWING = "passed.example", "flowing.example"
CONNECTIONS = 8
# A server in trouble is asked again after a second, then two, four …: a storm would be hundreds.
CONNECTIONS_PER_SECOND_MAX = 60

FAULTS = (
    ("CONNECT", "421 4.3.2 too busy"),
    ("MAIL", "451 4.3.0 try again later"),
    ("RCPT", "450 4.2.1 receiving mail too quickly"),
    ("DATA", "421 4.7.0 rate limited"),
    ("DOT", "451 4.3.0 disk trouble"),
    ("DOT", DROP),
    ("EHLO", DROP),
    ("MAIL", HANG),
)


class Weather:
    """Bad and good minutes of one server."""

    def __init__(self, sink: RecordingSink, draw: random.Random):
        self.sink, self.draw = sink, draw
        self.outages = 0

    def turn(self) -> str:
        self.outages += 1
        if self.draw.random() < 0.3:
            self.sink.stop()
            return "away"
        stage, reply = self.draw.choice(FAULTS)
        times = self.draw.choice((1, 5, None))
        self.sink.answer(stage, reply, times=times)
        return f"{reply} at {stage}, {times or 'all'} times"

    def clear(self) -> None:
        self.sink.accept_all()
        if self.sink.listener is None:
            self.sink.start()


def finish(daemon: Daemon, oracle: Oracle) -> None:
    def empty() -> bool:
        books = daemon.audit(deep=False)
        return books["held"] + books["due"] + books["in_flight"] == 0

    wait_until(empty, "everything has left", 300)
    books = daemon.assert_balanced(held=0, due=0, in_flight=0, parked=0, discarded=0)
    found = oracle.judge()
    print(f"{found}\nbooks: {books['accepted']} accepted, {books['delivered']} delivered")
    # A connection that is lost behind the dot makes a duplicate that the ledger shows as in doubt.
    unexplained = [
        (mail_id, recipient)
        for mail_id, recipient in found.duplicates
        if "in_doubt" not in daemon.ledger_kinds(f"<{mail_id}@lab.example>")
    ]
    assert not unexplained, unexplained[:10]
    found.unexplained.clear()
    assert found.good, found.evidence()


def make_story(minutes: float, pause: float, seed: str):
    def story(lab: Lab) -> None:
        interrupted = threading.Event()
        signal.signal(signal.SIGINT, lambda *_: interrupted.set())
        draw = random.Random(f"weather-{seed}")
        oracle = Oracle(lab.directory / "oracle")
        lab.cleanup.callback(oracle.close)
        # What a DROP behind the dot has taken counts as arrived: the octets are there.
        sinks = [lab.sink(keep=False, on_delivery=taken(oracle)) for _ in range(2)]
        config = lab.config(
            domains={PASSED: {"phase": "pass_old"}, FLOWING: {"phase": "pass_new"}},
            pass_through={"rcpt_timeout": "2s", "data_timeout": "5s"},
            retry={"schedule": ["1s", "2s", "5s"]},
        )
        for name, sink in zip(("old", "new"), sinks):
            config["servers"][name] = {"address": sink.address, "connections": CONNECTIONS}
        daemon = lab.daemon(config).start()
        load = Load(daemon, oracle, [PASSED, FLOWING], seed, sessions=4, pause=pause).start()
        weathers = [Weather(sink, draw) for sink in sinks]
        began = time.monotonic()
        ends, told = began + 60 * minutes, began
        print(f"seed {seed}", flush=True)
        while time.monotonic() < ends and not interrupted.is_set():
            weather = draw.choice(weathers)
            before, started = weather.sink.connections, time.monotonic()
            fault = weather.turn()
            time.sleep(draw.uniform(0.5, 4.0))  # the length of the outage
            rate = (weather.sink.connections - before) / (time.monotonic() - started)
            assert rate < CONNECTIONS_PER_SECOND_MAX, f"a storm: {rate:.0f} connections a second ({fault}), {weather.sink.connections - before} connections"
            weather.clear()
            time.sleep(draw.uniform(0.2, 2.0))  # the fair weather
            if time.monotonic() - told > 600:
                told = time.monotonic()
                print(f"{(told - began) / 60:.0f} minutes: {oracle.acknowledged()} acknowledged", flush=True)
        for weather in weathers:
            weather.clear()
        load.stop()
        minutes_spent = (time.monotonic() - began) / 60
        print(f"{sum(w.outages for w in weathers)} outages in {minutes_spent:.1f} minutes")
        finish(daemon, oracle)
        daemon.siding("audit", "--deep").ok()

    return story


def taken(oracle: Oracle):
    def on_delivery(delivery) -> None:
        if delivery.answer.startswith("2") or delivery.answer == DROP:
            oracle.arrived(delivery)

    return on_delivery


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=0.5)
    parser.add_argument("--pause", type=float, default=0.0, help="of a sender, in seconds")
    parser.add_argument("--seed", default=None)
    options = parser.parse_args()
    seed = options.seed or f"{random.SystemRandom().randrange(1 << 32):08x}"
    run(make_story(options.minutes, options.pause, seed))
