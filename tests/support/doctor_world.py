"""A whole domain before its cutover, with nothing wrong: zones, signatures, policies, servers.

    scene = DoctorWorld(lab)
    scene.records["@"] …                   # break something, before start()
    scene.start()
    scene.doctor("--all")                  # `siding doctor`

cutover.test is at mx.old.test, moves through hold.siding.test to mx.new.test. Old and new are
Postfix, each on an address of its own, on one port that stands for 25.
"""

import base64
import http.server
import pathlib
import ssl
import threading
from typing import Any

from dns_lab import tlsa_of_key
from dns_world import REVERSE, DnsWorld
from postfix_lab import Postfix
from siding_lab import Daemon, Lab, Ran, free_port
from test_certificates import make_ca, make_certificate

DOMAIN = "cutover.test"
HOSTS = {
    "hold.siding.test": "127.53.2.1",
    "mx.old.test": "127.53.2.2",
    "mx.new.test": "127.53.2.3",
    f"mta-sts.{DOMAIN}": "127.53.2.4",
}
PEOPLE = ("ann", "bob", "postmaster", "tls-reports")
TTL = 300


class Policy:
    """The HTTPS server of an MTA-STS policy."""

    def __init__(self, lab: Lab, at: tuple[str, int], pair: tuple[pathlib.Path, pathlib.Path]):
        outer = self
        self.text = ""

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # noqa: N802 - the library's name
                found = self.path == "/.well-known/mta-sts.txt" and outer.text
                self.send_response(200 if found else 404)
                self.send_header("Content-Type", "text/plain")
                self.end_headers()
                self.wfile.write(outer.text.replace("\n", "\r\n").encode() if found else b"")

            def log_message(self, *_: Any) -> None:
                pass

        server = http.server.ThreadingHTTPServer(at, Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pair)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        lab.cleanup.callback(server.shutdown)


class DoctorWorld:
    def __init__(self, lab: Lab):
        self.lab = lab
        self.world = DnsWorld(lab)
        self.port, self.https_port = free_port(), free_port()
        self.tls = lab.directory / "tls"
        self.ca = make_ca(self.tls)
        self.pairs = {name: make_certificate(self.tls, [name]) for name in HOSTS}
        self.policy_text = (
            "version: STSv1\nmode: enforce\n"
            "mx: mx.old.test\nmx: hold.siding.test\nmx: mx.new.test\nmax_age: 604800\n"
        )
        self.records: dict[str, list[str]] = {
            "@": ["MX 10 mx.old.test.", 'TXT "v=spf1 ip4:127.53.2.0/24 -all"'],
            "_dmarc": ['TXT "v=DMARC1; p=none; rua=mailto:reports@other.test"'],
            "s1._domainkey": [f"TXT {self._dkim_key()}"],
            "_mta-sts": ['TXT "v=STSv1; id=20261101"'],
            "mta-sts": [f"A {HOSTS[f'mta-sts.{DOMAIN}']}"],
            "_smtp._tls": ['TXT "v=TLSRPTv1; rua=mailto:tls@other.test"'],
        }
        self.old_records = {
            "mx": [f"A {HOSTS['mx.old.test']}"],
            f"_{self.port}._tcp.mx": [f"TLSA {tlsa_of_key(self.pairs['mx.old.test'][0])}"],
            "_25._tcp.mx": [f"TLSA {tlsa_of_key(self.pairs['mx.old.test'][0])}"],
        }
        self.hold_records = {"hold": [f"A {HOSTS['hold.siding.test']}"]}
        self.reverse = dict(HOSTS)
        self.domain_zone: dict[str, Any] = {"ttl": TTL, "minimum": TTL, "signed": True}
        self.old_mx = ["mx.old.test"]
        self.recipients: Any = {"verify": ["old"]}
        self.servers = ["mx.old.test", "mx.new.test"]  # that run
        self.selectors = ["s1"]
        self.daemon: Daemon | None = None

    def start(self) -> "DoctorWorld":
        world = self.world
        world.zone(DOMAIN, _lines(self.records), **self.domain_zone)
        world.zone("old.test", _lines(self.old_records), ttl=TTL, minimum=TTL, signed=True)
        world.zone("siding.test", _lines(self.hold_records), ttl=TTL, minimum=TTL)
        world.zone("new.test", f"mx A {HOSTS['mx.new.test']}\n", ttl=TTL, minimum=TTL)
        back = {
            ".".join(address.split(".")[:0:-1]): [f"PTR {name}."]
            for name, address in self.reverse.items()
        }
        world.zone(REVERSE, _lines(back), ttl=TTL, minimum=TTL)
        world.recursive("plain")
        world.start()
        known = self.lab.directory / "known"
        people = "|".join(PEOPLE)
        known.write_text(f"/^({people})@{DOMAIN}$/ OK\n/./ 550 5.1.1 nobody here\n")
        for name in self.servers:
            self._start_postfix(name, known)
        at = (HOSTS[f"mta-sts.{DOMAIN}"], self.https_port)
        Policy(self.lab, at, self.pairs[f"mta-sts.{DOMAIN}"]).text = self.policy_text
        self._start_siding()
        return self

    def doctor(self, *arguments: str, is_json: bool = False) -> Ran:
        more = [f"--selector={selector}" for selector in self.selectors]
        more += ["--config", str(self.daemon.config_file), "--ca-file", str(self.ca)]
        more += ["--smtp-port", str(self.port), "--https-port", str(self.https_port)]
        return self.lab.siding(*(["--json"] if is_json else []), "doctor", *arguments, *more)

    def _start_postfix(self, name: str, known: pathlib.Path) -> None:
        certificate, key = self.pairs[name]
        Postfix(
            self.lab,
            name,
            host=HOSTS[name],
            port=self.port,
            myhostname=name,
            relay_domains=DOMAIN,
            relayhost="[127.0.0.1]:9",
            message_size_limit="52428800",
            smtpd_recipient_restrictions=f"check_recipient_access regexp:{known}, reject",
            smtpd_tls_security_level="may",
            smtpd_tls_cert_file=str(certificate),
            smtpd_tls_key_file=str(key),
        ).start()

    def _start_siding(self) -> None:
        certificate, key = self.pairs["hold.siding.test"]
        config = self.lab.config(
            hostname="hold.siding.test",
            domains={
                DOMAIN: {
                    "phase": "pass_old",
                    "recipients": self.recipients,
                    "mx": {"new": ["hold.siding.test"], "old": self.old_mx},
                }
            },
            listeners=[{"address": f"{HOSTS['hold.siding.test']}:{self.port}"}],
            tls={"certificate": str(certificate), "key": str(key)},
            dns=self.world.settings("plain"),
            # Postfix cannot do BINARYMIME.
            extensions=["PIPELINING", "SIZE", "STARTTLS", "ENHANCEDSTATUSCODES", "8BITMIME",
                        "SMTPUTF8", "CHUNKING", "DSN"],
        )  # fmt: skip
        for server in ("old", "new"):
            config["servers"][server] = {"address": f"mx.{server}.test:{self.port}"}
        self.daemon = self.lab.daemon(config).start()

    def _dkim_key(self) -> str:
        key = self.tls / "dkim.key"
        self.lab.run("openssl", "genrsa", "-out", str(key), "2048")
        pem = self.lab.run("openssl", "rsa", "-in", str(key), "-pubout").out
        encoded = "".join(pem.splitlines()[1:-1])
        assert base64.b64decode(encoded), pem
        text = f"v=DKIM1; k=rsa; p={encoded}"
        return " ".join(f'"{text[at : at + 200]}"' for at in range(0, len(text), 200))


def _lines(records: dict[str, list[str]]) -> str:
    return "".join(f"{owner} {line}\n" for owner, lines in records.items() for line in lines)
