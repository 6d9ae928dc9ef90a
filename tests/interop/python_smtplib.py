"""smtplib and email.message: what a script sends, a mailbox gets."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import email.message
import email.policy
import smtplib

from sample_mail import assert_relayed
from siding_lab import Lab, run


def story(lab: Lab) -> None:
    new = lab.sink()
    daemon = lab.daemon(lab.config(new=new)).start()
    mail = email.message.EmailMessage(policy=email.policy.SMTP)
    mail["From"], mail["To"], mail["Subject"] = "ann@sender.example", "bob@example.com", "Grüße"
    mail.set_content("Zeile eins\n.Punkt\n\nЗдравствуйте\n", cte="8bit")
    mail.add_attachment(bytes(range(256)) * 50, maintype="application", subtype="octet-stream")
    octets = mail.as_bytes()

    with smtplib.SMTP("127.0.0.1", daemon.port, "script.example", timeout=30) as client:
        client.ehlo_or_helo_if_needed()
        assert client.has_extn("pipelining") and client.has_extn("8bitmime") and client.has_extn("size")
        assert client.verify("bob@example.com")[0] == 252
        assert client.sendmail("ann@sender.example", ["bob@example.com"], octets, ["BODY=8BITMIME"]) == {}
        refused = client.sendmail(
            "ann@sender.example", ["eve@example.com", "x@other.example"], octets, ["BODY=8BITMIME"]
        )
        assert list(refused) == ["x@other.example"] and refused["x@other.example"][0] == 550
        try:
            client.sendmail("ann@sender.example", ["x@other.example"], octets)
            raise AssertionError("nobody is not refused")
        except smtplib.SMTPRecipientsRefused:
            pass
        # The session is clean again after each of these.
        assert client.docmd("RCPT", "TO:<bob@example.com>")[0] == 503
        assert client.docmd("XYZZY")[0] == 500
        assert client.docmd("MAIL", "FROM:no brackets")[0] == 501
        assert client.sendmail("", ["null@example.com"], octets) == {}
        assert client.docmd("HELP")[0] in (214, 502)
    daemon.release()
    for name in ("bob", "eve", "null"):
        assert_relayed(new.of(f"{name}@example.com")[0].octets, octets)
    daemon.assert_balanced(accepted=3, delivered=3)


run(story)
