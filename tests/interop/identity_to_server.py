"""The new server sees who the client really is: by XCLIENT, by PROXY v2, and in the Received line."""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from postfix_lab import Postfix
from sample_mail import message
from siding_lab import Lab, run, wait_until
from smtp_client import SmtpClient

CLIENTS = ("127.3.0.7", "127.3.0.8")


def send_held(daemon, who: str) -> None:
    for client_address in CLIENTS:
        with SmtpClient(daemon.port, source=client_address) as client:
            client.ehlo("mail.sender.example")
            for number in range(3):
                recipient = f"{who}{number}@example.com"
                reply = client.transact("ann@sender.example", [recipient], message(who))
                assert reply.code == 250, reply


def clients_of(postfix: Postfix) -> list[str]:
    """The clients of the messages that were taken, as Postfix logs them."""
    return re.findall(r"smtpd\[\d+\]: [0-9A-Za-z]+: client=\S*?\[([^\]]+)\]", postfix.log())


def story(lab: Lab) -> None:
    box = lab.sink()
    trusts = {"relayhost": f"[127.0.0.1]:{box.port}"}
    by_xclient = Postfix(lab, "xclient", smtpd_authorized_xclient_hosts="127.0.0.0/8", **trusts)
    by_proxy = Postfix(lab, "proxy", smtpd_upstream_proxy_protocol="haproxy", **trusts)
    plain = Postfix(lab, "plain", **trusts)
    config = lab.config()
    config["servers"] |= {
        "new": {"address": by_xclient.start().address, "xclient": True},
        "behind": {"address": by_proxy.start().address, "proxy_protocol": True},
        "plain": {"address": plain.start().address},
    }
    daemon = lab.daemon(config).start()
    for server, postfix in (("new", by_xclient), ("behind", by_proxy)):
        send_held(daemon, server)
        daemon.siding("release", "--to", server).ok()
        wait_until(lambda: len(clients_of(postfix)) == 6, f"{server} has them", 60)
        assert sorted(clients_of(postfix)) == sorted(CLIENTS * 3), postfix.log()[-3000:]
    # Without either, the Received line alone tells.
    send_held(daemon, "plain")
    daemon.siding("release", "--to", "plain").ok()
    wait_until(lambda: len(clients_of(plain)) == 6, "plain has them", 60)
    assert set(clients_of(plain)) == {"127.0.0.1"}
    box.wait_for(18, 60)
    for delivery in box.deliveries:
        ours = [part for part in delivery.octets.split(b"Received: ") if b"(Siding)" in part]
        assert re.match(rb"from mail\.sender\.example \(unknown \[127\.3\.0\.[78]\]\)", ours[0]), ours
        (to,) = delivery.recipients
        if to.startswith("new"):
            # Postfix speaks of the client as of its own.
            first = delivery.octets.partition(b"\n")[0]
            assert first.startswith(b"Received: from mail.sender.example ("), first
    daemon.assert_balanced(accepted=18, delivered=18, held=0, due=0, parked=0)


run(story)
