"""More clients than file descriptors: the surplus is turned away, and the store never runs out."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from sample_mail import message
from siding_lab import Lab, program, run
from smtp_client import ConnectionClosed, SmtpClient, send_mail

DESCRIPTORS = 128


def story(lab: Lab) -> None:
    daemon = lab.daemon(lab.config(new=lab.sink()))
    daemon.start(program("prlimit"), f"--nofile={DESCRIPTORS}")
    daemon.wait_log("connections_bounded")
    served: list[SmtpClient] = []
    refused = 0
    for _ in range(2 * DESCRIPTORS):
        try:
            client = SmtpClient(daemon.port)
        except (ConnectionClosed, OSError):
            refused += 1
            continue
        if client.greeting.code == 220:
            served.append(client)
        else:
            assert client.greeting.code == 421, client.greeting
            refused += 1
            client.close()
    assert served and refused, (len(served), refused)
    print(f"{len(served)} served, {refused} turned away")
    for number, client in enumerate(served):
        client.ehlo()
        reply = client.transact("ann@sender.example", [f"b{number}@example.com"], message())
        assert reply.code == 250, reply
    assert daemon.api("GET", "/v1/status")["health"]["ok"]
    for client in served:
        client.quit()
    reply = send_mail(daemon.port, "ann@sender.example", "last@example.com", message())
    assert reply.code == 250, reply
    daemon.assert_balanced(accepted=len(served) + 1, held=len(served) + 1)
    assert daemon.stop() == 0


run(story)
