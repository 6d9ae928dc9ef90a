"""Two Postfix servers know their users; Siding asks them, remembers, and tells nobody who they are."""

import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from postfix_lab import Postfix
from sample_mail import message
from siding_lab import Daemon, Lab, run
from smtp_client import Reply, SmtpClient

OLD_USERS = ("joe@example.com", "sue@example.com", "@all.example", "joe@pending.example")
NEW_USERS = ("joe@example.com",)


def users(names: tuple[str, ...]) -> str:
    return "inline:{ " + " ".join(f"{{{name}=yes}}" for name in names) + " }"


def server(lab: Lab, name: str, domains: str, names: tuple[str, ...], behind: str) -> Postfix:
    return Postfix(
        lab,
        name,
        myhostname=f"{name}-backend.example.net",
        relayhost=behind,
        relay_domains=domains,
        relay_recipient_maps=users(names),
        smtpd_relay_restrictions="reject_unauth_destination",
        smtpd_recipient_restrictions=(
            "check_recipient_access inline:{ {later@example.com=450 4.2.0 come again} "
            "{full@example.com=552 5.2.2 mailbox full} }, permit"
        ),
    )


def rcpt(daemon: Daemon, recipient: str) -> Reply:
    with SmtpClient(daemon.port) as client:
        client.ehlo()
        assert client.command("MAIL FROM:<ann@sender.example>").code == 250
        return client.command(f"RCPT TO:<{recipient}>")


def expect(daemon: Daemon, recipient: str, code: int) -> Reply:
    reply = rcpt(daemon, recipient)
    assert reply.code == code, f"{recipient}: {reply}"
    for word in ("postfix", "backend", "127.0.0.1", "relay recipient", "table", "double-bounce"):
        assert word not in reply.text.lower(), f"a server shows through: {reply}"
    return reply


def check(daemon: Daemon, recipient: str) -> dict[str, dict]:
    report = daemon.api("GET", "/v1/recipients/check", address=recipient)
    return {entry["server"]: entry for entry in report["servers"]}


def story(lab: Lab) -> None:
    behind = lab.sink()
    way = f"[127.0.0.1]:{behind.port}"
    old = server(lab, "old", "example.com all.example pending.example", OLD_USERS, way).start()
    new = server(lab, "new", "example.com all.example", NEW_USERS, way).start()
    asks = {"phase": "hold", "recipients": {"verify": ["old", "new"]}}
    names = ("example.com", "all.example", "pending.example")
    daemon = lab.daemon(
        lab.config(
            new=new.address,
            old=old.address,
            domains={name: asks for name in names},
            verify={"timeout": "3s"},
        )
    ).start()
    daemon.keep_port()

    # Whoever one of them knows exists; whoever none of them knows does not.
    with SmtpClient(daemon.port) as client:
        client.ehlo()
        to = ["joe@example.com", "sue@example.com"]
        assert client.transact("ann@sender.example", to, message("for both")).code == 250
    assert daemon.row("sue@example.com")["state"] == "held"
    refusals = [expect(daemon, name, 550) for name in ("max@example.com", "tim@example.com")]
    assert {reply.enhanced for reply in refusals} == {"5.1.1"}, refusals
    expect(daemon, "later@example.com", 450)
    expect(daemon, "full@example.com", 250)  # a full mailbox is there

    # The question: our sender, a random address beside the first one, and no mail.
    for postfix in (old, new):
        postfix.wait_log(r"550 5\.1\.1 <max@.*from=<double-bounce@hold\.example\.net>")
        postfix.wait_log(r"550 5\.1\.1 <siding-probe-[0-9a-f]+@example\.com>")
        assert postfix.queued() == 0, postfix.log()
    assert behind.all == []

    # A no is remembered, so the servers hear of it once.
    for _ in range(3):
        expect(daemon, "max@example.com", 550)
    assert old.log().count("550 5.1.1 <max@example.com>") == 1, old.log()
    seen = check(daemon, "max@example.com")
    assert seen["old"]["from_cache"] and seen["old"]["existence"] == "unknown", seen
    assert "5.1.1" in seen["old"]["reply"], seen

    # A server that does not have the domain yet leaves it open, and a yes of the other one counts.
    expect(daemon, "max@pending.example", 450)
    expect(daemon, "joe@pending.example", 250)

    # A server that takes any address proves nothing.
    expect(daemon, "whoever@all.example", 250)
    seen = check(daemon, "whoever@all.example")
    assert seen["old"]["catch_all"] and not seen["new"]["catch_all"], seen

    # A mailbox that is made meanwhile is seen at once after a flush.
    new.stop()
    (new.config / "main.cf").write_text(
        (new.config / "main.cf").read_text().replace(
            users(NEW_USERS), users((*NEW_USERS, "max@example.com"))
        )
    )
    new.start()
    expect(daemon, "max@example.com", 550)
    daemon.siding("recipients", "flush", "max@example.com").ok()
    expect(daemon, "max@example.com", 250)

    # Both are gone and the daemon is killed: what was known is still known, the rest must wait.
    old.stop()
    new.stop()
    daemon.kill()
    daemon.start()
    for name in ("joe@example.com", "sue@example.com", "max@example.com", "whoever@all.example"):
        expect(daemon, name, 250)
    expect(daemon, "tim@example.com", 550)
    started = time.monotonic()
    for number in range(10):
        expect(daemon, f"stranger{number}@example.com", 450)
    took = time.monotonic() - started
    assert took < 10, f"dead servers cost {took:.1f} s for ten questions"
    daemon.assert_balanced(accepted=2, held=2)
    assert behind.all == []


run(story)
