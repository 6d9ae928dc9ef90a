"""The matrix, rows about connections: early, slow, too many, lying, in plain text, cut off."""

import pathlib
import shutil
import signal
import socket
import ssl
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from hostile import HEAD, SMUGGLED, Wire, assert_replies, matches, proxy_v1, proxy_v2
from sample_mail import message
from siding_lab import Daemon, Lab, end_process, run, wait_until
from smtp_client import SmtpClient, send_mail
from test_certificates import make_certificate

LOOPBACK = {"networks": ["127.0.0.0/8"]}
# One client address for each claim, so that none counts against another.
ME, EARLY, PATIENT, MANY, SLOW, GATE, LIAR = (f"127.0.0.{n}" for n in range(11, 18))


def greeted(port: int, source: str = ME) -> Wire:
    wire = Wire(port, source)
    wire.wait_replies(1)
    return wire


def reload(daemon: Daemon, **changes) -> None:
    daemon.config.update(changes)
    daemon.write_config()
    before = daemon.log().count(" reloaded")
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: daemon.log().count(" reloaded") > before, "the reload")


def starttls_injection(port: int) -> None:
    """Row 4: nothing that came in plain text is answered behind STARTTLS."""
    for sent_ahead in (b"RSET\r\n", b"EHLO evil\r\n" + SMUGGLED, b"\0", b"\x16\x03\x01"):
        with greeted(port) as wire:
            wire.send(b"EHLO x\r\nSTARTTLS\r\n" + sent_ahead)
            assert_replies(wire.replies(), "220", "250", "554 5.5.0")
    for way in range(1, 8):  # wherever the packet ends, and after the answer
        octets = b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nSTARTTLS\r\nRSET\r\n"
        with greeted(port) as wire:
            wire.send(octets[:-way])
            wire.wait_replies(4 if way <= len(b"RSET\r\n") else 3)
            wire.send(octets[-way:] + SMUGGLED)
            while wire._more():
                pass
            said = wire.received.split(b"\r\n")
            codes = [int(line[:3]) for line in said if line[3:4] == b" "]
            assert codes in ([220, 250, 250, 220], [220, 250, 250, 554]), said
            rest = wire.received.rpartition(b"\r\n")[2]
            assert not rest or rest[0] == 0x15, f"neither nothing nor a TLS alert: {rest!r}"
    context = ssl._create_unverified_context()
    with greeted(port) as wire:
        wire.say(b"EHLO x")
        assert wire.say(b"MAIL FROM:<a@b.example>").startswith("250 2.1.0")
        assert wire.say(b"RCPT TO:<bob@example.com>").startswith("250 2.1.5")
        assert wire.say(b"STARTTLS now").startswith("501 5.5.4")
        assert wire.say(b"STARTTLS").startswith("220 2.0.0")
        wire.socket = context.wrap_socket(wire.socket)
        for line, reply in (
            (b"RCPT TO:<bob@example.com>", "503 5.5.1"), (b"DATA", "503 5.5.1"),
            (b"BDAT 4 LAST\r\nab", "503 5.5.1"), (b"MAIL FROM:<a@b.example>", "503 5.5.1"),
            (b"STARTTLS", "503 5.5.1"), (b"EHLO x", "250"),
        ):  # fmt: skip
            assert matches(wire.say(line), reply), line
        assert wire.received.count(b"STARTTLS") == 1, "offered once, in plain text"
        assert b"REQUIRETLS" not in wire.received, "the next hop is not verified"


def early_talkers(daemon: Daemon, port: int) -> None:
    """Row 6."""
    for octets in (b"EHLO x\r\n", b"Q", SMUGGLED, b"\r\n", b"GET / HTTP/1.0\r\n", b"\0" * 70000):
        with Wire(port, EARLY) as wire:
            wire.send(octets)
            assert_replies(wire.replies(), "554 5.5.0")
    with greeted(port, PATIENT) as wire:
        wire.send(b"EHLO x\r\nQUIT\r\n")
        assert_replies(wire.replies(), "220", "250", "221 2.0.0")
    for policy, lines in (("log", 1), ("ignore", 0)):
        reload(daemon, early_talkers=policy)
        before = daemon.log().count(" early_talker ")
        with Wire(port, EARLY) as wire:
            wire.send(b"EHLO x\r\nQUIT\r\n")
            assert_replies(wire.replies(), "220", "250", "221 2.0.0")
        assert daemon.log().count(" early_talker ") == before + lines, policy


def untrusted_headers(port: int) -> None:
    """Row 23, from where no proxy is: a wrong command, and never an address."""
    for header in (proxy_v1("192.0.2.1"), proxy_v1("2001:db8::1", "TCP6"), b"PROXY UNKNOWN\r\n"):
        with greeted(port, LIAR) as wire:
            wire.send(header + b"EHLO x\r\nXCLIENT ADDR=192.0.2.1\r\nQUIT\r\n")
            replies = ("220", "500 5.5.2", "250", "550 5.7.0", "221 2.0.0")
            assert_replies(wire.replies(), *replies)
            assert b"XCLIENT" not in wire.received
    with greeted(port, LIAR) as wire:
        wire.send(proxy_v2("192.0.2.1") + b"\r\nQUIT\r\n")
        replies = wire.replies()
        assert all(reply[:3] == "500" for reply in replies[1:-1]), replies
        assert replies[-1].startswith("221"), replies


def required_headers(port: int) -> None:
    """Row 23, where only a proxy speaks: without its header not even the greeting is said."""
    v2 = proxy_v2("192.0.2.1")
    bad = (
        b"EHLO x\r\n", b"\r\n", b"PROXY\r\n", b"PROXY TCP4 192.0.2.1\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 99999 25\r\n", b"PROXY TCP4 ::1 ::2 1 25\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 25\nEHLO x\r\n", b"PROXY " + b"x" * 200,
        b"PROXY TCP4 192.0.2.01 192.0.2.2 1 25\r\n", b"proxy TCP4 192.0.2.1 192.0.2.2 1 25\r\n",
        v2[:12] + b"\x31" + v2[13:], v2[:13] + b"\x13" + v2[14:], v2[:14] + b"\0\x02" + v2[16:],
        v2[:14] + b"\xff\xff" + v2[16:], v2[:12] + b"\x22" + v2[13:],
        proxy_v2("192.0.2.1", tail=b"\x20\xff\xff"), proxy_v2("192.0.2.1", tail=b"\x03\0\x04abcd"),
    )  # fmt: skip
    for octets in bad:
        with Wire(port, GATE) as wire:
            wire.send(octets + SMUGGLED)
            assert_replies(wire.replies(), "421 4.3.2")
    for octets in (b"", b"PROXY TCP4 192", v2[:-1]):
        with Wire(port, GATE) as wire:
            wire.send(octets)
            assert_replies(wire.replies(), "421 4.3.2")  # after timeouts.greeting
    with Wire(port, GATE) as wire:
        wire.send(v2[:5])
        wire.half_close()
        assert wire.replies() == []


def slow_senders(port: int) -> None:
    """Row 28: each is cut off at the end of its time, and nothing of it is kept."""
    begun = b"EHLO x\r\nMAIL FROM:<slow@b.example>\r\nRCPT TO:<slow@example.com>\r\n"
    in_data, in_chunk = begun + b"DATA\r\n" + HEAD + b"x", begun + b"BDAT 9999\r\n" + HEAD + b"x"
    quick = ["220", "250", "250 2.1.0", "250 2.1.5"]

    def silent(octets: bytes, *replies: str) -> None:
        with greeted(port, SLOW) as wire:
            started = time.monotonic()
            wire.send(octets)
            assert_replies(wire.replies(), *replies, "421 4.4.2")
            assert time.monotonic() - started > 0.9, "cut off before its time"

    def drip(octets: bytes, *replies: str) -> None:
        """An octet now and then: each is in time, the message is not."""
        over = threading.Event()
        with greeted(port, SLOW) as wire:
            wire.send(octets)
            thread = threading.Thread(target=dripping, args=(wire, over), daemon=True)
            thread.start()
            found = wire.replies()
            over.set()
            thread.join()
        assert_replies(found, *replies, "421 4.4.2")

    def dripping(wire: Wire, over: threading.Event) -> None:
        while not over.wait(0.2):
            wire.send(b"y")

    with ThreadPoolExecutor(16) as pool:
        waiting = [
            pool.submit(silent, b"", "220"),
            pool.submit(silent, b"EHLO x\r\nNOO", "220", "250"),
            pool.submit(silent, begun, *quick),
            pool.submit(silent, in_data, *quick, "354"),
            pool.submit(silent, in_data + b"\r\n.\r", *quick, "354"),
            pool.submit(silent, in_chunk, *quick),
            pool.submit(silent, begun + b"BDAT 1\r\nx", *quick, "250 2.0.0"),
            pool.submit(silent, b"BDAT 9999\r\nx", "220"),
            pool.submit(drip, in_data, *quick, "354"),
            pool.submit(drip, in_chunk, *quick),
            pool.submit(drip, b"EHLO x\r\nNOOP ", "220", "250"),
        ]
        for one in waiting:
            one.result()


def too_many(plain: int, gateway: int, proxied: int) -> None:
    """Row 29: three from one client, whoever says who it is."""
    full = "421 4.7.0"
    open_now = [greeted(plain, MANY) for _ in range(3)]
    with Wire(plain, MANY) as fourth:
        assert_replies(fourth.replies(), full)
    with greeted(plain) as other:
        assert other.say(b"QUIT").startswith("221")
    open_now.pop().socket.close()

    def again() -> bool:
        with greeted(plain, MANY) as next_one:
            return next_one.received.startswith(b"220")

    wait_until(again, "a place came free")
    answers = ("220", "220", "220", full, "220")
    for address, neighbour, other in (
        ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
        ("IPV6:2001:db8::1", "IPV6:2001:db8::ffff:ffff:ffff:ffff", "IPV6:2001:db8:0:1::1"),
    ):
        wires = [greeted(gateway, GATE) for _ in range(5)]
        told = (address, address, neighbour, neighbour, other)
        for wire, client, reply in zip(wires, told, answers, strict=True):
            found = wire.say(f"XCLIENT ADDR={client}".encode())
            assert matches(found, reply), f"XCLIENT {client}: {found}"
        for wire in wires:
            wire.socket.close()
    for address, neighbour, other, family in (
        ("192.0.2.11", "192.0.2.11", "192.0.2.12", "TCP4"),
        ("2001:db8:5::1", "2001:db8:5:0:ffff::1", "2001:db8:5:1::1", "TCP6"),
    ):
        wires = []
        told = (address, address, neighbour, neighbour, other)
        for number, (client, reply) in enumerate(zip(told, answers, strict=True)):
            wire = Wire(proxied, GATE)
            wire.send(proxy_v1(client, family) if number % 2 else proxy_v2(client))
            wire.wait_replies(1)
            assert wire.received.startswith(reply.encode()), f"{client}: {wire.received!r}"
            wires.append(wire)
        for wire in wires:
            wire.socket.close()
    for wire in open_now:
        assert wire.say(b"NOOP").startswith("250"), "who was there stays"
        wire.socket.close()


class Injector:
    """Row 5: a server that says more than "220" to STARTTLS, as an attacker in between would."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.heard: list[bytes] = []
        self.ended = 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            with client:
                client.settimeout(20)
                client.sendall(b"220 x\r\n")
                self.heard.append(client.recv(4096))
                client.sendall(b"250-x\r\n250 STARTTLS\r\n")
                self.heard.append(client.recv(4096))
                client.sendall(b"220 go\r\n250-x\r\n250 8BITMIME\r\n" + b"250 ok\r\n" * 4)
                while octets := client.recv(4096):
                    self.heard.append(octets)
            self.ended += 1


def injected_answers(lab: Lab) -> None:
    for tls in ("opportunistic", "required"):
        injector = Injector()
        name = f"outbound-{tls}"
        domains = {"example.com": {"phase": "pass_new"}}
        config = lab.config(new=injector.address, domains=domains, name=name)
        config["servers"]["new"]["tls"] = tls
        config["servers"]["old"]["tls"] = "off"
        daemon = lab.daemon(config, name).start()
        reply = send_mail(daemon.port, "ann@sender.example", "bob@example.com", message())
        assert reply.code == 250, reply
        daemon.wait_log("starttls_injection")
        wait_until(lambda: injector.ended, "it hangs up")
        assert daemon.row("bob@example.com")["state"] in ("due", "in_flight")
        harmless = {b"EHLO hold.example.net\r\n", b"STARTTLS\r\n", b"QUIT\r\n"}
        assert set(injector.heard) <= harmless, injector.heard
        injector.listener.close()
        assert daemon.stop() == 0, daemon.log()


def no_room(daemon: Daemon, port: int) -> None:
    """Row 14, and room that goes while a message is under way."""
    with greeted(port) as wire:
        wire.say(b"EHLO x")
        wire.say(b"MAIL FROM:<a@b.example>")
        wire.say(b"RCPT TO:<full@example.com>")
        assert wire.say(b"DATA").startswith("354")
        reload(daemon, storage={"disk_reserve": "100%"})

        def refused() -> bool:
            with greeted(port, PATIENT) as other:
                other.say(b"EHLO x")
                return other.say(b"MAIL FROM:<a@b.example>").startswith("452 4.3.1")

        wait_until(refused, "there is no room")
        assert wire.say(HEAD + b"x\r\n.").startswith("452 4.3.1")
        assert wire.say(b"RCPT TO:<full@example.com>").startswith("503")
        reload(daemon, storage={"disk_reserve": "64MiB"})
        wait_until(lambda: not refused(), "there is room again")


def failing_disk(lab: Lab) -> None:
    """Row 15: a sync fails, so the answer is 451, the next client is not greeted, and it ends."""
    strace = shutil.which("strace")
    if not strace or lab.run(strace, "-e", "trace=none", "true").code != 0:
        print("no strace here: row 15 is left to crash.eio")
        return
    daemon = lab.daemon(lab.config(new=None, name="disk"), "disk")
    daemon.environment["ASAN_OPTIONS"] = "detect_leaks=0"
    daemon.start()
    assert daemon.process
    with SmtpClient(daemon.port) as client, SmtpClient(daemon.port) as bystander:
        client.ehlo()
        trace = lab.directory / "strace"
        tracer = lab.start_process(
            strace, "-f", "-o", str(trace), "-e", "trace=fdatasync",
            "-e", "inject=fdatasync:error=EIO:when=1+", "-p", str(daemon.process.pid),
        )  # fmt: skip
        wait_until(lambda: is_traced(daemon), "strace is attached")
        reply = client.transact("a@b.example", ["bob@example.com"], message())
        assert (reply.code, reply.enhanced) == (451, "4.3.0"), reply
        reply = bystander.command("NOOP")
        assert reply.code in (250, 421), reply
    assert daemon.wait_exit(30) == 74, daemon.log()
    end_process(tracer)
    # What a failed sync has written may be there all the same; the sender comes again, so that is a
    # second copy and no loss.
    daemon.start()
    count = len(daemon.rows())
    assert count <= 1, daemon.rows()
    daemon.assert_balanced(accepted=count)
    assert daemon.stop() == 0


def is_traced(daemon: Daemon) -> bool:
    """All its threads."""
    assert daemon.process
    threads = pathlib.Path(f"/proc/{daemon.process.pid}/task").glob("*/status")
    return all("TracerPid:\t0\n" not in thread.read_text() for thread in threads)


def shutdown(daemon: Daemon, port: int) -> None:
    """Row 31: whoever is in the middle of a message may end it; whoever is not hears 421."""
    with greeted(port) as idle, greeted(port, PATIENT) as sender:
        for wire in (idle, sender):
            wire.say(b"EHLO x")
        sender.say(b"MAIL FROM:<last@b.example>")
        sender.say(b"RCPT TO:<last@example.com>")
        assert sender.say(b"DATA").startswith("354")
        daemon.signal(signal.SIGTERM)
        assert_replies(idle.replies(), "220", "250", "421 4.3.2")
        sender.send(HEAD + b"the last one\r\n.\r\nMAIL FROM:<evil@evil.example>\r\n")
        found = sender.replies()
        assert matches(found[5], "250 2.0.0"), found
        assert len(found) <= 8 and matches(found[-1], "421 4.3.2"), found
    assert daemon.wait_exit(30) == 0, daemon.log()


def story(lab: Lab) -> None:
    certificate, key = make_certificate(lab.directory / "tls", ["hold.example.net"])
    listener = {"address": "127.0.0.1:0"}
    config = lab.config(
        new=None,
        tls={"certificate": str(certificate), "key": str(key)},
        listeners=[
            listener,
            listener | {"xclient": LOOPBACK},
            listener | {"proxy_protocol": LOOPBACK},
        ],
        limits={"connections_per_client": 3},
        timeouts={"greeting": "1s"},
    )
    daemon = lab.daemon(config).start()
    plain, gateway, proxied = daemon.ports()
    slow_config = lab.config(new=None, name="slow")
    slow_config["timeouts"] = {"greeting": "1s", "command": "1s", "data": "1s", "message": "2s"}
    slow = lab.daemon(slow_config, "slow").start()
    with ThreadPoolExecutor(4) as pool:
        waiting = [
            pool.submit(slow_senders, slow.port),
            pool.submit(injected_answers, lab),
            pool.submit(failing_disk, lab),
        ]
        starttls_injection(plain)
        untrusted_headers(plain)
        required_headers(proxied)
        too_many(plain, gateway, proxied)
        reload(daemon, greeting_delay="300ms")
        early_talkers(daemon, plain)
        reload(daemon, greeting_delay="0ms")
        no_room(daemon, plain)
        for one in waiting:
            one.result()
    assert daemon.rows() == [] and slow.rows() == []
    shutdown(daemon, plain)
    slow.assert_balanced(accepted=0)
    assert slow.stop() == 0, slow.log()
    daemon.start()
    assert [row["recipient"] for row in daemon.rows()] == ["last@example.com"]
    daemon.assert_balanced(accepted=1, held=1)
    assert daemon.stop() == 0, daemon.log()


run(story)
