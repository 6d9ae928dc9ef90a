"""PROXY and XCLIENT: the client that they name is the one in ledger, header, list and limits."""

import pathlib
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from hostile import Wire, assert_replies, proxy_v1, proxy_v2
from sample_mail import assert_relayed, message
from siding_lab import Daemon, Lab, run, wait_until
from smtp_client import SmtpClient
from test_certificates import make_ca, make_certificate
from tls_client import certificate_of, implicit, tls_context

LOOPBACK = {"networks": ["127.0.0.0/8"]}
ME = "127.0.0.1"
V4, V6 = "192.0.2.7", "2001:db8::7"


class Via(SmtpClient):
    """A connection whose first octets are `front`, in packets of `size`."""

    def __init__(self, port: int, front: bytes, size: int = 10_000):
        connected = socket.create_connection(("127.0.0.1", port), 30)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(front), size):
            connected.sendall(front[start : start + size])
        super().__init__(port, connected=connected)


def xclient(client: SmtpClient, attributes: str) -> SmtpClient:
    assert "XCLIENT" in client.extensions, client.extensions
    reply = client.command(f"XCLIENT {attributes}")
    assert reply.code == 220, reply
    return client


class Ledger:
    """Sends one message over a connection and looks where its client is written down."""

    def __init__(self, daemon: Daemon):
        self.daemon = daemon
        self.sent = 0

    def check(self, client: SmtpClient, address: str, proxy: str, name: str = "unknown") -> dict:
        self.sent += 1
        recipient, original = f"r{self.sent}@example.com", message()
        client.ehlo("client.example")
        (listed,) = self.daemon.api("GET", "/v1/sessions")["sessions"]
        assert listed["peer"].rpartition(":")[0].strip("[]") == address, listed
        assert listed["proxy"] == proxy, listed
        if self.sent == 1:
            text = self.daemon.siding("sessions").ok().out
            assert f"{listed['peer']} via {proxy} " in text, text
        reply = client.transact("ann@sender.example", [recipient], original)
        assert reply.code == 250, reply
        client.quit()
        wait_until(lambda: not self.daemon.api("GET", "/v1/sessions")["sessions"], "it is gone")
        identity = self.daemon.row(recipient)["message"]
        envelope = self.daemon.api("GET", f"/v1/messages/{identity}")
        assert (envelope["client_address"], envelope["proxy_address"]) == (address, proxy), envelope
        trace = assert_relayed(self.daemon.octets_of(identity), original)
        literal = f"IPv6:{address}" if ":" in address else address
        assert f"from client.example ({name} [{literal}])" in trace, trace
        (found,) = self.daemon.api("GET", "/v1/trace", query=recipient)["messages"]
        assert found["entries"][0]["client_address"] == address, found
        return envelope


def proxied(ledger: Ledger, must: int, may: int) -> None:
    tlvs = b"\x01\0\x04smtp\xee\0\x03abc"
    for front, address in (
        (proxy_v1(V4), V4), (proxy_v1(V6, "TCP6"), V6), (proxy_v2(V4), V4), (proxy_v2(V6), V6),
        (proxy_v2(V6, tail=tlvs), V6), (proxy_v2("::ffff:192.0.2.9"), "192.0.2.9"),
    ):  # fmt: skip
        ledger.check(Via(must, front), address, ME)
        ledger.check(Via(may, front, size=1), address, ME)
    # The balancer itself, with nobody behind it.
    for front in (
        proxy_v2(command=0), proxy_v2(command=0, tail=b"\x04\0\x02xx"),
        b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n",
    ):  # fmt: skip
        ledger.check(Via(must, front), ME, "")
    ledger.check(SmtpClient(may), ME, "")  # it may speak, and does not

    # What comes in one packet with the header is the client's, and no early talk.
    for port in (must, may):
        with Wire(port) as wire:
            wire.send(proxy_v2(V6) + b"EHLO x\r\nQUIT\r\n")
            assert_replies(wire.replies(), "220", "250", "221 2.0.0")
    with Wire(may) as wire:  # a second header is a wrong command
        wire.send(proxy_v1(V4) + proxy_v1("192.0.2.200") + b"QUIT\r\n")
        assert_replies(wire.replies(), "220", "500 5.5.2", "221 2.0.0")


def proxied_tls(ledger: Ledger, port: int, ca_file: pathlib.Path) -> None:
    """The ClientHello in the same packet as the header."""
    for front, address in ((proxy_v2(V6), V6), (proxy_v1(V4), V4), (proxy_v2(command=0), ME)):
        client = implicit(port, tls_context(ca_file), "hold.example.net", front)
        assert ("DNS", "hold.example.net") in certificate_of(client)["subjectAltName"]
        envelope = ledger.check(client, address, ME if address != ME else "")
        assert envelope["tls"].startswith("TLSv1.3 "), envelope


def xclients(ledger: Ledger, port: int, must: int, both: int) -> None:
    for said, address, name in (
        (f"ADDR={V4} PORT=4711 NAME=mail.far.example", V4, "mail.far.example"),
        (f"NAME=[UNAVAILABLE] ADDR=IPV6:{V6}", V6, "unknown"),
        (f"name=[TEMPUNAVAIL] addr=ipv6:{V6} proto=esmtp helo=other.example", V6, "unknown"),
    ):
        client = SmtpClient(port)
        client.ehlo()
        ledger.check(xclient(client, said), address, ME, name)
    client = SmtpClient(port)  # a gateway's own mail
    ledger.check(client, ME, "")
    # Behind a balancer as well: who it names may speak for others only if trusted itself.
    with Via(both, proxy_v2(V4)) as client:
        client.ehlo()
        assert "XCLIENT" not in client.extensions
        assert client.command("XCLIENT ADDR=192.0.2.99").code == 550
    client = Via(both, proxy_v2("127.0.0.9"))
    client.ehlo()
    ledger.check(xclient(client, f"ADDR={V6}"), V6, ME)

    with SmtpClient(port) as client:
        client.ehlo()
        for bad in (
            "", "ADDR", "ADDR=", "ADDR=999.1.1.1", "ADDR=IPV6:192.0.2.1", "ADDR=192.0.2.1+00",
            "PORT=70000", "COLOUR=blue", "NAME=a+0Ab", "NAME=a+0", "PROTO=UUCP", "HELO=a+0D+0Ab",
        ):  # fmt: skip
            reply = client.command(f"XCLIENT {bad}")
            assert (reply.code, reply.enhanced) == (501, "5.5.4"), f"{bad}: {reply}"
        assert client.mail("ann@sender.example").code == 250
        for _ in range(2):  # in a transaction, which goes on
            reply = client.command(f"XCLIENT ADDR={V4}")
            assert (reply.code, reply.enhanced) == (503, "5.5.1"), reply
            assert client.rcpt("bob@example.com").code == 250
        assert client.command("RSET").code == 250
        xclient(client, f"ADDR={V4}")
        # A new session: what was said to the gateway's own name does not count.
        assert client.mail("ann@sender.example").code == 503
        client.ehlo()
        assert client.mail("ann@sender.example").code == 250

    with SmtpClient(must) as client:
        client.ehlo()
        reply = client.mail("ann@sender.example")
        assert (reply.code, reply.enhanced) == (550, "5.7.0"), reply
        xclient(client, f"ADDR={V4}")
        client.ehlo()
        assert client.mail("ann@sender.example").code == 250


def limits(daemon: Daemon, must: int, gateway: int) -> None:
    """message_rate: 40 counts clients, not balancers; both ways to name one are one client."""
    def mails(client: SmtpClient, count: int) -> list[int]:
        client.ehlo()
        codes = []
        for _ in range(count):
            codes.append(client.mail("ann@sender.example").code)
            client.command("RSET")
        client.close()
        return codes

    one, other = "2001:db8:77::1", "2001:db8:77:0:1::2"  # one /64
    assert mails(Via(must, proxy_v2(one)), 39) == [250] * 39
    client = SmtpClient(gateway)
    client.ehlo()
    assert mails(xclient(client, f"ADDR=IPV6:{other}"), 3) == [250, 450, 450]
    assert mails(Via(must, proxy_v2(other)), 1) == [450]
    assert mails(Via(must, proxy_v2("2001:db8:78::1")), 1) == [250]
    assert mails(Via(must, proxy_v2(V4)), 1) == [250]


def story(lab: Lab) -> None:
    tls = lab.directory / "tls"
    certificate, key = make_certificate(tls, ["hold.example.net"])
    at = {"address": "127.0.0.1:0"}
    config = lab.config(
        new=None,
        tls={"certificate": str(certificate), "key": str(key)},
        listeners=[
            at | {"proxy_protocol": LOOPBACK},
            at | {"proxy_protocol": LOOPBACK | {"required": False}},
            at | {"proxy_protocol": LOOPBACK, "tls": "implicit"},
            at | {"xclient": LOOPBACK},
            at | {"xclient": LOOPBACK | {"required": True}},
            at | {"proxy_protocol": LOOPBACK, "xclient": LOOPBACK},
        ],
    )
    config["limits"] |= {"message_rate": 40, "soft_errors": 19}
    daemon = lab.daemon(config).start()
    must, may, wrapped, gateway, must_name, both = daemon.ports()
    ledger = Ledger(daemon)
    proxied(ledger, must, may)
    proxied_tls(ledger, wrapped, make_ca(tls))
    xclients(ledger, gateway, must_name, both)
    limits(daemon, must, gateway)
    daemon.assert_balanced(accepted=ledger.sent, held=ledger.sent)
    assert daemon.stop() == 0, daemon.log()


run(story)
