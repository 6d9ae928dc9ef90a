"""At SIGTERM, a message in DATA is either answered 250 and there, or it is not there."""

import pathlib
import random
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from sample_mail import lab_id, random_message, sha256
from siding_lab import Lab, run
from smtp_client import ConnectionClosed, SmtpClient, dot_stuff

SESSIONS = 24


class Sender(threading.Thread):
    """Trickles one message, so that the signal finds it in the middle of DATA."""

    def __init__(self, port: int, number: int, pause: float):
        super().__init__(daemon=True)
        self.octets = random_message(random.Random(number), f"drain-{number}", 40_000)
        self.number, self.pause = number, pause
        self.client = SmtpClient(port)
        self.in_data = threading.Event()
        self.code = 0

    def run(self) -> None:
        client = self.client
        try:
            client.ehlo()
            client.mail("ann@sender.example")
            client.rcpt(f"b{self.number}@example.com")
            if client.command("DATA").code != 354:
                return
            self.in_data.set()
            wire = dot_stuff(self.octets)
            for start in range(0, len(wire), 4000):
                client.send(wire[start : start + 4000])
                time.sleep(self.pause)  # the slow peer that this story is about
            self.code = client.read_reply().code
        except (ConnectionClosed, OSError):
            pass
        finally:
            client.close()


def story(lab: Lab) -> None:
    daemon = lab.daemon(lab.config(new=lab.sink(), drain_timeout="5s")).start()
    # The last third is far too slow for the drain.
    senders = [
        Sender(daemon.port, n, 3.0 if n % 3 == 2 else 0.01 + n * 0.01) for n in range(SESSIONS)
    ]
    idle = SmtpClient(daemon.port)
    for sender in senders:
        sender.start()
    for sender in senders:
        assert sender.in_data.wait(30), "in DATA"
    started = time.monotonic()
    code = daemon.stop(timeout=30)
    took = time.monotonic() - started
    assert code == 0, f"exit {code}"
    assert took < 15, f"the drain took {took:.1f} s, the configuration says 5 s"
    assert idle.closed_by_server()
    for sender in senders:
        sender.join(90)

    acked = {sha256(s.octets) for s in senders if s.code == 250}
    daemon.start()
    stored = {
        lab_id(octets): sha256(octets)
        for row in daemon.rows()
        for octets in [daemon.octets_of(row["message"], trace=False)]
    }
    print(f"{len(acked)} of {SESSIONS} got 250, {len(stored)} are there, drained in {took:.1f} s")
    assert set(stored.values()) == acked, "250 and stored differ"
    assert acked, "sessions in DATA were given time to finish"
    daemon.assert_balanced(accepted=len(acked), held=len(acked))


run(story)
