"""Exim as a server: takes mail, refuses some of it, and sends what it has to what keeps it."""

import pathlib

from peer_package import Peer
from siding_lab import Lab, free_port, listens, wait_until

PACKAGES = ["exim4-daemon-light", "libidn12", "libgnutls-dane0", "libunbound8", "libevent-2.1-7"]
USER = "Debian-exim"  # compiled in

# It says no to one and not now to another, and sends all else to what keeps it.
CONFIG = """
primary_hostname = exim.example.com
spool_directory = {spool}
log_file_path = {spool}/log/%slog
exim_path = {program}
keep_environment =
received_header_text =
disable_ipv6 = true
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
{main}
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
{sections}
"""


class EximServer(Peer):
    """`main` are further main options, `sections` whole sections from their `begin` on."""

    def __init__(
        self, lab: Lab, box_port: int, main: str = "tls_advertise_hosts =", sections: str = ""
    ):
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
                spool=spool,
                program=self.root / "usr/sbin/exim4",
                port=self.port,
                box=box_port,
                main=main,
                sections=sections,
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
