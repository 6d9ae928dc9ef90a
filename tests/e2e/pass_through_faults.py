"""A server that is down, dies or hangs while mail is passed on: the sender hears 250, nothing is lost."""

import os
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from postfix_lab import Postfix
from sample_mail import message, message_id_of
from siding_lab import Lab, run, wait_until
from smtp_client import SmtpClient, send_mail
from smtp_sink import DROP, HANG

DOMAINS = {"example.com": {"phase": "pass_old"}}
# Seen when the last octet has come; then there is time to kill it before it answers.
END_OF_DATA = "check_client_access inline:{ {127.0.0.1=WARN all of it came} }, sleep 5"


def children(parent: int, name: str) -> list[int]:
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text()
        except OSError:
            continue
        command, _, rest = stat.partition("(")[2].rpartition(")")
        if command == name and int(rest.split()[1]) == parent:
            found.append(int(entry.name))
    return found


def dies_after_the_dot(lab: Lab) -> None:
    behind = lab.sink()
    old = Postfix(
        lab,
        name="dying",
        relayhost=f"[127.0.0.1]:{behind.port}",
        smtpd_end_of_data_restrictions=END_OF_DATA,
    ).start()
    daemon = lab.daemon(
        lab.config(old=old.address, domains=DOMAINS, name="first"), name="first"
    ).start()
    original = message()
    with SmtpClient(daemon.port) as client:
        client.ehlo()
        client.mail("ann@sender.example")
        assert client.rcpt("bob@example.com").code == 250
        assert client.command("DATA").code == 354
        client.send(original + b".\r\n")
        old.wait_log("all of it came")
        master = int((old.queue / "pid" / "master.pid").read_text())
        for smtpd in children(master, "smtpd"):
            os.kill(smtpd, signal.SIGKILL)
        reply = client.read_reply()
        assert reply.code == 250 and "queued as" in reply.text, reply
    query = message_id_of(original)
    assert daemon.ledger_kinds(query)[:2] == ["accepted", "in_doubt"]
    wait_until(lambda: behind.of("bob@example.com"), "sent again", 60)
    daemon.assert_balanced(accepted=1, delivered=1)
    assert len(behind.of("bob@example.com")) == 1


def down_and_back(lab: Lab) -> None:
    old = lab.sink()
    config = lab.config(old=old, domains=DOMAINS, name="second", drain_timeout="4s")
    daemon = lab.daemon(config, name="second").start()
    passed = message("while it is up")
    assert send_mail(daemon.port, "ann@sender.example", "bob@example.com", passed).code == 250
    assert len(old.of("bob@example.com")) == 1

    old.answer("EHLO", "421 4.3.2 going down")
    old.answer("MAIL", "421 4.3.2 going down")
    kept = [message(f"while it is down {number}") for number in range(20)]
    for octets in kept:
        reply = send_mail(daemon.port, "ann@sender.example", "bob@example.com", octets)
        assert reply.code == 250 and "queued as" in reply.text, reply
    daemon.assert_balanced(accepted=21, delivered=1)
    old.accept_all()
    old.wait_for(21, 90)
    daemon.assert_balanced(accepted=21, delivered=21)
    for octets in kept:
        assert sum(d.octets.endswith(octets) for d in old.deliveries) == 1

    # Lost after the final dot.
    def passes_again() -> bool:
        reply = send_mail(daemon.port, "ann@sender.example", "ben@example.com", message())
        assert reply.code == 250, reply
        return "queued as" not in reply.text

    wait_until(passes_again, "mail is passed on again")
    for number in range(20):
        old.answer("DOT", DROP, times=1)
        lost = message(f"lost {number}")
        assert send_mail(daemon.port, "ann@sender.example", "eve@example.com", lost).code == 250
        old.wait_for_any(len(old.all) + 1)
        kinds = wait_until(
            lambda: [k for k in [daemon.ledger_kinds(message_id_of(lost))] if "delivered" in k], "sent"
        )[0]
        if kinds[1] != "attempt":  # otherwise it was queued at once: the last one's way was not free
            break
    assert kinds == ["accepted", "in_doubt", "attempt", "delivered"], kinds

    # Told to stop while the server hangs: the sender is answered in time.
    wait_until(passes_again, "mail is passed on again")
    old.answer("DOT", HANG, times=1)
    hanging = message("hanging")
    with SmtpClient(daemon.port) as client:
        client.ehlo()
        client.mail("ann@sender.example")
        assert client.rcpt("kim@example.com").code == 250
        assert client.command("DATA").code == 354
        before = len(old.all)
        client.send(hanging + b".\r\n")
        old.wait_for_any(before + 1)
        daemon.signal(signal.SIGTERM)
        reply = client.read_reply()
        assert reply.code == 250 and "queued as" in reply.text, reply
    assert daemon.wait_exit() == 0
    old.accept_all()
    daemon.start()
    wait_until(
        lambda: "delivered" in daemon.ledger_kinds(message_id_of(hanging)), "it is sent again"
    )
    books = daemon.audit()
    assert books["balanced"] and books["held"] == 0 and books["parked"] == 0, books


def story(lab: Lab) -> None:
    down_and_back(lab)
    dies_after_the_dot(lab)


run(story)
