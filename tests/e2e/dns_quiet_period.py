"""Before a planned switch Siding asks no resolver: a probe would fill its cache with the old MX.

Until then it does, its looks at the authoritative servers go on all the while, and from the switch
on the resolvers are asked again."""

import pathlib
import sys
import time
from datetime import datetime, timedelta, timezone

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from dns_front import FaultFront
from dns_watcher import DnsWatcher, dns_of, seconds
from dns_world import DnsWorld
from siding_lab import Lab, free_port, run, wait_until

DOMAIN = "cutover.test"
TTL = 8
AHEAD = 16.0  # the switch, in seconds from now
MARGIN = 0.7  # a question that was on its way


def zone(host: str) -> str:
    return f"@ {TTL} MX 10 {host}.\n"


def story(lab: Lab) -> None:
    world = DnsWorld(lab)
    world.zone(DOMAIN, zone("mx.old.test"))
    world.recursive("plain")
    world.start()
    # The panel's only way to the resolver, which counts.
    at = ("127.0.0.1", free_port())
    front = FaultFront(at, world.cache("plain"), "slow", delay=0.0)
    lab.cleanup.callback(front.stop)
    panel = lab.directory / "panel"
    panel.write_text(f"Counted: {at[0]}:{at[1]}\n")
    dns = world.settings(
        "plain", watch="1s", watch_near="1s", panel=str(panel),
        samples=1, rounds=1, slack="0s", floor="0s", allowance="0s",
    )  # fmt: skip
    switch_at = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(seconds=AHEAD)
    mx = {
        "new": ["hold.siding.test"],
        "old": ["mx.old.test"],
        "switch_at": f"{switch_at:%Y-%m-%dT%H:%M:%SZ}",
    }
    domain = {"phase": "pass_old", "mx": mx}
    daemon = lab.daemon(lab.config(domains={DOMAIN: domain}, dns=dns)).start()
    watcher = DnsWatcher(daemon, DOMAIN).start()
    quiet_from = switch_at.timestamp() - TTL
    wait_until(lambda: front.asked > 0, "the panel is asked", quiet_from - time.time())

    time.sleep(max(0.0, quiet_from + MARGIN - time.time()))
    # The report is that of the last look, and a busy machine looks late.
    told = lambda: "quiet" in dns_of(daemon, DOMAIN)["panel"]["why_not"]  # noqa: E731
    wait_until(told, "the daemon knows that it is quiet", switch_at.timestamp() - time.time() - 3)
    assert "quiet" in daemon.siding("dns", "status", DOMAIN).ok().out
    asked, looked = front.asked, seconds(dns_of(daemon, DOMAIN)["watched_at"])
    while time.time() < switch_at.timestamp() - 0.2:
        report = dns_of(daemon, DOMAIN)
        assert not report["panel"]["allowed"] and "quiet" in report["panel"]["why_not"], report
        assert front.asked == asked, "a resolver was asked in the quiet period"
        time.sleep(0.2)
    assert seconds(dns_of(daemon, DOMAIN)["watched_at"]) > looked + 2, "nobody looks any more"

    # The change is late: still nobody is asked who would learn the old MX from it.
    while time.time() < switch_at.timestamp() + 2:
        assert front.asked == asked, "a resolver was asked before the new MX was there"
        time.sleep(0.2)
    world.publish(DOMAIN, zone("hold.siding.test"))
    watcher.wait_for("converged", 30)
    assert front.asked > asked
    assert not dns_of(daemon, DOMAIN)["unplanned"]
    assert daemon.stop() == 0


run(story)
