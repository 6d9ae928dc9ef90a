"""What hangs on the MX hosts: an address that changes behind the same name, new TLSA records, an
MTA-STS policy that is announced; and a resolver that keeps nothing for long.

Unbound's cache is the judge of the time until which the old address may still be used."""

import pathlib
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from dns_watcher import dns_of, gate, seconds
from dns_world import DnsWorld
from siding_lab import Daemon, Lab, run, wait_until

DOMAIN = "cutover.test"
OLD, NEW = "127.0.0.1", "127.0.0.77"  # addresses of mx.old.test
TTL = 8
LOOK = 1.0
BUSY = 3.0
DIGEST = "3 1 1 " + "ab" * 32
MX = "@ 30 MX 10 mx.old.test.\n"
CAP = 5


def host_of(daemon: Daemon, name: str) -> dict:
    """Nothing in it before the first look."""
    return next((one for one in dns_of(daemon, DOMAIN)["hosts"] if one["name"] == name), {})


def gates(daemon: Daemon) -> set[str]:
    return {one["name"] for one in dns_of(daemon, DOMAIN)["gates"]}


def follow(world: DnsWorld, until: threading.Event, last: list[float]) -> None:
    """When the cache gave the old address last."""
    while not until.is_set():
        answer = world.ask("plain", "mx.old.test", "A")
        if answer and OLD in answer.data("A"):
            last[0] = time.time()
        time.sleep(0.1)


def address(daemon: Daemon, world: DnsWorld) -> None:
    wait_until(lambda: host_of(daemon, "mx.old.test").get("addresses") == [OLD], "its address is known")
    assert host_of(daemon, "mx.old.test")["old_until"] is None
    assert host_of(daemon, "hold.siding.test") | {"new": True, "addresses": [OLD]} == host_of(
        daemon, "hold.siding.test"
    )
    last, until = [0.0], threading.Event()
    judge = threading.Thread(target=follow, args=(world, until, last), daemon=True)
    judge.start()
    wait_until(lambda: last[0], "the cache has it")
    published_at = world.publish("old.test", f"mx {TTL} A {NEW}\n")
    found = wait_until(
        lambda: (now := host_of(daemon, "mx.old.test"))["addresses"] == [NEW] and now,
        "the new address is seen", 10,
    )  # fmt: skip
    assert found["gone"] == [OLD] and not found["rotates"], found
    deadline = seconds(found["old_until"]["at"])
    assert published_at + TTL - 1 <= deadline <= published_at + TTL + LOOK + BUSY, (
        published_at, found,
    )  # fmt: skip
    assert f"served TTL {TTL} until" in found["old_until"]["why"], found
    at = time.strftime("%H:%M:%S", time.gmtime(deadline))
    text = daemon.siding("dns", "status", DOMAIN).ok().out
    assert any(OLD in line and at in line for line in text.splitlines()), (at, text)
    daemon.wait_log("dns_address_changed .*mx.old.test")
    time.sleep(max(0.0, deadline + 1 - time.time()))
    until.set()
    judge.join(5)
    assert last[0] <= deadline, (last[0], deadline)
    assert "(over)" in daemon.siding("dns", "status", DOMAIN).ok().out
    print(f"old address: deadline +{deadline - published_at:.1f} s, cache +{last[0] - published_at:.1f} s")


def digests(daemon: Daemon, world: DnsWorld) -> None:
    assert gates(daemon) == {"authority", "ttl", "panel", "coverage", "stragglers"}, gates(daemon)
    records = f"hold A 127.0.0.1\n_25._tcp.hold 3 TLSA {DIGEST}\n"
    published_at = world.publish("siding.test", records)
    wait_until(lambda: "dane" in gates(daemon), "the digests are seen", 10)
    found = gate(dns_of(daemon, DOMAIN), "dane")
    assert not found["passed"] and "hold.siding.test: TLSA records with TTL 3" in found["reason"]
    assert "dane" in daemon.siding("dns", "status", DOMAIN).ok().out
    wait_until(lambda: gate(dns_of(daemon, DOMAIN), "dane")["passed"], "they count", 15)
    assert time.time() >= published_at + 6
    world.publish("siding.test", "hold A 127.0.0.1\n")
    wait_until(
        lambda: "are gone since" in gate(dns_of(daemon, DOMAIN), "dane")["reason"], "they go", 10
    )


def policy(daemon: Daemon, world: DnsWorld) -> None:
    """Nobody answers on the port of its host."""
    records = f'{MX}_mta-sts TXT "v=STSv1; id=20261121"\nmta-sts A 127.0.0.78\n'
    world.publish(DOMAIN, records)
    wait_until(lambda: "mta-sts" in gates(daemon), "the announcement is seen", 10)
    wait_until(
        lambda: "cannot be fetched" in gate(dns_of(daemon, DOMAIN), "mta-sts")["reason"],
        "its page is asked for", 15,
    )  # fmt: skip
    found = gate(dns_of(daemon, DOMAIN), "mta-sts")
    assert not found["asked"] and "id=20261121" in found["reason"], found


def caps(daemon: Daemon, world: DnsWorld) -> None:
    """Answers of a moment ago with less left than they should have."""
    world.publish(DOMAIN, "@ 30 MX 10 hold.siding.test.\n")

    def operators() -> dict[str, int | None]:
        return {one["name"]: one["cap"] for one in dns_of(daemon, DOMAIN)["panel"]["operators"]}

    wait_until(lambda: operators().get("capped"), "the cap is learned", 45)
    assert CAP - 1 <= operators()["capped"] <= CAP and operators()["plain"] is None, operators()
    text = daemon.siding("dns", "status", DOMAIN).ok().out
    assert f"keeps at most {operators()['capped']} s" in text, text


def story(lab: Lab) -> None:
    world = DnsWorld(lab)
    world.zone(DOMAIN, MX)
    world.zone("old.test", f"mx {TTL} A {OLD}\n")
    world.zone("siding.test", "hold A 127.0.0.1\n", signed=True)
    world.recursive("plain")
    world.recursive("capped", cache_max_ttl=CAP)
    world.start()
    dns = world.settings(
        "plain", watch="1s", watch_near="1s", panel=str(world.panel()),
        samples=1, rounds=1, slack="0s", floor="0s", allowance="0s",
    )  # fmt: skip
    domain = {"phase": "pass_old", "mx": {"new": ["hold.siding.test"], "old": ["mx.old.test"]}}
    config = lab.config(domains={DOMAIN: domain}, hostname="hold.siding.test", dns=dns)
    daemon = lab.daemon(config).start()
    address(daemon, world)
    digests(daemon, world)
    policy(daemon, world)
    caps(daemon, world)
    assert daemon.stop() == 0


run(story)
