"""Below the disk reserve MAIL gets 452 4.3.1; reading, releasing and discarding go on."""

import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from sample_mail import assert_relayed, message
from siding_lab import Lab, run
from smtp_client import SmtpClient, send_mail


def story(lab: Lab) -> None:
    new = lab.sink()
    daemon = lab.daemon(lab.config(new=new)).start()
    original = message()
    for name in ("bob", "eve"):
        reply = send_mail(daemon.port, "ann@sender.example", f"{name}@example.com", original)
        assert reply.code == 250, reply
    daemon.stop()

    more_than_free = shutil.disk_usage(lab.directory).free // (1 << 30) + 64
    daemon.config["storage"] = {"disk_reserve": f"{more_than_free}GiB"}
    daemon.write_config()
    daemon.start()
    with SmtpClient(daemon.port) as client:
        client.ehlo()
        reply = client.mail("ann@sender.example")
        assert (reply.code, reply.enhanced) == (452, "4.3.1"), reply
        assert client.command("NOOP").code == 250, "the session lives on"
    assert "bob@example.com" in daemon.siding("queue", "list").ok().out
    status = daemon.api("GET", "/v1/status")
    assert status["disk"]["reserve_octets"] > status["disk"]["free_octets"], status["disk"]
    eve = {"recipient": "eve@example.com"}
    daemon.api("POST", "/v1/queue/discard", {"filter": eve, "why": "room"})
    daemon.release()
    assert_relayed(new.wait_for(1)[0].octets, original)
    daemon.assert_balanced(accepted=2, delivered=1, discarded=1)


run(story)
