"""smtplib and email.message: what a script sends, a mailbox gets."""

import email.message
import email.policy
import pathlib
import smtplib
import ssl
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from sample_mail import assert_relayed
from siding_lab import Daemon, Lab, run
from test_certificates import make_ca, make_certificate


def story(lab: Lab) -> None:
    new = lab.sink(extensions=("PIPELINING", "8BITMIME", "SIZE 0", "SMTPUTF8"))
    directory = lab.directory / "tls"
    certificate, key = make_certificate(directory, ["hold.example.net", "localhost"])
    config = lab.config(new=new, tls={"certificate": str(certificate), "key": str(key)})
    config["listeners"].append({"address": "127.0.0.1:0", "tls": "implicit"})
    daemon = lab.daemon(config).start()
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
    over_tls(daemon, make_ca(directory), octets)
    daemon.release()
    for name in ("bob", "eve", "null", "starttls", "implicit", "ü"):
        assert_relayed(new.of(f"{name}@example.com")[0].octets, octets)
    assert new.of("ü@example.com")[0].sender == "jürgen@sender.example"
    daemon.assert_balanced(accepted=6, delivered=6)


def over_tls(daemon: Daemon, ca_file: pathlib.Path, octets: bytes) -> None:
    """STARTTLS, TLS from the first octet on, and addresses in UTF-8."""
    trust = ssl.create_default_context(cafile=ca_file)
    port, implicit = daemon.ports()
    sender, eight = "ann@sender.example", ["BODY=8BITMIME"]
    with smtplib.SMTP("localhost", port, "script.example", timeout=30) as client:
        assert client.starttls(context=trust)[0] == 220
        client.ehlo()
        # No server of this configuration could keep the promise of REQUIRETLS.
        assert not client.has_extn("starttls") and not client.has_extn("requiretls")
        assert client.docmd("STARTTLS")[0] == 503
        assert client.sendmail(sender, ["starttls@example.com"], octets, eight) == {}
        utf8 = ["SMTPUTF8", *eight]
        client.command_encoding = "utf-8"
        assert client.sendmail("jürgen@sender.example", ["ü@example.com"], octets, utf8) == {}
        # An address that needs SMTPUTF8 and does not say so.
        code, text = client.docmd("MAIL", "FROM:<jürgen@sender.example>")
        assert code == 553 and text.startswith(b"5.6.7 "), text
    with smtplib.SMTP_SSL("localhost", implicit, "script.example", timeout=30, context=trust) as it:
        assert it.sendmail(sender, ["implicit@example.com"], octets, eight) == {}
    for name, protocol in (("starttls", "ESMTPS"), ("implicit", "ESMTPS"), ("ü", "UTF8SMTPS")):
        envelope = daemon.api(
            "GET", f"/v1/messages/{daemon.row(f'{name}@example.com')['message']}"
        )  # fmt: skip
        assert f"with {protocol} id" in envelope["trace_header"], envelope
        assert envelope["tls"] == "TLSv1.3 TLS_AES_256_GCM_SHA384", envelope


run(story)
