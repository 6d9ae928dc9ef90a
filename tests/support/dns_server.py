"""The name servers of dns_world: each an NSD on an address of its own, which can misbehave.

What one serves is a directory of zone files; dns_world writes them.
"""

import signal
import subprocess
from typing import TYPE_CHECKING

import dns_message as dns
from dns_front import FaultFront
from siding_lab import end_process, wait_until

if TYPE_CHECKING:
    from dns_world import DnsWorld

ADDRESSES = {"root": "127.53.0.1", "tld": "127.53.0.2"}
ADDRESSES |= {f"ns{number}": f"127.53.1.{number}" for number in range(1, 10)}
HOSTER = "hoster.test"  # the zone with the names of all but the root's and the TLDs'
NSD = """\
server:
  ip-address: {address}@{port}
  do-ip6: no
  server-count: 1
  username: ""
  chroot: ""
  database: ""
  pidfile: ""
  xfrdfile: ""
  xfrdir: "{root}"
  zonesdir: "{root}"
  zonelistfile: "{root}/zones"
  logfile: "{root}/log"
  rrl-ratelimit: 0
remote-control:
  control-enable: no
"""


def host_of(server: str) -> str:
    return f"{server}.nic." if server in ("root", "tld") else f"{server}.{HOSTER}."


def file_of(zone: str) -> str:
    return f"{zone.strip('.') or 'root'}.zone"


class NameServer:
    """One NSD. What it serves is a directory of zone files."""

    def __init__(self, world: "DnsWorld", name: str):
        self.world, self.name, self.address = world, name, ADDRESSES[name]
        self.root = world.root / name
        self.root.mkdir()
        self.zones: list[str] = []
        self.process: subprocess.Popen[bytes] | None = None
        self.front: FaultFront | None = None

    @property
    def at(self) -> tuple[str, int]:
        return self.address, self.world.port

    @property
    def listens_at(self) -> tuple[str, int]:
        """Where the program is, which is somewhere else while its front misbehaves."""
        return self.address, self.world.back_port if self.front else self.world.port

    def start(self) -> "NameServer":
        assert self.process is None, f"{self.name} runs"
        config = NSD.format(address=self.address, port=self.listens_at[1], root=self.root)
        for zone in self.zones:
            config += f'zone:\n  name: "{zone}"\n  zonefile: "{file_of(zone)}"\n'
        self.process = self.world.serve("nsd", self.root, config, "-d", "-c")
        for zone in self.zones:
            self.wait_serial(zone)
        return self

    def stop(self) -> None:
        if self.process:
            end_process(self.process)
            self.process = None

    def reload(self, zone: str) -> None:
        if self.process:
            self.process.send_signal(signal.SIGHUP)
            self.wait_serial(zone)

    def fault(self, fault: str, **options: float) -> FaultFront:
        """From now on the server answers as dns_front says."""
        self.heal()
        self.stop()
        self.front = FaultFront(self.at, (self.address, self.world.back_port), fault, **options)
        self.world.lab.cleanup.callback(self.front.stop)
        self.start()
        return self.front

    def heal(self) -> None:
        if self.front:
            self.stop()
            self.front.stop()
            self.front = None
            self.start()

    def wait_serial(self, zone: str) -> None:
        serial = self.world.zones[zone].serials[self.name]

        def serves() -> bool:
            answer = dns.ask(self.listens_at, zone, "SOA", timeout=0.5, recurse=False)
            return answer is not None and any(
                int(soa.split()[2]) == serial for soa in answer.data("SOA")
            )

        wait_until(serves, f"{self.name} serves {zone} {serial}")
