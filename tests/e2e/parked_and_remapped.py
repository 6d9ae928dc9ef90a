"""The new server does not know a tenth of the recipients: parked, grouped, re-mapped, released.

Nobody gets a bounce, and the addresses in the messages stay what they were."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from sample_mail import message
from siding_lab import Lab, run, wait_until
from smtp_client import SmtpClient
from witness import MailServer

COUNT = 100


def story(lab: Lab) -> None:
    gone = [f"gone{n}@example.com" for n in range(COUNT // 10 - 1)]
    large = "large@example.com"
    refuse = {address: "550 5.1.1 no such mailbox here" for address in gone}
    refuse[large] = "552 5.3.4 message exceeds the fixed limit"
    new = MailServer(lab, "new", refuse).start()
    daemon = lab.daemon(lab.config(new=new.address)).start()
    wanted = gone + [large] + [f"box{n}@example.com" for n in range(COUNT - len(gone) - 1)]
    originals = {}
    with SmtpClient(daemon.port) as client:
        client.ehlo()
        for recipient in wanted:
            originals[recipient] = message(recipient)
            reply = client.transact("ann@sender.example", [recipient], originals[recipient])
            assert reply.code == 250, reply
    daemon.siding("flip", "--to", "release", "example.com").ok()
    wait_until(lambda: len(daemon.rows(state="parked")) == COUNT // 10, "a tenth is parked", 60)
    new.box.wait_for(COUNT - COUNT // 10, 60)

    groups = {group["cause"]: group for group in daemon.siding("--json", "parked").ok().json()["groups"]}
    assert groups["no_such_mailbox"]["recipients"] == len(gone), groups
    assert groups["too_large"]["recipients"] == 1, groups
    table = daemon.siding("parked").ok().out
    assert "gone0@example.com" in table and "no such mailbox here" in table, table

    for address in gone:
        daemon.siding("remap", "add", address, "catcher@example.com").ok()
    daemon.siding("release", "--parked", "--cause", "no_such_mailbox", "--to", "new", "--wait").ok()
    wait_until(lambda: len(daemon.rows(state="parked")) == 1, "the re-mapped ones have left")
    new.box.wait_for(COUNT - 1, 60)
    caught = new.box.of("catcher@example.com")
    assert len(caught) == len(gone)
    for delivery in caught:
        (address,) = [a for a in gone if delivery.octets.endswith(originals[a])]
        trace = daemon.siding("trace", address).ok().out
        assert "catcher@example.com" in trace and "no such mailbox here" in trace, trace

    # Nobody was told anything: every delivery is one of the originals, from their sender.
    assert {d.sender for d in new.box.deliveries} == {"ann@sender.example"}
    daemon.assert_balanced(accepted=COUNT, delivered=COUNT - 1, parked=1, held=0, due=0)


run(story)
