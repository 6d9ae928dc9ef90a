"""Real DNS on loopback: zones in NSD, signed with ldns, and Unbound that validates them.

    dns = SignedDns(lab)
    dns.zone("cutover.example", "@ MX 10 mx\nmx A 127.0.0.1\n")      # signed, its key is trusted
    dns.zone("plain.example", "@ A 127.0.0.1\n", signed=False)       # nobody vouches for it
    dns.zone("bogus.example", "@ A 127.0.0.1\n", broken=True)        # trusted, and changed since
    dns.start()
    dns.address                                                      # of Unbound

zone() again replaces a zone's records; Unbound remembers nothing.
"""

import hashlib
import pathlib
import signal
import subprocess
import time

from siding_lab import Lab, free_port, program, wait_until

ZONE = """\
$ORIGIN {name}.
$TTL 60
@ SOA ns hostmaster {serial} 3600 600 86400 1
@ NS ns
ns A 127.0.0.1
"""
NSD = """\
server:
  ip-address: 127.0.0.1@{port}
  do-ip6: no
  server-count: 1
  username: ""
  chroot: ""
  database: ""
  pidfile: "{root}/nsd.pid"
  xfrdfile: ""
  xfrdir: "{root}"
  zonesdir: "{root}"
  zonelistfile: "{root}/nsd.zones"
  logfile: "{root}/nsd.log"
remote-control:
  control-enable: no
"""
UNBOUND = """\
server:
  interface: 127.0.0.1@{port}
  do-ip6: no
  num-threads: 1
  username: ""
  chroot: ""
  directory: "{root}"
  pidfile: ""
  use-syslog: no
  logfile: "{root}/unbound.log"
  val-log-level: 2
  do-daemonize: no
  do-not-query-localhost: no
  module-config: "validator iterator"
  access-control: 127.0.0.0/8 allow
  cache-max-ttl: 0
  cache-max-negative-ttl: 0
  infra-host-ttl: 1
  root-hints: "{root}/no.hints"
remote-control:
  control-enable: no
"""


class SignedDns:
    def __init__(self, lab: Lab):
        for name in ("nsd", "unbound", "ldns-keygen", "ldns-signzone"):
            program(name)
        self.lab = lab
        self.root = lab.directory / "dns"
        self.root.mkdir()
        self.nsd_port, self.port = free_port(), free_port()
        self.zones: dict[str, bool] = {}  # name → whether its key is trusted
        self.keys: dict[str, str] = {}
        self.serial = int(time.time())
        self.nsd: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def zone(
        self, name: str, records: str, signed: bool = True, broken: bool = False
    ) -> None:
        self.serial += 1
        file = self.root / f"{name}.zone"
        file.write_text(ZONE.format(name=name, serial=self.serial) + records)
        served = self.root / f"{name}.served"
        if signed:
            if name not in self.keys:
                self.keys[name] = self._tool("ldns-keygen", "-a", "ECDSAP256SHA256", "-k", name)
            self._tool("ldns-signzone", "-f", str(served), file.name, self.keys[name].strip())
        else:
            served.write_text(file.read_text())
        if broken:
            text = served.read_text().replace("127.0.0.1", "127.0.0.66")
            served.write_text(text)
        assert self.nsd is None or name in self.zones, "a new zone after start()"
        self.zones[name] = signed
        if self.nsd:
            self.nsd.send_signal(signal.SIGHUP)
            wait_until(lambda: self._serial_of(name) == self.serial, f"NSD has read {name}")

    def start(self) -> "SignedDns":
        nsd = NSD.format(port=self.nsd_port, root=self.root)
        unbound = UNBOUND.format(port=self.port, root=self.root)
        # Nobody is to be asked but NSD.
        (self.root / "no.hints").write_text(". 3600 IN NS ns.\nns. 3600 IN A 127.0.0.1\n")
        for name, is_trusted in self.zones.items():
            nsd += f'zone:\n  name: "{name}"\n  zonefile: "{name}.served"\n'
            unbound += f'stub-zone:\n  name: "{name}"\n  stub-addr: 127.0.0.1@{self.nsd_port}\n'
            if is_trusted:
                anchor = self.root / f"{self.keys[name].strip()}.ds"
                unbound += f'server:\n  trust-anchor-file: "{anchor}"\n'
        self.nsd = self._serve("nsd", nsd, "-d", "-c")
        self._serve("unbound", unbound, "-d", "-p", "-c")
        for name in self.zones:
            wait_until(lambda name=name: self._serial_of(name) > 0, f"NSD serves {name}")
        name = next(iter(self.zones))
        wait_until(lambda: "NOERROR" in self.ask(name, "SOA"), "Unbound answers")
        return self

    def ask(self, name: str, kind: str, port: int = 0) -> str:
        """What dig says."""
        command = [program("dig"), "@127.0.0.1", "-p", str(port or self.port), "+adflag"]
        done = subprocess.run(
            [*command, "+tries=1", "+time=2", name, kind],
            capture_output=True,
            timeout=30,
            check=False,
        )
        return done.stdout.decode(errors="replace")

    def is_signed(self, name: str, kind: str) -> bool:
        flags = [line for line in self.ask(name, kind).splitlines() if line.startswith(";; flags")]
        return bool(flags) and " ad" in flags[0].partition(";; flags:")[2].partition(";")[0]

    def log(self) -> str:
        file = self.root / "unbound.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def _serial_of(self, name: str) -> int:
        for line in self.ask(name, "SOA", self.nsd_port).splitlines():
            fields = line.split()
            if not line.startswith(";") and "SOA" in fields:
                return int(fields[6])
        return 0

    def _serve(self, name: str, config: str, *flags: str) -> subprocess.Popen[bytes]:
        file = self.root / f"{name}.conf"
        file.write_text(config)
        return self.lab.start_process(
            program(name), *flags, str(file),
            stdout=subprocess.DEVNULL, stderr=(self.root / f"{name}.err").open("wb"),
        )  # fmt: skip

    def _tool(self, name: str, *arguments: str) -> str:
        done = subprocess.run(
            [program(name), *arguments],
            cwd=self.root,
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{name}: {done.stderr.decode(errors='replace')}"
        return done.stdout.decode()


def tlsa_of_key(certificate: pathlib.Path) -> str:
    """`3 1 1 …`: the SHA-256 of the certificate's public key."""
    der = _openssl("x509", "-in", str(certificate), "-noout", "-pubkey")
    key = _openssl("pkey", "-pubin", "-outform", "DER", stdin=der)
    return f"3 1 1 {hashlib.sha256(key).hexdigest()}"


def tlsa_of_authority(certificate: pathlib.Path) -> str:
    """`2 0 1 …`: the SHA-256 of the certificate that has signed the server's."""
    der = _openssl("x509", "-in", str(certificate), "-outform", "DER")
    return f"2 0 1 {hashlib.sha256(der).hexdigest()}"


def _openssl(*arguments: str, stdin: bytes = b"") -> bytes:
    done = subprocess.run(
        ["openssl", *arguments], input=stdin, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout
