"""Broken DNS of every kind: each named for what it is, never taken for an answer, nothing hangs.

And while all of it is down, mail comes in and goes out as ever."""

import pathlib
import sys
import time
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from dns_front import FORGED, FaultFront
from dns_watcher import ORDER, dns_of
from dns_world import DnsWorld
from sample_mail import message
from siding_lab import Daemon, Lab, Ran, free_port, run, wait_until
from smtp_client import send_mail

NEW = "@ 60 MX 10 hold.siding.test.\n"
OLD = "@ 60 MX 10 mx.old.test.\n"
BIG = 200
PROBE_SECONDS_MAX = 15.0
# What a server that does this is: unusable, or as good as the others.
UNUSABLE = ["servfail", "refused", "silent", "truncated", "lame", "other_question", "wrong_id",
            "garbage"]  # fmt: skip
GOOD = ["no_edns", "spoofed"]


def make_world(lab: Lab) -> DnsWorld:
    world = DnsWorld(lab)
    world.zone("cutover.test", NEW)
    world.zone("calm.test", NEW.replace("60", "2"))
    world.zone("big.test", "".join(f"@ MX {n} host-{n}.of-a-long-name\n" for n in range(BIG)))
    world.zone("bare.test", "@ A 127.0.0.1\n")
    world.zone("null.test", "@ MX 0 .\n")
    world.zone("mixed.test", NEW + OLD)
    world.zone("wild.test", "* MX 10 hold.siding.test.\n")
    world.zone("names.test", "alias CNAME real\nreal MX 10 hold.siding.test.\n", minimum=6)
    world.zone("bogus.test", NEW, signed=True, wrong_ds=True)
    world.recursive("plain")
    return world.start()


class Prober:
    """`siding dns probe`: one look and one round, no daemon."""

    def __init__(self, lab: Lab, world: DnsWorld):
        self.lab, self.world = lab, world
        self.panel = world.panel()
        dns = world.settings("plain", samples=1)
        self.config = lab.daemon(lab.config(name="probe", dns=dns), "probe").config_file

    def run(self, domain: str, *more: str) -> Ran:
        started = time.monotonic()
        done = self.lab.siding(
            "--json", "dns", "probe", domain, "--config", str(self.config),
            "--panel", str(self.panel), "--new", "hold.siding.test", "--old", "mx.old.test", *more,
        )  # fmt: skip
        assert time.monotonic() - started < PROBE_SECONDS_MAX, f"{domain} takes too long"
        assert FORGED not in done.out + done.err, done
        return done

    def __call__(self, domain: str) -> dict[str, Any]:
        done = self.run(domain)
        assert done.code in (0, 1), done
        (report,) = done.json()["domains"]
        return report


def server(report: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [one for one in report["authority"]["servers"] if one["name"].startswith(name)]
    return found


def states(report: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["state"] for one in report["panel"]["operators"]}


def problems_of(report: dict[str, Any], name: str) -> list[str]:
    lines = [f"{one['server']}: {one['text']}" for one in report["authority"]["problems"]]
    return [line for line in lines if name in line]


def name_servers(world: DnsWorld, probe: Prober) -> None:
    report = probe("cutover.test")
    assert report["authority"]["problems"] == [], report["authority"]
    for fault in UNUSABLE:
        world.servers["ns3"].fault(fault)
        report = probe("cutover.test")
        assert problems_of(report, "ns3"), (fault, report["authority"])
        assert not problems_of(report, "ns1") and not problems_of(report, "ns2"), (fault, report)
        assert server(report, "ns3")["mx"] == [], (fault, server(report, "ns3"))
        assert server(report, "ns1")["mx"] == ["10 hold.siding.test"], (fault, report)
    for fault in GOOD:
        world.servers["ns3"].fault(fault)
        report = probe("cutover.test")
        assert report["authority"]["problems"] == [], (fault, report["authority"])
        assert server(report, "ns3")["mx"] == ["10 hold.siding.test"], (fault, report)
    world.servers["ns3"].fault("slow", delay=0.7)
    assert not problems_of(probe("cutover.test"), "ns3"), "it is slow, and no more"
    world.servers["ns3"].fault("slow", delay=4.0)
    assert problems_of(probe("cutover.test"), "ns3"), "2 s are too long"
    world.servers["ns3"].fault("no_tcp")
    assert "TCP" in "".join(problems_of(probe("cutover.test"), "ns3"))
    world.servers["ns3"].heal()
    world.servers["ns3"].stop()
    assert problems_of(probe("cutover.test"), "ns3")
    world.servers["ns3"].start()

    world.publish("cutover.test", OLD, on=["ns2"])
    report = probe("cutover.test")
    assert problems_of(report, "ns2") and server(report, "ns2")["mx"] == ["10 mx.old.test"], report
    world.publish("cutover.test", NEW)


def zones(world: DnsWorld, probe: Prober) -> None:
    report = probe("big.test")
    assert len(server(report, "ns1")["mx"]) == BIG and not problems_of(report, "ns"), report
    assert states(report) == {"plain": "other"}, report["panel"]
    for domain, mx, state in (
        ("bare.test", [], "nodata"),
        ("null.test", ["0 ."], "other"),
        ("mixed.test", ["10 hold.siding.test", "10 mx.old.test"], "mixed"),
        ("any.wild.test", ["10 hold.siding.test"], "new"),
        ("none.names.test", [], "nxdomain"),
        ("alias.names.test", ["10 hold.siding.test"], "new"),
        ("bogus.test", ["10 hold.siding.test"], "failed"),
    ):
        report = probe(domain)
        assert server(report, "ns1")["mx"] == mx, (domain, report["authority"])
        assert states(report) == {"plain": state}, (domain, report["panel"])

    # The name comes to be, and who asked before remembers that it was not there.
    assert states(probe("soon.names.test")) == {"plain": "nxdomain"}
    world.publish("names.test", "soon 60 MX 10 hold.siding.test.\n")
    report = probe("soon.names.test")
    assert server(report, "ns2")["mx"] == ["10 hold.siding.test"], report
    assert states(report) == {"plain": "nxdomain"}, report["panel"]
    wait_until(lambda: states(probe("soon.names.test")) == {"plain": "new"}, "it forgets", 15)


def resolvers(lab: Lab, world: DnsWorld, probe: Prober) -> None:
    """A panel of resolvers that misbehave, and one that is not there."""
    expected = {
        "servfail": "failed", "refused": "failed", "silent": "timeout", "wrong_id": "timeout",
        "spoofed": "new", "slow": "timeout", "no_edns": "new",
    }  # fmt: skip
    lines = [f"good: 127.0.0.1:{world.caches['plain']}", f"dead: 127.0.0.1:{free_port()}"]
    for fault in expected:
        at = ("127.0.0.1", free_port())
        front = FaultFront(at, world.cache("plain"), fault, delay=4.0)
        lab.cleanup.callback(front.stop)
        lines.append(f"{fault}: 127.0.0.1:{at[1]}")
    probe.panel = lab.directory / "bad-panel"
    probe.panel.write_text("\n".join(lines) + "\n")
    found = states(probe("cutover.test"))
    dead = found.pop("dead")
    assert dead in ("timeout", "unreachable"), dead
    assert found == {"good": "new", **expected}, found


def bad_input(lab: Lab, probe: Prober) -> None:
    """One clear line each."""
    for domain in ("no..name", "bad-.test", "a" * 70 + ".test"):
        done = probe.run(domain)
        assert done.code == 2 and domain in done.err, (domain, done)
        assert len(done.err.strip().splitlines()) == 1, done.err
    done = probe.run("nobody-has-this.test")
    assert done.code == 1 and "nobody-has-this.test does not exist" in done.out, done
    probe.panel.write_text("good: 127.0.0.1\nnonsense\n")
    done = probe.run("cutover.test")
    assert done.code != 0 and "line 2" in done.err.replace(":2", " line 2"), done
    assert len(done.err.strip().splitlines()) == 1, done.err
    probe.panel = lab.directory / "no-such-panel"
    done = probe.run("cutover.test")
    assert done.code != 0 and "no-such-panel" in done.err, done


def _is_told(daemon: Daemon) -> bool:
    report = dns_of(daemon, "calm.test")
    silent = [one["state"] for one in report["authority"]["servers"]] == ["unreachable"] * 3
    return bool(report["error"]) or silent


def outage(lab: Lab, world: DnsWorld) -> None:
    """All name servers and resolvers are silent: a status, and no more than that."""
    new = lab.sink()
    dns = world.settings(
        "plain", watch="1s", watch_near="1s", panel=str(world.panel()), samples=1, rounds=1,
        slack="0s",
    )  # fmt: skip
    domain = {"phase": "hold", "mx": {"new": ["hold.siding.test"]}}
    domains = {"calm.test": domain, "example.com": {"phase": "pass_new"}}
    daemon = lab.daemon(lab.config(new=new, domains=domains, dns=dns)).start()
    wait_until(lambda: dns_of(daemon, "calm.test")["verdict"] == "converged", "converged", 30)
    for one in world.servers.values():
        one.fault("silent")
    wait_until(lambda: _is_told(daemon), "the outage is told", 60)
    started = time.monotonic()
    for number in range(20):
        assert send_mail(daemon.port, "a@b.test", f"u{number}@calm.test", message()).code == 250
        assert send_mail(daemon.port, "a@b.test", f"u{number}@example.com", message()).code == 250
    daemon.release(domain="calm.test")
    assert time.monotonic() - started < 20, "mail waits for DNS"
    assert len(new.all) == 40, len(new.all)
    assert "ns2.hoster.test" in daemon.siding("dns", "status", "calm.test").ok().out
    # Rounds in which nobody answers take back nothing of what was heard.
    for one in world.servers.values():
        one.heal()
        one.stop()
    looks = set()
    wait_until(
        lambda: looks.add(dns_of(daemon, "calm.test")["watched_at"]) or len(looks) > 8, "looks", 90
    )
    report = dns_of(daemon, "calm.test")
    assert ORDER.index(report["verdict"]) >= ORDER.index("converged"), report
    for one in world.servers.values():
        one.start()
    wait_until(lambda: not _is_told(daemon), "it looks again", 60)
    assert daemon.stop() == 0


def story(lab: Lab) -> None:
    world = make_world(lab)
    probe = Prober(lab, world)
    name_servers(world, probe)
    zones(world, probe)
    resolvers(lab, world, probe)
    bad_input(lab, probe)
    outage(lab, world)


run(story)
