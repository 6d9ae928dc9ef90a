"""Senders that never stop: random messages over several sessions, every promise in the oracle."""

import random
import threading
import time

from oracle import Oracle
from sample_mail import random_message
from siding_lab import Daemon
from smtp_client import ConnectionClosed, SmtpClient, dot_stuff

# Small ones travel inside the commit, large ones are written ahead in chunks.
SIZES = (300, 1000, 2000, 4000, 4000, 8000, 8000, 20_000, 70_000, 300_000)


class Load:
    """`up` says whether the daemon can be reached; sessions wait for it between crashes. A session
    rests for `pause` seconds behind each message: for hours, not for speed."""

    def __init__(
        self,
        daemon: Daemon,
        oracle: Oracle,
        domains: list[str],
        seed: str,
        sessions: int = 8,
        pause: float = 0.0,
    ):
        self.daemon, self.oracle, self.domains, self.seed = daemon, oracle, domains, seed
        self.pause = pause
        self.up = threading.Event()
        self.up.set()
        self.stopping = threading.Event()
        self.failures: list[str] = []
        self.threads = [
            threading.Thread(target=self._run, args=(number,), daemon=True)
            for number in range(sessions)
        ]

    def start(self) -> "Load":
        for thread in self.threads:
            thread.start()
        return self

    def stop(self) -> None:
        self.stopping.set()
        self.up.set()
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive(), "a sender hangs"
        assert not self.failures, self.failures[:5]

    def _run(self, number: int) -> None:
        draw = random.Random(f"{self.seed}-{number}")
        while not self.stopping.is_set():
            self.up.wait()
            try:
                self._session(draw, number)
            except (ConnectionClosed, OSError):
                self.stopping.wait(0.02)  # the daemon is gone or going
            except Exception as error:  # noqa: BLE001 - reported by stop()
                self.failures.append(f"{type(error).__name__}: {error}")
                return

    def _session(self, draw: random.Random, number: int) -> None:
        with SmtpClient(self.daemon.port, timeout=60) as client:
            if client.greeting.code != 220:
                raise ConnectionClosed(str(client.greeting))
            client.ehlo("load.example")
            for _ in range(draw.randint(1, 50)):
                if self.stopping.is_set():
                    break
                self._send(client, draw, f"{self.seed}-{number}-{time.time_ns()}")
                if self.pause:
                    self.stopping.wait(self.pause)

    def _send(self, client: SmtpClient, draw: random.Random, mail_id: str) -> None:
        octets = random_message(draw, mail_id, draw.choice(SIZES))
        domain = draw.choice(self.domains)
        recipients = [
            f"b{draw.randrange(1000)}.{n}@{domain}" for n in range(draw.choice((1, 1, 1, 2, 3)))
        ]
        for reply in (
            client.mail("load@sender.example", "BODY=8BITMIME"),
            *map(client.rcpt, recipients),
            client.command("DATA"),
        ):
            if reply.code // 100 not in (2, 3):
                raise ConnectionClosed(str(reply))
        wire = dot_stuff(octets)
        client.send(wire[:-3])
        mail = self.oracle.sent(mail_id, octets, recipients)
        try:
            mail.dot_sent_at = time.time()
            client.send(wire[-3:])
            reply = client.read_reply()
        except (ConnectionClosed, OSError):
            self.oracle.unanswered(mail_id)
            raise
        self.oracle.answered(mail_id, reply.code, time.time())
