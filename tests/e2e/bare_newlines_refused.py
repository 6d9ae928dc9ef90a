"""With `bare_newlines: reject` a lone CR or LF is refused with 5.5.2 and nothing is stored."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from sample_mail import message
from siding_lab import Lab, run
from smtp_client import SmtpClient


def story(lab: Lab) -> None:
    daemon = lab.daemon(lab.config(new=lab.sink(), bare_newlines="reject")).start()
    with SmtpClient(daemon.port) as client:
        client.ehlo()
        for bare in (b"a\nb\r\n", b"a\rb\r\n", b"a\n.\r\nb\r\n", b"a\r\n.\nb\r\n"):
            assert client.mail("ann@sender.example").code == 250
            assert client.rcpt("bob@example.com").code == 250
            assert client.command("DATA").code == 354
            client.send(b"Subject: x\r\n\r\n" + bare + b".\r\n")
            reply = client.read_reply()
            assert reply.code // 100 == 5 and reply.enhanced == "5.5.2", f"{bare!r}: {reply}"
        # The refusal ends the transaction, not the session.
        assert client.rcpt("bob@example.com").code == 503
        assert client.transact("ann@sender.example", ["eve@example.com"], message()).code == 250
    assert [row["recipient"] for row in daemon.rows()] == ["eve@example.com"]
    daemon.assert_balanced(accepted=1, held=1)


run(story)
