"""A whole DNS on loopback, without root: root zone, TLDs, name servers, caches, all real programs.

    world = DnsWorld(lab)
    world.zone("cutover.test", "@ 8 MX 10 mx.old.test.")   # on ns1, ns2 and ns3
    world.recursive("plain")                               # Unbound: a cache as most have
    world.recursive("floor", cache_min_ttl=20)             # any option of unbound.conf
    world.forwarder("dnsmasq", to="plain")
    world.start()
    world.publish("cutover.test", "@ 8 MX 10 hold.test.", on=["ns1"])
    world.servers["ns2"].stop()                            # start(), fault("servfail"), heal()
    world.ask("plain", "cutover.test", "MX").data("MX")    # what a sender would get

All name servers listen on one port, each on an address of its own, so that glue is enough to find
them: world.roots and world.port are what an iterating resolver needs to know. Unbound, which
cannot be told a port, gets each zone's servers as a stub; chains of trust go from the root down.
"""

import pathlib
import subprocess
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

import dns_message as dns
from dns_server import ADDRESSES, HOSTER, NameServer, file_of, host_of
from siding_lab import Lab, free_port, program, wait_until

LEAVES = ("ns1", "ns2", "ns3")
REVERSE = "127.in-addr.arpa"
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
  logfile: "{root}/log"
  val-log-level: 2
  do-daemonize: no
  do-not-query-localhost: no
  module-config: "validator iterator"
  access-control: 127.0.0.0/8 allow
  infra-host-ttl: 1
  local-zone: "test." nodefault
  local-zone: "127.in-addr.arpa." nodefault
"""


@dataclass
class Zone:
    name: str
    servers: tuple[str, ...]
    delegated_to: tuple[str, ...]  # by the parent
    nameservers: tuple[str, ...]  # by the zone itself
    ttl: int
    minimum: int
    signed: bool
    valid_days: int
    wrong_ds: bool
    records: dict[str, str] = field(default_factory=dict)  # of each server
    serials: dict[str, int] = field(default_factory=dict)


class DnsWorld:
    def __init__(self, lab: Lab):
        for name in ("nsd", "unbound", "ldns-keygen", "ldns-signzone"):
            program(name)
        self.lab = lab
        self.root = lab.directory / "world"
        self.root.mkdir()
        self.port, self.back_port = free_port(), free_port()
        self.zones: dict[str, Zone] = {}
        self.keys: dict[str, str] = {}
        self.serial = int(time.time())
        self.servers = {name: NameServer(self, name) for name in ("root", "tld", *LEAVES)}
        self.caches: dict[str, int] = {}  # name → port
        self.pending: list[tuple[str, dict[str, object]]] = []
        self.forwarders: list[tuple[str, str]] = []
        self.is_up = False
        glue = "\n".join(f"{name} 3600 A {ADDRESSES[name]}" for name in list(ADDRESSES)[2:])
        self.zone(HOSTER, glue, ttl=3600)

    @property
    def roots(self) -> list[str]:
        return [f"{ADDRESSES['root']}:{self.port}"]

    # --- what there is; before start() ----------------------------------------------------------
    def zone(
        self,
        name: str,
        records: str,
        servers: tuple[str, ...] = LEAVES,
        delegated_to: tuple[str, ...] | None = None,
        nameservers: tuple[str, ...] | None = None,
        ttl: int = 60,
        minimum: int = 5,
        signed: bool = False,
        valid_days: int = 28,
        wrong_ds: bool = False,
    ) -> None:
        """Served by `servers`, which parent and zone name unless they are told to name others."""
        assert not self.is_up, "a new zone after start()"
        self.zones[name] = Zone(
            name, servers, delegated_to or servers, nameservers or servers,
            ttl, minimum, signed, valid_days, wrong_ds, dict.fromkeys(servers, records),
        )  # fmt: skip
        for server in servers:
            if server not in self.servers:
                self.servers[server] = NameServer(self, server)
            self.servers[server].zones.append(name)

    def recursive(self, name: str, **options: object) -> None:
        """`options` as in unbound.conf, with _ for -."""
        self.caches[name] = free_port()
        self.pending.append((name, options))

    def forwarder(self, name: str, to: str) -> None:
        """dnsmasq, as it stands in front of many offices; it keeps MX records for their TTL."""
        program("dnsmasq")
        self.caches[name] = free_port()
        self.forwarders.append((name, to))

    def start(self) -> "DnsWorld":
        self._add_parents()
        for name in sorted(self.zones, key=lambda name: -name.count(".") if name != "." else 99):
            self._write(name, self.zones[name].servers)
        for server in self.servers.values():
            server.start()
        for name, options in self.pending:
            self._start_unbound(name, options)
        for name, to in self.forwarders:
            self._start_dnsmasq(name, to)
        for name in self.caches:
            wait_until(lambda name=name: self.ask(name, HOSTER, "SOA"), f"{name} answers", 10)
        self.is_up = True
        return self

    # --- what changes ---------------------------------------------------------------------------
    def publish(self, name: str, records: str, on: list[str] | None = None) -> float:
        """Replaces the zone's records. The time when the last of the servers had them."""
        zone = self.zones[name]
        zone.records |= dict.fromkeys(on or zone.servers, records)
        changed = tuple(on or zone.servers)
        self._write(name, changed)
        for server in changed:
            self.servers[server].reload(name)
        return time.time()

    # --- what is seen ---------------------------------------------------------------------------
    def cache(self, name: str) -> tuple[str, int]:
        return "127.0.0.1", self.caches[name]

    def ask(self, cache: str, name: str, kind: str, **options: bool | float) -> dns.Answer | None:
        return dns.ask(self.cache(cache), name, kind, **options)

    def panel(self, *caches: str) -> pathlib.Path:
        """A panel file of these, or of all."""
        file = self.root / "panel"
        lines = [f"{name}: 127.0.0.1:{self.caches[name]}" for name in caches or self.caches]
        file.write_text("# of this lab\n" + "\n".join(lines) + "\n")
        return file

    def settings(self, resolver: str, **more: object) -> dict[str, object]:
        """The `dns` section of a Siding that lives in this world."""
        resolvers = [f"127.0.0.1:{self.caches[resolver]}"]
        return {"servers": resolvers, "roots": self.roots, "port": self.port, **more}

    # --- parts ----------------------------------------------------------------------------------
    def serve(
        self, name: str, root: pathlib.Path, config: str, *flags: str
    ) -> subprocess.Popen[bytes]:
        file = root / "config"
        file.write_text(config)
        return self.lab.start_process(
            program(name), *flags, str(file),
            stdout=subprocess.DEVNULL, stderr=(root / "err").open("wb"),
        )  # fmt: skip

    def _add_parents(self) -> None:
        chained = any(zone.signed for zone in self.zones.values())
        names = [name for name in self.zones if name != REVERSE]
        for tld in sorted({name.rpartition(".")[2] for name in names}):
            self.zone(tld, "", servers=("tld",), signed=chained, ttl=3600)
        self.zone(".", "", servers=("root",), signed=chained, ttl=3600)

    def _parent_of(self, name: str) -> str:
        """The closest zone above."""
        while name:
            name = name.partition(".")[2]
            if name in self.zones:
                return name
        return "."

    def _delegations(self, parent: str) -> str:
        lines: list[str] = []
        for zone in self.zones.values():
            if zone.name == "." or self._parent_of(zone.name) != parent:
                continue
            lines += [f"{zone.name}. NS {host_of(name)}" for name in zone.delegated_to]
            lines += [f"{host_of(name)} A {ADDRESSES[name]}" for name in zone.delegated_to]
            if zone.signed:
                record = (self.root / f"{self._key_of(zone.name)}.ds").read_text().strip()
                lines.append(record[:-64] + "0" * 64 if zone.wrong_ds else record)
        if parent == ".":
            lines += [f"{host_of('root')} A {ADDRESSES['root']}"]
        return "\n".join(dict.fromkeys(lines)) + "\n"  # glue once

    def _write(self, name: str, servers: tuple[str, ...]) -> None:
        zone = self.zones[name]
        self.serial += 1
        for server in servers:
            zone.serials[server] = self.serial
            text = self._text_of(zone, server)
            file = self.servers[server].root / file_of(name)
            if not zone.signed:
                file.write_text(text)
                continue
            plain = file.with_suffix(".plain")
            plain.write_text(text)
            until = datetime.now(timezone.utc) + timedelta(days=zone.valid_days)
            self._tool(
                "ldns-signzone", "-e", until.strftime("%Y%m%d%H%M%S"),
                "-i", (until - timedelta(days=90)).strftime("%Y%m%d%H%M%S"),
                "-f", str(file), str(plain), self._key_of(name),
            )  # fmt: skip

    def _text_of(self, zone: Zone, server: str) -> str:
        origin = zone.name.rstrip(".") + "."
        soa = f"{host_of(zone.nameservers[0])} hostmaster.{HOSTER}. {zone.serials[server]}"
        lines = [f"$ORIGIN {origin}", f"$TTL {zone.ttl}"]
        lines += [f"@ SOA {soa} 3600 600 604800 {zone.minimum}"]
        lines += [f"@ NS {host_of(name)}" for name in zone.nameservers]
        return "\n".join([*lines, self._delegations(zone.name), zone.records[server]]) + "\n"

    def _key_of(self, name: str) -> str:
        if name not in self.keys:
            made = self._tool("ldns-keygen", "-a", "ECDSAP256SHA256", "-k", name.rstrip(".") + ".")
            self.keys[name] = made.strip()
        return self.keys[name]

    def _tool(self, name: str, *arguments: str) -> str:
        done = self.lab.run(program(name), *arguments, cwd=self.root)
        assert done.code == 0, f"{name}: {done.err}"
        return done.out

    def _start_unbound(self, name: str, options: dict[str, object]) -> None:
        root = self.root / f"cache-{name}"
        root.mkdir()
        config = UNBOUND.format(port=self.caches[name], root=root)
        config += "".join(f"  {key.replace('_', '-')}: {value}\n" for key, value in options.items())
        if self.zones["."].signed:
            config += f'  trust-anchor-file: "{self.root / self._key_of(".")}.ds"\n'
        for zone in self.zones.values():
            config += f'stub-zone:\n  name: "{zone.name}"\n'
            for server in zone.servers:
                config += f"  stub-addr: {ADDRESSES[server]}@{self.port}\n"
        config += "remote-control:\n  control-enable: no\n"
        self.serve("unbound", root, config, "-d", "-p", "-c")

    def _start_dnsmasq(self, name: str, to: str) -> None:
        root = self.root / f"cache-{name}"
        root.mkdir()
        options = f"""\
port={self.caches[name]}
listen-address=127.0.0.1
bind-interfaces
no-resolv
no-hosts
no-poll
server=127.0.0.1#{self.caches[to]}
cache-size=1000
cache-rr=MX
keep-in-foreground
log-facility={root}/log
user=
pid-file=
"""
        self.serve("dnsmasq", root, options, "-C")
