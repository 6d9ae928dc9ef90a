"""Mail for a domain that is not configured gets 550 5.7.1, and the session goes on."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from sample_mail import message
from siding_lab import Lab, run
from smtp_client import SmtpClient


def story(lab: Lab) -> None:
    daemon = lab.daemon(lab.config(new=lab.sink())).start()
    with SmtpClient(daemon.port) as client:
        assert client.greeting.code == 220 and client.greeting.text.startswith("hold.example.net ")
        client.ehlo()
        assert {"PIPELINING", "SIZE", "8BITMIME", "ENHANCEDSTATUSCODES"} <= set(client.extensions)
        assert client.mail("ann@sender.example").code == 250
        for stranger in ("bob@other.example", "bob@sub.example.com", "bob@example.com.evil.test"):
            reply = client.rcpt(stranger)
            assert (reply.code, reply.enhanced) == (550, "5.7.1"), f"{stranger}: {reply}"
        assert client.command("DATA").code in (503, 554), "no valid recipient"
        assert client.command("RSET").code == 250
        reply = client.transact("ann@sender.example", ["bob@EXAMPLE.com"], message())
        assert reply.code == 250, reply
        assert client.command("VRFY bob").code == 252
        assert client.quit().code == 221
    assert [row["recipient"] for row in daemon.rows()] == ["bob@EXAMPLE.com"]
    daemon.assert_balanced(accepted=1, held=1)


run(story)
