"""Converged is DNS; proven is that the usual senders have come, quiet that nobody goes the old way.

The baseline comes from a Postfix log; Siding sees who comes by itself; stragglers come from the old
server's log, which rotates, and from the old server that relays to Siding."""

import gzip
import itertools
import pathlib
import re
import sys
import time
from datetime import datetime, timedelta, timezone
from typing import Iterator

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from dns_watcher import DnsWatcher, dns_of, gate
from dns_world import DnsWorld
from sample_mail import message
from siding_lab import Daemon, Lab, run, wait_until
from smtp_client import SmtpClient

MX_TTL = 2
OLD_SERVER = "127.0.0.9"
# Of a thousand messages; the last has no name.
SENDERS = {
    "mail-1.google.com": ("192.0.2.1", 500),
    "mx.bank.example": ("198.51.100.1", 300),
    "out.shop.example": ("203.0.113.1", 190),
    "smtp.tiny.example": ("192.0.2.200", 6),
    "unknown": ("198.51.101.77", 4),
}
PROVIDERS = {
    "google.com": 500, "bank.example": 300, "shop.example": 190, "tiny.example": 6,
    "198.51.101.0/24": 4,
}  # fmt: skip
NUMBERS = itertools.count(1)


def postfix_lines(at: datetime, name: str, address: str, recipient: str) -> str:
    """One mail as Postfix logs it, in the syslog format of old."""
    when = f"{at:%b} {at.day:2d} {at:%H:%M:%S} old"
    mail_id = f"4X{next(NUMBERS):08d}"
    return (
        f"{when} postfix/smtpd[71]: connect from {name}[{address}]\n"
        f"{when} postfix/smtpd[71]: {mail_id}: client={name}[{address}]\n"
        f"{when} postfix/cleanup[72]: {mail_id}: message-id=<{mail_id}@{name}>\n"
        f"{when} postfix/qmgr[5]: {mail_id}: from=<ann@{name}>, size=900, nrcpt=1 (queue active)\n"
        f"{when} postfix/lmtp[73]: {mail_id}: to=<{recipient}>, relay=local, delay=0.1,"
        " delays=0/0/0/0.1, dsn=2.0.0, status=sent (250 2.0.0 Ok)\n"
        f"{when} postfix/qmgr[5]: {mail_id}: removed\n"
    )


def last_week(recipient: str) -> Iterator[str]:
    now = datetime.now(timezone.utc)
    for name, (address, count) in SENDERS.items():
        for number in range(count):
            at = now - timedelta(days=7) + timedelta(days=6.5) * number / count
            yield postfix_lines(at, name, address, recipient)


def busy_hour(recipient: str) -> Iterator[str]:
    """Half a million messages in this hour of last week: what makes minutes out of days."""
    now = datetime.now(timezone.utc)
    hours = [now - timedelta(days=7)]
    if now.minute >= 50:
        hours.append(hours[0] + timedelta(hours=1))
    for hour in hours:
        at = f"{hour:%Y-%m-%dT%H}:00:01Z"
        for name, (address, count) in SENDERS.items():
            shown = "-" if name == "unknown" else name
            yield f"{at} {address} {shown} ann@{name} {recipient}\n" * (500 * count)


def mail_from(daemon: Daemon, name: str, recipient: str, source: str = "") -> None:
    """Through a gateway that says for whom it speaks."""
    address = SENDERS[name][0]
    shown = "[UNAVAILABLE]" if name == "unknown" else name
    with SmtpClient(daemon.port, source=source) as client:
        client.ehlo()
        assert client.command(f"XCLIENT ADDR={address} NAME={shown}").code == 220
        client.ehlo(name)
        reply = client.transact(f"ann@{name}", [recipient], message())
        assert reply.code == 250, reply


def share(daemon: Daemon, domain: str) -> float:
    return round(dns_of(daemon, domain)["coverage"]["share"], 4)


def missing(daemon: Daemon, domain: str) -> list[str]:
    return [one["name"] for one in dns_of(daemon, domain)["coverage"]["missing"]]


def proven(daemon: Daemon, watcher: DnsWatcher) -> None:
    domain = watcher.domain
    wait_until(lambda: set(missing(daemon, domain)) == set(PROVIDERS), "the import is shown")
    watcher.wait_for("converged", 40)
    assert "proven" not in watcher.first
    for name, covered in (("mail-1.google.com", 0.5), ("mx.bank.example", 0.8)):
        mail_from(daemon, name, f"bob@{domain}")
        wait_until(
            lambda covered=covered: share(daemon, domain) == covered, f"coverage is {covered}"
        )
    report = dns_of(daemon, domain)
    assert report["verdict"] == "converged" and not gate(report, "coverage")["passed"], report
    assert "shop.example" in gate(report, "coverage")["reason"], report["gates"]
    assert missing(daemon, domain) == ["shop.example", "tiny.example", "198.51.101.0/24"]
    text = daemon.siding("dns", "status", domain).ok().out
    assert "shop.example" in text and "80" in text, text
    assert "proven" not in watcher.first
    for name in ("out.shop.example", "smtp.tiny.example"):
        mail_from(daemon, name, f"bob@{domain}")
    watcher.wait_for("proven", 20)
    assert missing(daemon, domain) == ["198.51.101.0/24"]
    mail_from(daemon, "unknown", f"bob@{domain}")
    wait_until(lambda: share(daemon, domain) == 1.0, "the network without a name is covered")


def unproven(daemon: Daemon, domain: str) -> None:
    """Who has come since the switch says nothing of who usually comes."""
    wait_until(lambda: dns_of(daemon, domain)["verdict"] == "converged", "converged", 40)
    mail_from(daemon, "mx.bank.example", f"bob@{domain}")
    looks: set[str] = set()
    wait_until(lambda: looks.add(dns_of(daemon, domain)["watched_at"]) or len(looks) > 3, "looks")
    report = dns_of(daemon, domain)
    assert report["verdict"] == "converged" and not gate(report, "coverage")["passed"], report


def straggling(daemon: Daemon, log: pathlib.Path, domain: str) -> None:
    """Who is seen at the old server has not left it."""
    for name in SENDERS:
        mail_from(daemon, name, f"bob@{domain}")
    wait_until(lambda: share(daemon, domain) == 1.0, "all have come")
    count = dns_of(daemon, domain)["stragglers"]["count"]

    def straggle(name: str) -> None:
        now = datetime.now(timezone.utc)
        with log.open("a") as file:
            file.write(postfix_lines(now, name, SENDERS[name][0], f"bob@{domain}"))

    straggle("mx.bank.example")
    wait_until(lambda: missing(daemon, domain) == ["bank.example"], "the bank is at the old one")
    stragglers = dns_of(daemon, domain)["stragglers"]
    assert stragglers["count"] == count + 1, stragglers
    wait_until(lambda: share(daemon, domain) == 1.0, "two TTLs later it counts again", 20)

    # Rotated, and written on; then the old server hands over what it still gets.
    log.rename(log.with_suffix(".1"))
    log.write_text("")
    straggle("out.shop.example")
    wait_until(lambda: missing(daemon, domain) == ["shop.example"], "the new file is followed")
    mail_from(daemon, "mail-1.google.com", f"bob@{domain}", source=OLD_SERVER)
    wait_until(
        lambda: dns_of(daemon, domain)["stragglers"]["count"] == count + 3, "mail by the old server"
    )
    assert "google.com" in missing(daemon, domain)
    metrics = daemon.request("GET", "/metrics")[1].decode()
    assert f'siding_dns_stragglers_total{{domain="{domain}"}} {count + 3}' in metrics, metrics
    assert dns_of(daemon, domain)["verdict"] != "quiet"


def passed_on(daemon: Daemon, domain: str) -> None:
    """What the old server hands over is a straggler, also where the new server takes it at once."""
    wait_until(lambda: dns_of(daemon, domain)["verdict"] != "none", "it is published", 20)
    mail_from(daemon, "mx.bank.example", f"bob@{domain}", source=OLD_SERVER)
    mail_from(daemon, "out.shop.example", f"bob@{domain}")
    found = wait_until(
        lambda: (now := dns_of(daemon, domain)["stragglers"])["count"] == 1 and now, "the straggler"
    )
    (straggler,) = found["newest"]
    assert straggler["client_address"] == SENDERS["mx.bank.example"][0], found


def own_figures(daemon: Daemon) -> None:
    """What an outage would cost, and what the disk must hold, by the senders that were imported."""
    cost = daemon.siding("--json", "outage-cost", "--hours", "30").ok().json()
    known = sum(daemon.siding("--json", "dns", "senders", one).ok().json()["domains"][0]["messages"]
                for one in ("cutover.test", "late.test", "passed.test", "unknown.test"))  # fmt: skip
    assert cost["own_messages"] == known and cost["assumed"] == "", cost
    google = next(one for one in cost["senders"] if one["sender"].startswith("Gmail"))
    assert 0 < google["share"] <= cost["share_lost"] < 1, cost
    text = daemon.siding("outage-cost", "--hours", "30").ok().out
    assert f"{known} messages are known" in text, text
    found = daemon.siding(
        "--json", "doctor", "late.test", "--check", "H09", "--config", str(daemon.config_file)
    )
    (check,) = found.json()["domains"][0]["checks"]
    assert re.search(r"usual senders of \d domains? bring \d+ messages", check["evidence"]), check


def story(lab: Lab) -> None:
    world = DnsWorld(lab)
    domains = ("cutover.test", "late.test")
    for domain in (*domains, "unknown.test", "passed.test"):
        world.zone(domain, f"@ {MX_TTL} MX 10 hold.siding.test.\n")
    world.recursive("plain")
    world.start()
    logs = {domain: lab.directory / f"{domain}.log" for domain in domains}
    settings = {}
    for domain, log in logs.items():
        log.write_text("")
        settings[domain] = {
            "phase": "hold",
            "mx": {"new": ["hold.siding.test"], "old": ["mx.old.test"]},
            "stragglers": {"log": str(log), "networks": [OLD_SERVER]},
        }
    mx = {"new": ["hold.siding.test"], "old": ["mx.old.test"]}
    settings["unknown.test"] = {"phase": "hold", "mx": mx}
    settings["passed.test"] = {
        "phase": "pass_new", "mx": mx, "stragglers": {"networks": [OLD_SERVER]}
    }  # fmt: skip
    dns = world.settings(
        "plain", watch="1s", watch_near="1s", panel=str(world.panel()),
        samples=1, rounds=1, slack="0s", floor="0s", allowance="0s",
    )  # fmt: skip
    listener = {"address": "127.0.0.1:0", "xclient": {"networks": ["127.0.0.0/8"]}}
    config = lab.config(new=lab.sink(), domains=settings, dns=dns, listeners=[listener])
    daemon = lab.daemon(config).start()
    watcher = DnsWatcher(daemon, "cutover.test").start()

    for domain in domains:
        old_log = lab.directory / "mail.log.1.gz"
        old_log.write_bytes(gzip.compress("".join(last_week(f"bob@{domain}")).encode()))
        daemon.siding("dns", "senders", "import", str(old_log), "--domain", domain).ok()
        listed = daemon.siding("--json", "dns", "senders", domain).ok().json()
        text = daemon.siding("dns", "senders", domain).ok().out
        for provider, messages in PROVIDERS.items():
            assert provider in str(listed), (provider, listed)
            assert re.search(rf"^{re.escape(provider)} +{messages} ", text, re.M), text
    own_figures(daemon)
    proven(daemon, watcher)
    unproven(daemon, "unknown.test")
    passed_on(daemon, "passed.test")
    straggling(daemon, logs["late.test"], "late.test")

    # So much mail is usual at this hour that seconds of silence prove something.
    assert "quiet" not in watcher.first, watcher.story()
    flood = lab.directory / "flood.log"
    with flood.open("w") as file:
        file.writelines(busy_hour("bob@cutover.test"))
    started = time.monotonic()
    daemon.siding("dns", "senders", "import", str(flood), "--domain", "cutover.test").ok()
    took = time.monotonic() - started
    watcher.wait_for("quiet", 120)
    flood.unlink()

    # It is in the store: another process knows all of it.
    daemon.restart()
    wait_until(lambda: share(daemon, "cutover.test") == 1.0, "coverage is kept", 30)
    wait_until(
        lambda: dns_of(daemon, "late.test")["stragglers"]["count"] >= 3, "stragglers are kept", 30
    )

    # Logs of another format, and none at all: one line each.
    odd = lab.directory / "odd.log"
    odd.write_text("these are\nnot the lines\nof any mail server\n")
    for file, domain in ((odd, "late.test"), (lab.directory / "none.log", "late.test"),
                         (logs["late.test"], "nowhere.test")):  # fmt: skip
        done = daemon.siding("dns", "senders", "import", str(file), "--domain", domain)
        assert done.code >= 1 and len(done.err.strip().splitlines()) == 1, (file, domain, done)
    assert daemon.stop() == 0
    print(f"half a million lines imported in {took:.1f} s")


run(story)
