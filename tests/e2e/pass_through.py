"""In phase pass_old the sender hears what the server says, and the octets arrive as they came."""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from postfix_lab import Postfix
from sample_mail import message, message_id_of
from siding_lab import Lab, run, wait_until
from smtp_client import SmtpClient, send_mail

DOMAINS = {"example.com": {"phase": "pass_old"}, "held.example": {"phase": "hold"}}
ACCESS = (
    "check_recipient_access inline:{ "
    "{gone@example.com=550 5.1.1 no mailbox here at postfix.example.net} "
    "{later@example.com=450 4.2.0 still copying} }, permit_mynetworks, reject"
)


def assert_arrived(behind, recipient: str, original: bytes) -> None:
    wait_until(lambda: behind.of(recipient), f"{recipient} gets its mail")
    (delivery,) = behind.of(recipient)
    # Postfix puts its own Received: before ours.
    assert delivery.octets.endswith(original), f"{recipient}: octets changed"
    traces = delivery.octets[: -len(original)]
    assert traces.count(b"Received: ") == 2 and b"(Siding)" in traces, traces


def story(lab: Lab) -> None:
    behind = lab.sink(extensions=("8BITMIME", "SMTPUTF8", "SIZE"))
    checks = lab.directory / "header_checks"
    checks.write_text("/^Subject: spam/ REJECT no spam at postfix.example.net please\n")
    old = Postfix(
        lab,
        relayhost=f"[127.0.0.1]:{behind.port}",
        smtpd_recipient_restrictions=ACCESS,
        header_checks=f"regexp:{checks}",
        smtputf8_enable="yes",
        smtp_line_length_limit="0",
    ).start()
    daemon = lab.daemon(lab.config(old=old.address, domains=DOMAINS)).start()

    # Its yes, with the id under which it queued the message.
    original = message(body=b".dot\r\n\xfc\r\n" + b"long " * 300 + b"\r\n")
    reply = send_mail(daemon.port, "ann@sender.example", "bob@example.com", original)
    queued = re.fullmatch(r"2\.0\.0 Ok: (?:\d+ bytes )?queued as (\w+)", reply.text)
    assert reply.code == 250 and queued, reply
    old.wait_log(f"{queued.group(1)}: message-id={re.escape(message_id_of(original))}")
    assert_arrived(behind, "bob@example.com", original)
    assert daemon.ledger_kinds(message_id_of(original)) == ["accepted", "delivered"]

    # Its no, to a recipient and to a message; under our name.
    with SmtpClient(daemon.port) as client:
        client.ehlo()
        client.mail("ann@sender.example")
        reply = client.rcpt("gone@example.com")
        assert (reply.code, reply.enhanced) == (550, "5.1.1"), reply
        assert reply.text.endswith("no mailbox here at hold.example.net"), reply
        assert client.rcpt("bea@example.com").code == 250
        good = message("for one of two")
        assert client.data(good).code == 250
        client.quit()
    assert_arrived(behind, "bea@example.com", good)
    reply = send_mail(daemon.port, "ann@sender.example", "bob@example.com", message("spam"))
    assert (reply.code, reply.enhanced) == (550, "5.7.1"), reply
    assert "no spam at hold.example.net please" in reply.text, reply

    # What it cannot take now is ours, and keeps being tried.
    reply = send_mail(daemon.port, "ann@sender.example", "later@example.com", message())
    assert reply.code == 250 and "queued as" in reply.text, reply
    row = daemon.row("later@example.com")
    assert row["state"] in ("due", "in_flight") and "still copying" in row["last_reply"], row

    # Other routes of the same message.
    mixed = message("for two phases")
    both = ["kim@held.example", "may@example.com"]
    assert send_mail(daemon.port, "ann@sender.example", both, mixed).code == 250
    assert_arrived(behind, "may@example.com", mixed)
    assert daemon.row("kim@held.example")["state"] == "held"

    # In chunks, with an address in UTF-8, and long.
    with SmtpClient(daemon.port) as client:
        client.ehlo()
        chunked = message("in chunks", b".\r\n..\r\n\xff\r\n")
        assert client.mail("ann@sender.example", "BODY=8BITMIME").code == 250
        assert client.rcpt("cho@example.com").code == 250
        client.send(b"BDAT 10\r\n" + chunked[:10])
        assert client.read_reply().code == 250
        client.send(b"BDAT %d LAST\r\n" % len(chunked[10:]) + chunked[10:])
        reply = client.read_reply()
        assert reply.code == 250 and "queued as" in reply.text, reply

        foreign = message("smörgåsbord")
        client.send("MAIL FROM:<änn@sender.example> SMTPUTF8 BODY=8BITMIME\r\n".encode())
        assert client.read_reply().code == 250
        client.send("RCPT TO:<jörg@example.com>\r\n".encode())
        assert client.read_reply().code == 250
        assert client.data(foreign).code == 250

        # Of lines that Postfix has no wish to cut.
        line = b"." + bytes(range(0x80, 0x100)) * 4 + b"\r\n"
        long = message("long", line * ((30 << 20) // len(line)))
        reply = client.transact("ann@sender.example", ["lou@example.com"], long)
        assert reply.code == 250, reply
        client.quit()
    assert_arrived(behind, "cho@example.com", chunked)
    assert_arrived(behind, "jörg@example.com", foreign)
    assert_arrived(behind, "lou@example.com", long)
    # bob, bea, may, cho, jörg, lou; kim and later.
    daemon.assert_balanced(accepted=8, delivered=6, held=1)


run(story)
