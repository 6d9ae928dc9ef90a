"""What one client may take, and all together: the rest is put off, and nobody else suffers."""

import pathlib
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from hostile import Wire, assert_replies, matches
from sample_mail import message
from siding_lab import Daemon, Lab, run, wait_until
from smtp_client import SmtpClient, send_mail

EXEMPT = "127.0.9.0/24"


class Clients:
    """Each claim has a client of its own, so that none counts against another."""

    def __init__(self) -> None:
        self.last = 0

    def new(self) -> str:
        self.last += 1
        return f"127.0.1.{self.last}"


def greeted(port: int, source: str) -> Wire:
    wire = Wire(port, source)
    wire.wait_replies(1)
    return wire


def refused_at_once(port: int, source: str, reply: str) -> None:
    with Wire(port, source) as wire:
        assert_replies(wire.replies(), reply)


def begun(port: int, source: str) -> SmtpClient:
    client = SmtpClient(port, source=source)
    client.ehlo()
    return client


def rates(port: int, clients: Clients) -> None:
    """connection_rate 4, message_rate 3, recipient_rate 5, of a sliding minute."""
    source = clients.new()
    for _ in range(4):
        greeted(port, source).socket.close()
    refused_at_once(port, source, "421 4.7.0")
    refused_at_once(port, source, "421 4.7.0")

    source = clients.new()
    with begun(port, source) as client:
        for _ in range(3):
            assert client.transact("a@b.example", ["bob@example.com"], message()).code == 250
        reply = client.mail("a@b.example")
        assert (reply.code, reply.enhanced) == (450, "4.7.1") and source in reply.text, reply
        # Only for now, and no error of the client's: the session goes on, a new one hears the same.
        for _ in range(25):
            assert client.mail("a@b.example").code == 450
        assert client.command("NOOP").code == 250
    with begun(port, source) as client:
        assert client.mail("a@b.example").code == 450

    source = clients.new()
    with begun(port, source) as client:
        assert client.mail("a@b.example").code == 250
        codes = [client.rcpt(f"{name}@example.com").code for name in "abc"]
        codes += [client.rcpt(f"{name}@evil.example").code for name in "de"]  # these count, too
        assert codes == [250, 250, 250, 550, 550], codes
        reply = client.rcpt("f@example.com")
        assert (reply.code, reply.enhanced) == (450, "4.7.1"), reply
        assert client.data(message()).code == 250, "the others get it"


def exempt(port: int) -> None:
    source = "127.0.9.1"
    wires = [greeted(port, source) for _ in range(8)]
    for wire in wires:
        assert wire.received.startswith(b"220"), wire.received
        wire.socket.close()
    with begun(port, source) as client:
        for _ in range(6):
            assert client.transact("a@b.example", ["bob@example.com"], message()).code == 250


def at_once(port: int, clients: Clients) -> None:
    """connections_per_client 3. A place comes free when its connection is gone."""
    source = clients.new()
    wires = [greeted(port, source) for _ in range(3)]
    refused_at_once(port, source, "421 4.7.0")
    greeted(port, clients.new()).socket.close()
    for wire in wires:
        wire.socket.close()


def of_one_session(port: int, clients: Clients) -> None:
    """commands 60, errors 5 and 8, recipients 100."""
    with greeted(port, clients.new()) as wire:
        wire.send(b"EHLO x\r\n" + b"RSET\r\n" * 100)
        assert_replies(wire.replies(), "220", "250", *["250 2.0.0"] * 59, "421 4.7.0")
    with greeted(port, clients.new()) as wire:
        started = time.monotonic()
        for _ in range(5):
            assert matches(wire.say(b"XYZZY"), "500 5.5.2")
        took = time.monotonic() - started
        assert matches(wire.say(b"XYZZY"), "500 5.5.2")
        assert time.monotonic() - started > took + 0.9, "from here on errors cost time"
        wire.send(b"XYZZY\r\nXYZZY\r\n")
        assert_replies(wire.replies(), "220", *["500 5.5.2"] * 7, "421 4.7.0")


def stress(daemon: Daemon, port: int, clients: Clients) -> None:
    """connections 10, stress from 5 on: the idle go soon, and who comes too late hears 421."""
    working = begun(port, "127.0.9.2")
    idle = [greeted(port, clients.new()) for _ in range(9)]
    refused_at_once(port, clients.new(), "421 4.3.2")
    with ThreadPoolExecutor(8) as pool:
        shed = [pool.submit(refused_at_once, port, clients.new(), "421 4.3.2") for _ in range(40)]
        # Meanwhile whoever is inside is served as ever.
        for _ in range(20):
            assert working.transact("a@b.example", ["bob@example.com"], message()).code == 250
        for one in shed:
            one.result()

    def relieved() -> bool:
        assert working.command("RSET").code == 250, "whoever is not idle stays"
        return sum(map(timed_out, idle)) >= 5

    wait_until(relieved, "idle sessions are cut off", 20)
    working.close()
    for wire in idle:
        wire.socket.close()
    wait_until(lambda: not daemon.api("GET", "/v1/sessions")["sessions"], "all are gone")
    assert send_mail(port, "a@b.example", "bob@example.com", message()).code == 250
    with greeted(port, clients.new()) as calm:  # the timeout of quiet times is longer
        calm.socket.settimeout(1.5)
        try:
            calm.wait_replies(2)
        except TimeoutError:
            return
        raise AssertionError(calm.received)


def timed_out(wire: Wire) -> bool:
    wire.socket.settimeout(0.05)
    try:
        replies = wire.replies()
    except TimeoutError:
        return False
    assert_replies(replies, "220", "421 4.4.2")
    return True


def story(lab: Lab) -> None:
    config = lab.config(new=None)
    config["limits"] = {
        "connections_per_client": 3, "connection_rate": 4, "message_rate": 3, "recipient_rate": 5,
        "commands": 60, "soft_errors": 5, "hard_errors": 8, "exempt": [EXEMPT],
    }  # fmt: skip
    daemon = lab.daemon(config).start()
    clients = Clients()
    rates(daemon.port, clients)
    exempt(daemon.port)
    at_once(daemon.port, clients)
    # They are live: a reload is enough to change them, for sessions that are open as well.
    with begun(daemon.port, clients.new()) as client:
        for _ in range(3):
            assert client.mail("a@b.example").code == 250
            client.command("RSET")
        assert client.mail("a@b.example").code == 450
        daemon.config["limits"]["message_rate"] = 1000
        daemon.write_config()
        daemon.signal(signal.SIGHUP)
        wait_until(lambda: client.mail("a@b.example").code == 250, "the new limit", 10)
    of_one_session(daemon.port, clients)
    count = len({row["message"] for row in daemon.rows()})
    assert count == 3 + 1 + 6, count
    assert daemon.stop() == 0, daemon.log()

    config["limits"] = {"connections": 10, "stress": "50%", "exempt": ["127.0.0.0/8"]}
    config["timeouts"] = {"stressed_command": "1s", "command": "30s"}
    daemon.write_config()
    daemon.start()
    stress(daemon, daemon.port, clients)
    daemon.assert_balanced()
    assert daemon.stop() == 0, daemon.log()


run(story)
