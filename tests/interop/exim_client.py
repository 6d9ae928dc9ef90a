"""Exim sends, over TLS and in BDAT chunks: what it was given is what is held and what arrives."""

import pathlib
import random
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from exim_lab import PACKAGES, USER
from peer_package import Peer
from sample_mail import TRACE_HEADER, assert_relayed, message, random_message
from siding_lab import Daemon, Lab, run
from test_certificates import make_ca, make_certificate

# A local message gets no Received line here, so that it is known to the octet. One connection per
# message, at once, in the foreground; no name service.
CONFIG = """
primary_hostname = exim.example.net
spool_directory = {spool}
log_file_path = {spool}/log/%slog
log_selector = +tls_cipher +tls_certificate_verified
exim_path = {program}
keep_environment =
received_header_text =
untrusted_set_sender = *
local_from_check = false
disable_ipv6 = true
tls_advertise_hosts =
smtputf8_advertise_hosts = *
message_size_limit = 100M
begin routers
{routers}
begin transports
{transports}
begin retry
* * F,1h,1h
"""
ROUTER = """
{name}:
  driver = manualroute
  {match}
  transport = {name}
  route_list = * localhost byname
  self = send
"""
TRANSPORT = """
{name}:
  driver = smtp
  port = {port}
  helo_data = exim.example.net
  message_linelength_limit = 1G
  {how}
"""
CHUNKS, TLS = "hosts_try_chunking = *", "hosts_require_tls = *\n  tls_verify_hosts = *"
TRANSPORTS = {
    "plain": (f"{CHUNKS}\n  hosts_avoid_tls = *"),
    "data": (f"hosts_try_chunking =\n  {TLS}"),
    "bdat": (f"{CHUNKS}\n  {TLS}"),
}


class Exim(Peer):
    def __init__(self, lab: Lab, port: int, ca_file: pathlib.Path):
        super().__init__(lab, "exim", PACKAGES, [USER])
        self.spool = self.directory / "spool"
        self.spool.mkdir()
        (self.spool / "log").mkdir()
        for directory in (self.spool, self.spool / "log"):
            directory.chmod(0o777)
        self.config = self.directory / "exim.conf"
        trust = f"\n  tls_verify_certificates = {ca_file}"
        routers, transports = "", ""
        for name, how in TRANSPORTS.items():
            match = "" if name == "bdat" else f"local_parts = {name}"
            routers += ROUTER.format(name=name, match=match)
            transports += TRANSPORT.format(name=name, port=port, how=how + trust)
        self.config.write_text(
            CONFIG.format(
                program=self.root / "usr/sbin/exim4", spool=self.spool, routers=routers,
                transports=transports,
            )  # fmt: skip
        )

    def send(self, sender: str, recipients: list[str], octets: bytes) -> str:
        """Hands it over with LF, as a program on its machine would; its log of this message."""
        before = len(self.log())
        done = self.lab.run(
            *self.command("usr/sbin/exim4", "-C", str(self.config), "-i", "-odf", "-f", sender),
            *recipients,
            stdin=octets.replace(b"\r\n", b"\n"),
        )
        assert done.code == 0, f"{done.out}{done.err}{self.log()}"
        return self.log()[before:]

    def log(self) -> str:
        file = self.spool / "log" / "mainlog"
        return file.read_text(errors="replace") if file.exists() else ""


def story(lab: Lab) -> None:
    directory = lab.directory / "tls"
    certificate, key = make_certificate(directory, ["hold.example.net", "localhost"])
    new = lab.sink()
    config = lab.config(new=new, tls={"certificate": str(certificate), "key": str(key)})
    daemon = lab.daemon(config).start()
    exim = Exim(lab, daemon.port, make_ca(directory))

    draw = random.Random(3)
    mails = {
        "bdat": message("small"),
        "empty": message("empty", b""),
        "dots": message("dots", b".\r\n..\r\n.a\r\n\r\n.\r\n" + b"." * 3000 + b"\r\n"),
        "eight": message("eight", "Grüße, 世界\r\n".encode() + bytes(range(128, 256)) + b"\r\n"),
        "long": message("long", b"z" * 20_000 + b"\r\nend\r\n"),
        "chunks": message("chunks", random_message(draw, "chunks", 300_000)),
        "large": message("large", random_message(draw, "large", 3_000_000)),
        "data": message("data", b".\r\nby DATA\r\n"),
        "plain": message("plain", b".\r\nwithout TLS\r\n"),
    }
    for name, octets in mails.items():
        log = exim.send("ann@sender.example", [f"{name}@example.com"], octets)
        sent = "".join(re.findall(r" => .*", log))
        assert sent, log
        is_tls = name != "plain"
        assert ("X=TLS1.3:" in sent and "CV=yes" in sent) == is_tls, sent
        assert (" K " in sent) == (name != "data"), f"not in chunks: {sent}"
        check_held(daemon, name, octets, is_tls)

    # Three recipients of one domain are one message; an empty reverse path stays one.
    log = exim.send("<>", [f"{n}@example.com" for n in ("a", "b", "c")], mails["dots"])
    assert len(re.findall(r" [=-]> ", log)) == 3, log
    rows = [daemon.row(f"{name}@example.com") for name in ("a", "b", "c")]
    assert len({row["message"] for row in rows}) == 1 and all(r["sender"] == "" for r in rows), rows
    # A refusal is understood, and leaves the others alone.
    log = exim.send("ann@sender.example", ["d@example.com", "x@other.example"], mails["eight"])
    assert re.search(r"\*\* x@other\.example .*550 5\.7\.1", log), log
    assert daemon.row("d@example.com")["state"] == "held"

    metrics = daemon.request("GET", "/metrics")[1].decode()
    chunks = re.search(r'siding_smtpd_commands_total\{[^}]*verb="BDAT"\} (\d+)', metrics)
    # Exim puts what lies beyond its first buffer into a second chunk.
    assert chunks and int(chunks.group(1)) >= len(mails) + 3, metrics
    daemon.release()
    for name, octets in mails.items():
        (delivery,) = new.of(f"{name}@example.com")
        assert_relayed(delivery.octets, octets)
    assert new.of("b@example.com")[0].sender == ""
    daemon.assert_balanced(accepted=len(mails) + 4, delivered=len(mails) + 4)


def check_held(daemon: Daemon, name: str, octets: bytes, is_tls: bool) -> None:
    row = daemon.wait_state(f"{name}@example.com", "held")
    stored = daemon.octets_of(row["message"])
    assert_relayed(stored, octets)
    trace = TRACE_HEADER.match(stored)
    assert trace
    text = trace.group().decode()
    assert text.startswith("Received: from exim.example.net (unknown [127.0.0.1])"), text
    assert ("(using TLSv1.3 with cipher TLS_" in text) == is_tls, text
    assert f"with {'ESMTPS' if is_tls else 'ESMTP'} id" in text, text
    envelope = daemon.api("GET", f"/v1/messages/{row['message']}")
    assert envelope["sender"] == "ann@sender.example" and envelope["client_address"] == "127.0.0.1"
    assert envelope["bare_newlines"] == 0, envelope


run(story)
