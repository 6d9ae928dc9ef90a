"""Certificates come, go, expire and break under a running daemon: the last good one counts."""

import os
import pathlib
import shutil
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from sample_mail import assert_relayed, message
from siding_lab import Daemon, Lab, run, wait_until
from smtp_client import ConnectionClosed, Reply, SmtpClient
from test_certificates import make_ca, make_certificate
from tls_client import certificate_of, implicit, starttls, tls_context


def reload(daemon: Daemon) -> None:
    before = daemon.log().count(" reloaded")
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: daemon.log().count(" reloaded") > before, "the reload")


def offers_tls(port: int) -> bool:
    with SmtpClient(port) as client:
        client.ehlo()
        return "STARTTLS" in client.extensions


def turned_away(port: int) -> Reply:
    """The greeting of a listener that has nothing to offer."""
    with SmtpClient(port) as client:
        assert client.closed_by_server()
        return client.greeting


class Served:
    """What a client sees."""

    def __init__(self, port: int, ca_file: pathlib.Path):
        self.port, self.context = port, tls_context(ca_file)

    def serial(self, name: str | None = None) -> str:
        with starttls(self.port, self.context, name) as client:
            return certificate_of(client)["serialNumber"]

    def names(self, name: str | None) -> list[str]:
        with starttls(self.port, self.context, name) as client:
            return [value for _, value in certificate_of(client)["subjectAltName"]]


def story(lab: Lab) -> None:
    made, used = lab.directory / "made", lab.directory / "tls"
    ca_file = make_ca(made)
    used.mkdir()
    certificate, key = used / "mx.pem", used / "mx.key"

    def put(pair: tuple[pathlib.Path, pathlib.Path]) -> None:
        """As certbot does: a new file in the place of the old one."""
        for source, target in zip(pair, (certificate, key), strict=True):
            shutil.copy(source, used / "new")
            os.chmod(used / "new", 0o600)
            os.replace(used / "new", target)

    listener = {"address": "127.0.0.1:0"}
    config = lab.config(
        new=None,
        tls={"certificate": str(certificate), "key": str(key)},
        listeners=[
            listener,
            listener | {"tls": "starttls", "tls_required": True},
            listener | {"tls": "implicit"},
            listener | {"tls": "off"},
            listener | {"tls": "starttls", "client_certificates": True},
        ],
    )

    # Nothing there at start: mail comes in plain text, and the log says what is missing.
    daemon = lab.daemon(config).start()
    port, required, wrapped, plain, asking = daemon.ports()
    assert daemon.log().count(" tls_unusable ") == 4, daemon.log()
    assert f"{certificate}" in daemon.log() and "No such file" in daemon.log(), daemon.log()
    assert not offers_tls(port) and not offers_tls(plain)
    with SmtpClient(port) as client:
        client.ehlo()
        assert client.command("STARTTLS").code == 502
        assert client.transact("ann@sender.example", ["plain@example.com"], message()).code == 250
    reply = turned_away(required)
    assert (reply.code, reply.enhanced) == (421, "4.7.0"), reply
    assert_no_tls(wrapped)

    # It appears: offered without a restart. The key comes a moment later than the certificate.
    first = make_certificate(made, ["hold.example.net"], file="first")
    put(first)
    wait_until(lambda: offers_tls(port), "STARTTLS is offered")
    assert not offers_tls(plain)
    served = Served(port, ca_file)
    serial = served.serial()
    with SmtpClient(required) as client:
        client.ehlo()
        reply = client.mail("ann@sender.example")
        assert (reply.code, reply.enhanced) == (530, "5.7.0"), reply
    with implicit(wrapped, tls_context(ca_file)) as client:
        client.ehlo()
        assert "STARTTLS" not in client.extensions
        original = message()
        assert client.transact("ann@sender.example", ["wrapped@example.com"], original).code == 250
    envelope, trace = kept(daemon, "wrapped@example.com", original)
    assert "with ESMTPS id" in trace and "No client certificate requested" in trace, trace
    assert envelope["tls"].startswith("TLSv1.3 ") and envelope["tls_peer"] == "", envelope

    # Replaced while a session is open: that one goes on, the next one sees the new certificate.
    with starttls(port, served.context) as old:
        assert old.mail("ann@sender.example").code == 250
        put(make_certificate(made, ["hold.example.net"], file="second"))
        wait_until(lambda: served.serial() != serial, "the new certificate is in use")
        assert old.rcpt("through@example.com").code == 250
        assert old.data(message()).code == 250
        serial = served.serial()

        # Broken in every way, looked at again by SIGHUP: the last good one stays in force.
        good = (used / "good.pem", used / "good.key")
        shutil.copy(certificate, good[0])
        shutil.copy(key, good[1])
        for name, breaks in (
            ("does not belong to the first certificate", lambda: put((certificate, first[1]))),
            ("holds no certificate in PEM", lambda: certificate.write_text("no certificate\n")),
            ("no private key in PEM", lambda: key.write_text("no key\n")),
            ("No such file or directory", certificate.unlink),
            ("Is a directory", lambda: (key.unlink(), key.mkdir())),
        ):
            said = len(daemon.log())
            breaks()
            reload(daemon)
            assert name in daemon.log()[said:], f"{name}\n{daemon.log()[said:]}"
            assert "tls_unusable" in daemon.log()[said:]
            assert served.serial() == serial, name
            key.rmdir() if key.is_dir() else None
            put(good)
            reload(daemon)
            assert served.serial() == serial, name
        assert old.command("NOOP").code == 250

    # Expired, and readable by everyone: served all the same, with a warning. Senders do not verify.
    said = len(daemon.log())
    put(make_certificate(made, ["hold.example.net"], days=-1, file="third"))
    os.chmod(key, 0o644)
    reload(daemon)
    assert "certificate expired on" in daemon.log()[said:], daemon.log()[said:]
    assert "every user can read this key" in daemon.log()[said:], daemon.log()[said:]
    with starttls(port, tls_context()) as client:
        assert client.transact("ann@sender.example", ["expired@example.com"], message()).code == 250
    put(good)

    # A name of the client's choice, and the other names get what there is.
    pairs = {
        name: make_certificate(made, [covered], file=file)
        for name, covered, file in (
            ("mx2.example.com", "mx2.example.com", "mx2"),
            ("mx9.example.org", "*.example.org", "any"),
        )
    }
    daemon.config["tls"]["names"] = {
        name: {"certificate": str(pair[0]), "key": str(pair[1])} for name, pair in pairs.items()
    }
    daemon.write_config()
    reload(daemon)
    for name, expected in (
        ("mx2.example.com", "mx2.example.com"), ("MX2.Example.com", "mx2.example.com"),
        ("mx9.example.org", "*.example.org"), ("mx8.example.org", "hold.example.net"),
        ("hold.example.net", "hold.example.net"), ("other.example", "hold.example.net"),
        (None, "hold.example.net"),
    ):  # fmt: skip
        assert served.names(name) == [expected], (name, served.names(name))

    # Who shows a certificate is written down; nobody has to.
    pair = make_certificate(made, ["client.example"], file="client", usage="clientAuth")
    for name, context, peer in (
        ("shown", tls_context(ca_file, pair),
        'Client CN "client.example", Issuer "Test Authority" (not verified)'),
        ("hidden", tls_context(ca_file), "Client did not present a certificate"),
    ):
        original = message(name)
        with starttls(asking, context) as client:
            reply = client.transact("ann@sender.example", [f"{name}@example.com"], original)
            assert reply.code == 250, reply
        envelope, trace = kept(daemon, f"{name}@example.com", original)
        assert peer in trace, trace
        assert (len(envelope["tls_peer"]) == 64) == (name == "shown"), envelope

    daemon.assert_balanced(accepted=6, held=6)
    assert daemon.stop() == 0, daemon.log()


def assert_no_tls(port: int) -> None:
    try:
        implicit(port, tls_context()).close()
    except (OSError, ConnectionClosed):
        return
    raise AssertionError("TLS without a certificate")


def kept(daemon: Daemon, recipient: str, original: bytes) -> tuple[dict, str]:
    """The envelope, and the Received line in front of the message."""
    identity = daemon.row(recipient)["message"]
    trace = assert_relayed(daemon.octets_of(identity), original)
    return daemon.api("GET", f"/v1/messages/{identity}"), trace


run(story)
