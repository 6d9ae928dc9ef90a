"""smtplib and email.message: what a script sends, a mailbox gets."""

import email.message
import email.policy
import pathlib
import smtplib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
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
        assert all(map(client.has_extn, ("pipelining", "8bitmime", "size", "enhancedstatuscodes")))
        assert client.verify("bob@example.com")[0] == 252
        eight = ["BODY=8BITMIME"]
        assert client.sendmail("ann@sender.example", ["bob@example.com"], octets, eight) == {}
        some = ["eve@example.com", "x@other.example"]
        refused = client.sendmail("ann@sender.example", some, octets, eight)
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
