"""Exim as the new server: whole transactions in BDAT chunks, one behind the other; refusals too."""

import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from peer_package import Peer
from sample_mail import assert_relayed, message, random_message
from siding_lab import Lab, free_port, listens, run, wait_until
from smtp_client import SmtpClient

PACKAGES = ["exim4-daemon-light", "libidn12", "libgnutls-dane0", "libunbound8", "libevent-2.1-7"]
USER = "Debian-exim"  # compiled in
COUNT = 300

# It says no to one and not now to another, and sends all else to what keeps it.
CONFIG = """
primary_hostname = exim.example.com
spool_directory = {spool}
log_file_path = {spool}/log/%slog
exim_path = {program}
keep_environment =
received_header_text =
disable_ipv6 = true
tls_advertise_hosts =
chunking_advertise_hosts = *
pipelining_connect_advertise_hosts =
accept_8bitmime = true
message_size_limit = 100M
acl_smtp_rcpt = check
acl_smtp_data = accept
smtp_accept_max = 0
smtp_accept_queue_per_connection = 0
daemon_smtp_ports = {port}
local_interfaces = 127.0.0.1
begin acl
check:
  deny local_parts = gone
    message = no such mailbox
  defer local_parts = later
    message = still copying
  accept
begin routers
box:
  driver = manualroute
  transport = box
  route_list = * localhost byname
  self = send
begin transports
box:
  driver = smtp
  port = {box}
  hosts_try_chunking =
  message_linelength_limit = 1G
begin retry
* * F,1h,1s
"""


class EximServer(Peer):
    def __init__(self, lab: Lab, box_port: int):
        super().__init__(lab, "exim", PACKAGES, [USER])
        self.port = free_port()
        spool = self.directory / "spool"
        for directory in (spool, spool / "log"):
            directory.mkdir()
            directory.chmod(0o777)
        self.log_file = spool / "log/mainlog"
        self.config = self.directory / "exim.conf"
        self.config.write_text(
            CONFIG.format(
                spool=spool, program=self.root / "usr/sbin/exim4", port=self.port, box=box_port
            )
        )

    def start(self) -> "EximServer":
        command = self.command("usr/sbin/exim4", "-C", str(self.config), "-bdf", "-q1s")
        with (self.directory / "err").open("wb") as err:
            process = self.lab.start_process(*command, stdout=err, stderr=err)

        def up() -> bool:
            assert process.poll() is None, (self.directory / "err").read_text() + self.log()
            return listens(self.port)

        wait_until(up, "Exim listens", 60)
        return self

    def log(self) -> str:
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""


def story(lab: Lab) -> None:
    box = lab.sink()
    exim = EximServer(lab, box.port).start()
    config = lab.config()
    config["servers"]["new"] = {"address": f"127.0.0.1:{exim.port}", "connections": 4}
    daemon = lab.daemon(config).start()
    draw = random.Random(11)
    originals = {}
    with SmtpClient(daemon.port) as client:
        client.ehlo()
        for number in range(COUNT):
            recipient = f"box{number}@example.com"
            size = 300_000 if number % 50 == 0 else draw.randrange(100, 9000)
            # Exim cuts messages at a NUL.
            octets = random_message(draw, f"m{number}", size).replace(b"\0", b"~")
            originals[recipient] = octets
            assert client.transact("ann@sender.example", [recipient], octets).code == 250
        mixed = ["gone@example.com", "both@example.com", "later@example.com"]
        assert client.transact("ann@sender.example", mixed, message("mixed")).code == 250
    daemon.siding("release", "--to", "new").ok()
    box.wait_for(COUNT + 1, 120)
    for recipient, octets in originals.items():
        (delivery,) = box.of(recipient)
        assert_relayed(delivery.octets, octets)
    assert "no such mailbox" in daemon.wait_state("gone@example.com", "parked")["last_reply"]
    wait_until(lambda: "still copying" in daemon.row("later@example.com")["last_reply"], "deferred")
    # K: it came in chunks (Exim's log says so of what it received).
    chunked = [line for line in exim.log().splitlines() if " <= " in line and " K " in line]
    assert len(chunked) == COUNT + 1, exim.log()[-2000:]
    entry = daemon.siding("trace", "box1@example.com").ok().out
    assert "accepted, their id is 1" in entry, entry
    daemon.assert_balanced(accepted=COUNT + 3, delivered=COUNT + 1, parked=1)


run(story)
