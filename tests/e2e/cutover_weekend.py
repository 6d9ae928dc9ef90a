"""Two Postfix servers and traffic that never stops: old, hold, release, new, and back again.

No sender hears anything but 250, nothing is lost, nothing is changed, nothing arrives twice."""

import pathlib
import random
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from oracle import Oracle
from sample_mail import message
from siding_lab import Daemon, Lab, run, wait_until
from smtp_client import SmtpClient
from witness import MailServer

SENDERS = 4
BOXES = 20
STEP = 40  # messages between two flips


class Traffic:
    """Senders that count; any answer but 250 is a failure of the story."""

    def __init__(self, daemon: Daemon, oracle: Oracle):
        self.daemon, self.oracle = daemon, oracle
        self.stopping = threading.Event()
        self.failures: list[str] = []
        self.threads = [
            threading.Thread(target=self._send_all, args=(number,), daemon=True)
            for number in range(SENDERS)
        ]
        for thread in self.threads:
            thread.start()

    def wait_for(self, more: int) -> None:
        wanted = self.oracle.acknowledged() + more
        wait_until(
            lambda: self.failures or self.oracle.acknowledged() >= wanted, "mail flows", 120
        )
        assert not self.failures, self.failures[:5]

    def stop(self) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)
        assert not self.failures, self.failures[:5]

    def _send_all(self, number: int) -> None:
        draw = random.Random(number)
        try:
            while not self.stopping.is_set():
                with SmtpClient(self.daemon.port, timeout=60) as client:
                    client.ehlo("sender.example")
                    for _ in range(draw.randint(1, 10)):
                        self._send(client, draw, f"{number}-{time.time_ns()}")
                    client.quit()
        except Exception as error:  # noqa: BLE001 - reported by whoever waits
            self.failures.append(f"{type(error).__name__}: {error}")

    def _send(self, client: SmtpClient, draw: random.Random, mail_id: str) -> None:
        recipients = [
            f"box{box}@example.com" for box in draw.sample(range(BOXES), draw.choice((1, 1, 2)))
        ]
        # Postfix folds lines of more than 998 octets.
        body = b".dots and \xfc\r\n" * (draw.choice((500, 4000, 90_000)) // 14)
        octets = message(mail_id, body, f"X-Lab-Id: {mail_id}\r\n".encode())
        self.oracle.sent(mail_id, octets, recipients)
        reply = client.transact("ann@sender.example", recipients, octets)
        assert reply.code == 250, reply
        self.oracle.answered(mail_id, reply.code, time.time())


def phase(daemon: Daemon) -> str:
    (wave,) = daemon.api("GET", "/v1/phases")["phases"]
    return wave["phase"]


def story(lab: Lab) -> None:
    oracle = Oracle(lab.directory / "oracle")
    lab.cleanup.callback(oracle.close)
    arrived_at: dict[str, int] = {"old": 0, "new": 0}

    def witness(name: str):
        def arrived(delivery) -> None:
            arrived_at[name] += 1
            oracle.arrived(delivery)

        return arrived

    old = MailServer(lab, "old", on_delivery=witness("old")).start()
    new = MailServer(lab, "new", on_delivery=witness("new")).start()
    config = lab.config(
        old=old.address, new=new.address, domains={"example.com": {"phase": "pass_old"}}
    )
    daemon = lab.daemon(config).start()
    traffic = Traffic(daemon, oracle)

    traffic.wait_for(STEP)
    daemon.siding("flip", "--to", "hold", "--why", "Friday evening", "example.com").ok()
    traffic.wait_for(STEP)
    assert daemon.api("GET", "/v1/status")["queue"]["held"] >= STEP / 2

    # The new server is not ready after all: back by one command, the rest goes to old.
    daemon.siding("rollback", "--why", "not ready", "--release-held", "old").ok()
    assert phase(daemon) == "pass_old"
    wait_until(lambda: daemon.api("GET", "/v1/status")["queue"]["held"] == 0, "old has the rest")
    traffic.wait_for(STEP)
    assert arrived_at["new"] == 0

    daemon.siding("flip", "--to", "hold", "example.com").ok()
    traffic.wait_for(STEP)
    daemon.siding("flip", "--to", "release", "--why", "mailboxes are copied", "example.com").ok()
    wait_until(lambda: phase(daemon) == "pass_new", "the backlog is drained", 120)
    traffic.wait_for(STEP)
    traffic.stop()

    wait_until(
        lambda: all(oracle.arrivals.get((i, r)) for i, m in oracle.mails.items()
                    for r in m.recipients),
        "everything has arrived",
        120,
    )  # fmt: skip
    found = oracle.judge()
    assert found.good and not found.duplicates, f"{found}\n{found.evidence()}"
    assert found.acknowledged == len(oracle.mails) and arrived_at["new"] and arrived_at["old"]
    flips = daemon.siding("--json", "flips").ok().json()["flips"]
    assert [flip["who"] != "" for flip in flips] and len(flips) >= 5, flips
    daemon.siding("audit", "--deep").ok()
    daemon.assert_balanced(held=0, due=0, in_flight=0, parked=0, discarded=0)
    assert daemon.stop() == 0
    print(f"{found}; old got {arrived_at['old']}, new {arrived_at['new']}")


run(story)
