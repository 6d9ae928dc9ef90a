"""tls: dane against Postfix, with TLSA records from a signed zone in NSD that Unbound validates."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from dns_lab import SignedDns, tlsa_of_authority, tlsa_of_key
from postfix_lab import Postfix
from sample_mail import message, message_id_of
from siding_lab import Daemon, Lab, run, wait_until
from smtp_client import SmtpClient
from test_certificates import make_ca, make_certificate

OTHER_KEY = "3 1 1 " + "00" * 32
HOSTS = "key authority wrong bare clear odd".split()


def zone(port: int, clear_port: int, tlsa: dict[str, str]) -> str:
    """Each name is a mail domain whose only MX is mx.NAME."""
    lines = []
    for name in HOSTS:
        at = clear_port if name == "clear" else port
        lines += [f"{name} MX 10 mx.{name}", f"mx.{name} A 127.0.0.1"]
        lines += [f"_{at}._tcp.mx.{name} TLSA {tlsa[name]}"] if name in tlsa else []
    return "\n".join(lines) + "\n"


def says(daemon: Daemon, words: str) -> bool:
    """Somewhere an operator looks: the rows, the status, the log."""
    seen = json.dumps([daemon.rows(), daemon.api("GET", "/v1/status")]) + daemon.log()
    return words in seen


def delivered(daemon: Daemon, octets: bytes) -> list[dict[str, str]]:
    found = daemon.api("GET", "/v1/trace", query=message_id_of(octets))
    entries = [entry for message_ in found["messages"] for entry in message_["entries"]]
    return [entry for entry in entries if entry["kind"] == "delivered"]


def story(lab: Lab) -> None:
    dns = SignedDns(lab)
    directory = lab.directory / "tls"
    leaf, key = make_certificate(directory, ["mx.authority.cutover.example"])
    chain = directory / "chain.pem"
    chain.write_text(leaf.read_text() + make_ca(directory).read_text())
    behind, clear = lab.sink(), lab.sink()
    postfix = Postfix(
        lab,
        relayhost=f"[127.0.0.1]:{behind.port}",
        smtpd_tls_security_level="may",
        smtpd_tls_cert_file=str(chain),
        smtpd_tls_key_file=str(key),
        smtpd_tls_loglevel="1",
    ).start()
    tlsa = {
        "key": tlsa_of_key(leaf),
        "authority": tlsa_of_authority(make_ca(directory)),
        "wrong": OTHER_KEY,
        "clear": tlsa_of_key(leaf),
        "odd": "1 1 1 " + "00" * 32,  # PKIX-EE: not for SMTP
    }
    dns.zone("cutover.example", zone(postfix.port, clear.port, tlsa))
    elsewhere = f"@ MX 10 mx\nmx A 127.0.0.1\n_{postfix.port}._tcp.mx TLSA {tlsa['key']}\n"
    dns.zone("plain.example", elsewhere, signed=False)
    dns.zone("bogus.example", elsewhere, broken=True)
    dns.start()
    assert dns.is_signed("key.cutover.example", "MX")

    def dane(domain: str, port: int = postfix.port) -> dict[str, object]:
        return {"address": f"{domain}:{port}", "mx": True, "tls": "dane"}

    servers = {name: dane(f"{name}.cutover.example") for name in HOSTS}
    servers["clear"] = dane("clear.cutover.example", clear.port)
    servers |= {"plain": dane("plain.example"), "bogus": dane("bogus.example")}
    config = lab.config(dns={"servers": [dns.address], "timeout": "2s"})
    config["servers"] |= servers
    daemon = lab.daemon(config).start()

    originals = {}
    with SmtpClient(daemon.port) as client:
        client.ehlo()
        for name in servers:
            originals[name] = message(f"mail for {name}")
            reply = client.transact("ann@sender.example", [f"{name}@example.com"], originals[name])
            assert reply.code == 250, reply
    for name in servers:
        order = {"filter": {"recipient": f"{name}@example.com"}, "to": name, "dry_run": False}
        daemon.api("POST", "/v1/releases", order)

    # What DNSSEC vouches for, by the key and by the authority.
    behind.wait_for(2, 60)
    for name in ("key", "authority"):
        (delivery,) = behind.of(f"{name}@example.com")
        assert delivery.octets.endswith(originals[name]), name
        # Our ledger hears of it a moment after the server.
        wait_until(lambda name=name: delivered(daemon, originals[name]), f"{name} is written down")
        (entry,) = delivered(daemon, originals[name])
        assert "dane" in entry["tls"], entry
    # Postfix has seen the names that RFC 7672 §8.1 asks for.
    assert "TLS connection established" in postfix.log()

    # Everything else waits, and says why.
    reasons = {
        "wrong": "matching DANE TLSA records",
        "bare": "no TLSA record for mx.bare.cutover.example",
        "odd": "no TLSA record that SMTP can use for mx.odd.cutover.example",
        "plain": "MX records of plain.example are not signed",
        "bogus": "SERVFAIL",
    }
    for name, words in reasons.items():
        wait_until(lambda words=words: says(daemon, words), f"{name}: {words}")
    # A server that takes STARTTLS out of its EHLO gets nothing in clear text.
    wait_until(lambda: clear.connections > 0, "the clear server was tried")
    assert not behind.of("wrong@example.com") and not clear.all
    waiting = {row["recipient"] for row in daemon.rows() if row["state"] in ("due", "in_flight")}
    assert waiting == {f"{name}@example.com" for name in (*reasons, "clear")}, waiting

    # The right key is published: no restart, nothing to order.
    tlsa["wrong"] = tlsa["key"]
    dns.zone("cutover.example", zone(postfix.port, clear.port, tlsa))
    behind.wait_for(3, 120)
    (delivery,) = behind.of("wrong@example.com")
    assert delivery.octets.endswith(originals["wrong"])
    assert len(behind.all) == 3 and not clear.all
    daemon.assert_balanced(accepted=len(servers), delivered=3)


run(story)
