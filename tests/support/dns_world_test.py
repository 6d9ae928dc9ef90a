"""The DNS of the tests is one: delegation, caches with TTL, caps, floors, chains of trust, faults.

Judged by dig, not by the programs under test nor by the harness's own messages."""

import time

from dns_front import FAULTS
from dns_world import DnsWorld
from siding_lab import Lab, program, run, wait_until

OLD = "@ 3 MX 10 mx.old.test.\n"
NEW = "@ 3 MX 10 hold.test.\n"


class Dig:
    def __init__(self, lab: Lab, world: DnsWorld):
        self.lab, self.world = lab, world

    def __call__(self, at: str, name: str, kind: str, *flags: str) -> str:
        """`at` is a name server or a cache."""
        if at in self.world.servers:
            address, port = self.world.servers[at].at
        else:
            address, port = self.world.cache(at)
        command = [program("dig"), f"@{address}", "-p", str(port), "+tries=1", "+time=1"]
        return self.lab.run(*command, *flags, name, kind).out

    def mx(self, at: str, name: str = "cutover.test", *flags: str) -> list[str]:
        return sorted(self(at, name, "MX", "+short", *flags).split("\n")[:-1])

    def ttl(self, at: str, name: str, kind: str) -> int:
        return int(self(at, name, kind, "+noall", "+answer").split()[1])


def delegation(dig: Dig, world: DnsWorld) -> None:
    """From the root by what each server says, on one port."""
    up = dig("root", "cutover.test", "MX", "+norec")
    assert "test.\t\t\t3600\tIN\tNS\ttld.nic." in up and "127.53.0.2" in up, up
    assert ", ANSWER: 0" in up and " aa" not in up.partition(";; flags:")[2].split(";")[0], up
    down = dig("tld", "cutover.test", "MX", "+norec")
    for number in (1, 2, 3):
        assert f"ns{number}.hoster.test." in down and f"127.53.1.{number}" in down, down
    for server in ("ns1", "ns2", "ns3"):
        for flags in (("+norec",), ("+norec", "+tcp")):
            assert dig.mx(server, "cutover.test", *flags) == ["10 mx.old.test."]
        assert " aa" in dig(server, "cutover.test", "MX", "+norec")
    assert dig("ns1", "5.0.0.127.in-addr.arpa", "PTR", "+short").strip() == "mx.old.test."
    assert "status: NXDOMAIN" in dig("plain", "none.cutover.test", "MX")
    assert dig("plain", "5.0.0.127.in-addr.arpa", "PTR", "+short").strip() == "mx.old.test."
    ours = world.ask("plain", "cutover.test", "MX")
    assert ours and ours.data("MX") == [line.rstrip(".") for line in dig.mx("plain")]


def trust(dig: Dig) -> None:
    flags = dig("plain", "signed.test", "MX", "+dnssec").partition(";; flags:")[2].split(";")[0]
    assert " ad" in flags, flags
    assert "RRSIG" in dig("ns1", "signed.test", "MX", "+dnssec")
    for name in ("bogus.test", "expired.test"):
        assert "status: SERVFAIL" in dig("plain", name, "MX"), name
        assert dig.mx("plain", name, "+cd") == ["10 mx.old.test."]
    assert " ad" not in dig("plain", "cutover.test", "MX").partition(";; flags:")[2].split(";")[0]


def caches(dig: Dig, world: DnsWorld) -> None:
    """Each cache lets go when its settings say; one server alone can be changed."""
    world.publish("cutover.test", NEW, on=["ns2"])
    assert dig.mx("ns2") == ["10 hold.test."] and dig.mx("ns1") == ["10 mx.old.test."]
    world.publish("cutover.test", OLD)
    time.sleep(4)  # the caches have let go of what they have seen so far
    filled = time.monotonic()
    for cache in world.caches:
        assert dig.mx(cache) == ["10 mx.old.test."], cache
    assert dig.ttl("plain", "cutover.test", "MX") in (2, 3)
    assert dig.ttl("floor", "cutover.test", "MX") > 4
    assert dig.ttl("capped", "cutover.test", "MX") <= 1
    world.publish("cutover.test", NEW)
    let_go: dict[str, float] = {}

    def all_new() -> bool:
        for cache in world.caches:
            if cache not in let_go and dig.mx(cache) == ["10 hold.test."]:
                let_go[cache] = time.monotonic() - filled
        return len(let_go) == len(world.caches)

    wait_until(all_new, "all caches have the new MX", 20)
    assert let_go["capped"] < let_go["plain"] < let_go["floor"], let_go
    assert 2.5 < let_go["plain"] < 5 and 6.5 < let_go["floor"] < 10, let_go
    assert "dnsmasq" in let_go


def faults(dig: Dig, world: DnsWorld) -> None:
    server = world.servers["ns3"]
    expected = {
        "servfail": "status: SERVFAIL",
        "refused": "status: REFUSED",
        "silent": "timed out",
        "truncated": "flags: qr aa tc",
        "no_tcp": "10 hold.test.",
        "lame": "ANSWER: 0",
        "no_edns": "status: FORMERR",
        "other_question": "Question section mismatch",
        "wrong_id": "expected ID",
        "spoofed": "10 hold.test.",
        "garbage": "bad packet",
        "slow": "timed out",
    }
    assert set(expected) == set(FAULTS)
    for fault, said in expected.items():
        server.fault(fault)
        out = dig("ns3", "cutover.test", "MX", "+norec", "+ignore", "+nocookie")
        assert said in out.replace("\t", " "), f"{fault}: {out}"
    for fault in ("truncated", "no_tcp"):
        server.fault(fault)
        out = dig("ns3", "cutover.test", "MX", "+norec", "+tcp")
        assert "refused" in out, out
    server.fault("slow", delay=0.3)
    assert dig.mx("ns3") == ["10 hold.test."]
    server.fault("no_edns")
    assert dig.mx("ns3", "cutover.test", "+noedns") == ["10 hold.test."]
    server.heal()
    assert dig.mx("ns3") == ["10 hold.test."]
    server.stop()
    out = dig("ns3", "cutover.test", "MX")
    assert "refused" in out or "timed out" in out, out
    # A cache that has just lost the answer finds out first which server is gone.
    wait_until(lambda: dig.mx("plain") == ["10 hold.test."], "the other servers answer", 30)
    server.start()
    assert dig.mx("ns3") == ["10 hold.test."]


def story(lab: Lab) -> None:
    world = DnsWorld(lab)
    world.zone("cutover.test", OLD)
    world.zone("127.in-addr.arpa", "5.0.0 PTR mx.old.test.")
    world.zone("signed.test", OLD, signed=True)
    world.zone("bogus.test", OLD, signed=True, wrong_ds=True)
    world.zone("expired.test", OLD, signed=True, valid_days=-2)
    world.zone("big.test", "".join(f"@ MX {n} host-{n}.of-a-long-name\n" for n in range(200)))
    world.recursive("plain")
    world.recursive("floor", cache_min_ttl=7)
    world.recursive("capped", cache_max_ttl=1)
    world.forwarder("dnsmasq", to="plain")
    world.start()
    dig = Dig(lab, world)
    delegation(dig, world)
    trust(dig)
    big = dig("ns1", "big.test", "MX")
    assert int(big.rpartition("rcvd: ")[2].split()[0]) > 4096 and "(TCP)" in big, big[-300:]
    caches(dig, world)
    faults(dig, world)


run(story)
