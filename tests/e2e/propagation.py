"""The MX of a live zone moves to Siding: published, a countdown, converged at the right second.

Three NSD serve the zone; Unbound with a cap, with a floor and with stale answers, and dnsmasq, are
the world. What their caches really hold decides whether the verdict was right: never before the
last of them let go."""

import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from cache_judge import CacheJudge
from dns_watcher import DnsWatcher, dns_of, gate, seconds
from dns_world import DnsWorld
from siding_lab import Daemon, Lab, run, wait_until

DOMAIN = "cutover.test"
LONG, SHORT = 20, 4  # TTLs
FLOOR = 28           # of a resolver that is not an honest one: the last to let go
LOOK = 1.0           # between two looks
BUSY = 3.0           # what a busy machine may add


def zone(host: str, ttl: int) -> str:
    return f"@ {ttl} MX 10 {host}.\n"


def make_world(lab: Lab) -> DnsWorld:
    world = DnsWorld(lab)
    world.zone(DOMAIN, zone("mx.old.test", LONG))
    world.zone("old.test", "mx A 127.0.0.1\n")
    world.zone("siding.test", "hold A 127.0.0.1\n")
    world.recursive("plain")
    world.recursive("capped", cache_max_ttl=2)
    world.recursive("floor", cache_min_ttl=FLOOR)
    world.recursive("stale", serve_expired="yes", serve_expired_ttl=600)
    world.forwarder("dnsmasq", to="plain")
    return world.start()


def make_daemon(lab: Lab, world: DnsWorld) -> Daemon:
    dns = world.settings(
        "plain", watch="1s", watch_near="1s", panel=str(world.panel()),
        samples=2, rounds=1, slack="0s", floor="0s", allowance="0s",
    )  # fmt: skip
    domain = {"phase": "pass_old", "mx": {"new": ["hold.siding.test"], "old": ["mx.old.test"]}}
    config = lab.config(domains={DOMAIN: domain}, hostname="hold.siding.test", dns=dns)
    return lab.daemon(config)


def epochs(daemon: Daemon) -> set[tuple[str, int]]:
    """(data, TTL) of the MX sets in the history."""
    entries = dns_of(daemon, DOMAIN)["history"]
    return {(entry["data"], entry["ttl"]) for entry in entries if entry["type"] == "MX"}


def status(daemon: Daemon, *more: str) -> tuple[int, str]:
    done = daemon.siding("dns", "status", DOMAIN, *more)
    return done.code, done.out + done.err


def before(daemon: Daemon) -> None:
    wait_until(lambda: ("10 mx.old.test", LONG) in epochs(daemon), "the old MX is in the history")
    report = dns_of(daemon, DOMAIN)
    assert report["verdict"] == "none" and report["mx"]["served"] == ["10 mx.old.test"], report
    assert {one["name"] for one in report["authority"]["servers"]} == {
        f"ns{number}.hoster.test" for number in (1, 2, 3)
    }, report["authority"]
    code, text = status(daemon)
    assert code == 0 and "mx.old.test" in text, text
    assert status(daemon, "--is", "published")[0] == 1


def lower_the_ttl(daemon: Daemon, world: DnsWorld) -> float:
    lowered_at = world.publish(DOMAIN, zone("mx.old.test", SHORT))
    wait_until(lambda: ("10 mx.old.test", SHORT) in epochs(daemon), "the short TTL is seen")
    return lowered_at


def switch(daemon: Daemon, world: DnsWorld, watcher: DnsWatcher) -> float:
    """One of the servers lags; until it follows nothing is published."""
    world.publish(DOMAIN, zone("hold.siding.test", SHORT), on=["ns1", "ns3"])

    def lagging() -> bool:
        problems = dns_of(daemon, DOMAIN)["authority"]["problems"]
        return any("ns2" in f"{one['server']} {one['text']}" for one in problems)

    wait_until(lagging, "the lagging server is named", 10)
    assert not watcher.first, watcher.story()
    published_at = world.publish(DOMAIN, zone("hold.siding.test", SHORT), on=["ns2"])
    seen_at = watcher.wait_for("published", LOOK + BUSY + 5)
    assert published_at - 1 <= seen_at, (published_at, seen_at)
    return published_at


def countdown(daemon: Daemon, lowered_at: float) -> float:
    """The deadline is of the long TTL, though it was lowered before the switch."""
    report = dns_of(daemon, DOMAIN)
    deadline = seconds(report["deadline"]["at"])
    assert lowered_at + LONG - 1 <= deadline <= lowered_at + LONG + LOOK + BUSY, (
        lowered_at + LONG, report["deadline"],
    )  # fmt: skip
    assert f"TTL {LONG}" in report["deadline"]["why"], report["deadline"]
    assert not gate(report, "ttl")["passed"], report["gates"]
    assert seconds(report["expected_at"]) >= deadline - 1, report["expected_at"]
    at = time.strftime("%H:%M:%S", time.gmtime(deadline))
    code, text = status(daemon)
    assert code == 0 and "published" in text and at in text, (at, text)
    assert status(daemon, "--is", "converged")[0] == 1
    return deadline


def unplanned(daemon: Daemon, world: DnsWorld) -> None:
    """A job that knows only the old world puts it back."""
    world.publish(DOMAIN, zone("mx.old.test", SHORT))
    report = wait_until(
        lambda: (now := dns_of(daemon, DOMAIN))["verdict"] == "none" and now, "it is noticed", 20
    )
    assert report["unplanned"], report
    assert "mx.old.test" in str(report["unplanned"]) + report["reason"], report
    daemon.wait_log(rf"(?i)\bwarn.*{DOMAIN}")
    assert "mx.old.test" in status(daemon)[1]
    metrics = daemon.request("GET", "/metrics")[1].decode()
    assert f'siding_dns_unplanned_changes_total{{domain="{DOMAIN}"}} 1' in metrics, metrics


def story(lab: Lab) -> None:
    world = make_world(lab)
    daemon = make_daemon(lab, world).start()
    before(daemon)
    judge = CacheJudge(lab, world, DOMAIN, old={"10 mx.old.test"}).start()
    watcher = DnsWatcher(daemon, DOMAIN).start()
    lowered_at = lower_the_ttl(daemon, world)
    published_at = switch(daemon, world, watcher)
    deadline = countdown(daemon, lowered_at)

    # What it has seen outlives it.
    daemon.kill()
    daemon.start()
    wait_until(lambda: dns_of(daemon, DOMAIN)["verdict"] == "published", "it goes on", 20)
    again = seconds(dns_of(daemon, DOMAIN)["deadline"]["at"])
    assert abs(again - deadline) <= 1, (deadline, again)

    judge.wait_all_new(LONG + FLOOR + BUSY)
    waiting = lab.siding(
        "--socket", daemon.socket_path, "dns", "status", DOMAIN, "--is", "converged", "--wait",
        timeout=90,
    )  # fmt: skip
    assert waiting.code == 0, waiting
    converged_at = watcher.wait_for("converged", 5)
    judge.stop()
    watcher.stop()

    last = max(judge.last_old.values())
    figures = (
        f"published +{watcher.first['published'] - published_at:.1f} s; deadline"
        f" +{deadline - published_at:.1f} s, its gate +{watcher.gates['ttl'] - published_at:.1f} s;"
        f" last cache +{last - published_at:.1f} s, converged +{converged_at - published_at:.1f} s;"
        f" {sum(judge.asked.values())} looks into caches"
    )
    for name, at in judge.last_old.items():
        assert converged_at >= at, f"{name} served the old MX at {at}: {figures}\n{watcher.story()}"
    # No honest one outlives the deadline, and a deadline is no later than it must be.
    honest = max(at for name, at in judge.last_old.items() if name != "floor")
    assert honest <= deadline, f"{judge.last_old} {figures}"
    assert deadline - 1 <= watcher.gates["ttl"] <= deadline + LOOK + BUSY, figures
    assert converged_at - max(last, deadline) <= 2 * LOOK + BUSY, f"{figures}\n{watcher.story()}"
    code, text = status(daemon)
    assert code == 0 and "converged" in text, text
    unplanned(daemon, world)
    assert daemon.stop() == 0
    print(figures)


run(story)
