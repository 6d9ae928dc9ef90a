"""OpenSMTPD relays, in clear, with STARTTLS and with TLS from the start: all of it is held."""

import pathlib
import random
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from opensmtpd_lab import OpenSmtpd
from sample_mail import TRACE_HEADER, message, random_message
from siding_lab import Daemon, Lab, run, wait_until
from smtp_client import SmtpClient
from test_certificates import make_ca, make_certificate

CONFIG = """
mta limit conn-delay-host 0 conn-delay-route 0 conn-delay-relay 0
mta limit conn-delay-source 0 conn-delay-domain 0
listen on 127.0.0.1 port {listen}
action "starttls" relay host "smtp+tls://localhost:{port}" helo "opensmtpd.example.net"
action "implicit" relay host "smtps://localhost:{implicit}" helo "opensmtpd.example.net"
action "plain" relay host "smtp+notls://localhost:{port}" helo "opensmtpd.example.net"
match from any for rcpt-to "plain@example.com" action "plain"
match from any for rcpt-to "implicit@example.com" action "implicit"
match from any for any action "starttls"
"""


def story(lab: Lab) -> None:
    directory = lab.directory / "tls"
    certificate, key = make_certificate(directory, ["hold.example.net", "localhost"])
    new = lab.sink()
    config = lab.config(new=new, tls={"certificate": str(certificate), "key": str(key)})
    config["listeners"].append({"address": "127.0.0.1:0", "tls": "implicit"})
    daemon = lab.daemon(config).start()
    port, implicit = daemon.ports()
    ports = CONFIG.replace("{port}", str(port)).replace("{implicit}", str(implicit))
    opensmtpd = OpenSmtpd(lab, ports, make_ca(directory)).start()

    draw = random.Random(5)
    mails = {
        "plain": message("plain"),
        "starttls": message("starttls", b".\r\n..\r\n.a\r\n"),
        "implicit": message("implicit", "Grüße, 世界\r\n".encode()),
        # It cuts lines at a NUL.
        "large": message("large", random_message(draw, "", 500_000).replace(b"\0", b"~")),
        "two": message("two"),
    }
    with SmtpClient(opensmtpd.port) as client:
        client.ehlo()
        for name, octets in mails.items():
            reply = client.transact("ann@sender.example", [f"{name}@example.com"], octets)
            assert reply.code == 250, f"{name}: {reply}"
        # An empty reverse path, and two recipients.
        to = ["null1@example.com", "null2@example.com"]
        assert client.transact("", to, mails["two"]).code == 250
        assert client.transact("ann@sender.example", ["x@other.example"], mails["two"]).code == 250
    wait_until(lambda: len(daemon.rows(state="held")) == len(mails) + 2, "all is held")
    for name, octets in mails.items():
        check_held(daemon, name, octets)
    assert all(daemon.row(f"null{n}@example.com")["sender"] == "" for n in (1, 2))
    # The refusal is final for it.
    wait_until(lambda: re.search(r"x@other\.example.*PermFail.*550 5\.7\.1", opensmtpd.log()),
               "the refusal in OpenSMTPD's log")  # fmt: skip

    daemon.release()
    for name, octets in mails.items():
        (delivery,) = new.of(f"{name}@example.com")
        assert delivery.octets.endswith(octets), name
    daemon.assert_balanced(accepted=len(mails) + 2, delivered=len(mails) + 2)


def check_held(daemon: Daemon, name: str, octets: bytes) -> None:
    """Our Received line, OpenSMTPD's own, and the message that it was given."""
    row = daemon.row(f"{name}@example.com")
    stored = daemon.octets_of(row["message"])
    assert stored.endswith(octets), name
    front = stored[: len(stored) - len(octets)]
    ours = TRACE_HEADER.match(front)
    assert ours, front
    theirs = TRACE_HEADER.fullmatch(front[ours.end() :])
    assert theirs and b"OpenSMTPD" in theirs.group(), front
    trace = ours.group().decode()
    assert trace.startswith("Received: from opensmtpd.example.net (unknown [127.0.0.1])"), trace
    is_tls = name != "plain"
    assert ("(using TLSv1.3 with cipher TLS_" in trace) == is_tls, trace
    assert f"with {'ESMTPS' if is_tls else 'ESMTP'} id" in trace, trace
    envelope = daemon.api("GET", f"/v1/messages/{row['message']}")
    assert envelope["sender"] == "ann@sender.example" and envelope["bare_newlines"] == 0, envelope


run(story)
