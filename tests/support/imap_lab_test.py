"""Each real server does what the stories rely on, and changes what it is known to change.

    imap_lab_test.py [dovecot|cyrus|courier|mailutils …]
"""

import imaplib
import socket
import ssl
import sys

from imap_client import ImapError, Mailbox
from imap_compare import assert_same, differences, snapshot, total
from imap_dovecot import CAPABILITIES, MASTER, MASTER_PASSWORD
from imap_lab import Courier, Cyrus, Dovecot, ImapServer, Mailutils
from imap_mail import FOLDERS, KEYWORDS, SYSTEM_FLAGS, fill, head, odd_samples, plain_samples, put
from siding_lab import Lab, run

REFUSED, CHANGED = "refused", "changed"

# What becomes of odd mail. What is not named is kept octet for octet.
ODD_MAIL = {
    "dovecot": {
        "zero length": REFUSED, "bare LF": CHANGED, "mixed line ends": CHANGED, "NUL": CHANGED,
    },
    "cyrus": {
        "zero length": REFUSED, "one octet": REFUSED, "bare LF": REFUSED,
        "mixed line ends": REFUSED, "NUL": REFUSED, "header without a colon": REFUSED,
    },
    "courier": {
        "zero length": CHANGED, "one octet": CHANGED, "no final CRLF": CHANGED, "bare LF": CHANGED,
        "mixed line ends": CHANGED, "bare CR": CHANGED,
    },
    "mailutils": {
        "zero length": REFUSED, "one octet": REFUSED, "no header": CHANGED,
        "no body, no blank line": CHANGED, "bare LF": CHANGED, "mixed line ends": CHANGED,
        "NUL": CHANGED, "mbox line in front": CHANGED, "header without a colon": REFUSED,
    },
}  # fmt: skip


def keeps_mail(server: ImapServer, keeps_marks: bool = True) -> None:
    """Folders, octets, flags, dates; reading changes nothing; a restart changes nothing."""
    with Mailbox(server, "ann", "secret") as mailbox:
        keywords = KEYWORDS if keeps_marks else ()
        filled = fill(mailbox, FOLDERS, 3, keywords=keywords)
        assert {*FOLDERS} <= mailbox.folders().keys(), mailbox.folders()
        mailbox.create("Plain")
        plain = [mail for mail in plain_samples() if keeps_marks or mail.name != "keywords"]
        put(mailbox, "Plain", plain)
        for name, mails in {**filled, "Plain": plain}.items():
            for mail, found in zip(mails, mailbox.messages(name, octets=True), strict=True):
                assert found.octets == mail.octets, f"{server.name}: {mail.name}"
                assert found.size == len(mail.octets), f"{server.name}: {mail.name}"
                if keeps_marks:
                    assert found.flags == {*mail.flags}, f"{server.name}: {mail.name} {found}"
                    assert found.date == mail.date, f"{server.name}: {mail.name} {found}"
        mailbox.subscribe("INBOX", "日本語")
        assert mailbox.subscriptions() >= {"日本語"}
        before = mailbox.evidence()
        assert before == mailbox.evidence()
    whole = snapshot(server, "ann", "secret")
    server.restart()
    assert_same(whole, snapshot(server, "ann", "secret"), dates=keeps_marks)
    with Mailbox(server, "ann", "secret") as mailbox:
        assert mailbox.evidence() == before, "a restart changed what UIDs mean"


def changes_mail(server: ImapServer) -> None:
    with Mailbox(server, "ann", "secret") as mailbox:
        first, second, third = mailbox.messages("Sent")
        mailbox.copy("Sent", [first.uid], "Drafts")
        assert mailbox.messages("Drafts")[-1].sha == first.sha
        mailbox.store("Sent", [second.uid], "FLAGS", "\\Flagged")
        assert mailbox.messages("Sent")[1].flags == {"\\Flagged"}
        before = mailbox.status("Sent")
        mailbox.expunge("Sent", [third.uid])
        after = mailbox.status("Sent")
        assert after["MESSAGES"] == 2 and after["UIDVALIDITY"] == before["UIDVALIDITY"]
        assert [m.uid for m in mailbox.messages("Sent")] == [first.uid, second.uid]
        mailbox.rename("Archive/2023", "Archive/old")
        assert "Archive/old" in mailbox.folders() and "Archive/2023" not in mailbox.folders()


def odd_mail(server: ImapServer) -> None:
    found: dict[str, str] = {}
    with Mailbox(server, "ann", "secret") as mailbox:
        mailbox.create("Odd")
    for mail in odd_samples():
        try:
            with Mailbox(server, "ann", "secret") as mailbox:
                mailbox.append("Odd", mail.octets)
                if mailbox.messages("Odd", octets=True)[-1].octets != mail.octets:
                    found[mail.name] = CHANGED
        except (ImapError, OSError, imaplib.IMAP4.abort):
            found[mail.name] = REFUSED
    assert found == ODD_MAIL[server.NAME], f"{server.name}: {found}"


def users(server: ImapServer) -> None:
    server.add_user("bob", "bob-secret")
    assert total(snapshot(server, "bob", "bob-secret")) == 0
    for user, password in (("ann", "wrong"), ("nobody", "secret")):
        try:
            Mailbox(server, user, password)
        except ImapError:
            continue
        raise AssertionError(f"{server.name} lets {user} in with {password}")


def tls(server: ImapServer) -> None:
    with Mailbox(server, "ann", "secret", ca_file=server.ca_file) as mailbox:
        assert mailbox.messages("INBOX")
    context = ssl.create_default_context(cafile=str(server.ca_file))
    client = imaplib.IMAP4("127.0.0.1", server.port, 30)
    client.starttls(context)
    assert client.login("ann", "secret")[0] == "OK"
    client.logout()


def takes_mail_for_commands(server: ImapServer) -> None:
    """Dovecot does not read a literal that needs no leave when it has refused the flags before."""
    with socket.create_connection(("127.0.0.1", server.port), 30) as client:
        client.sendall(b"A LOGIN ann secret\r\nB APPEND INBOX (\\Foo) {9+}\r\nX NOOP\r\n\r\n")
        client.sendall(b"Z LOGOUT\r\n")
        answers = client.makefile("rb").read()
    assert b"\r\nB BAD " in answers and b"\r\nX OK NOOP" in answers, answers


def dovecot(lab: Lab) -> None:
    server = Dovecot(lab, {"ann": "secret"}, tls=True)
    server.start()
    keeps_mail(server)
    changes_mail(server)
    odd_mail(server)
    users(server)
    tls(server)
    takes_mail_for_commands(server)
    whole = snapshot(server, "ann", "secret")
    assert_same(whole, snapshot(server, f"ann*{MASTER}", MASTER_PASSWORD))
    assert_same(whole, snapshot(server, MASTER, MASTER_PASSWORD, authzid="ann"))
    with Mailbox(server, "ann", "secret") as mailbox:
        assert mailbox.capabilities == {*CAPABILITIES.upper().split()}, mailbox.capabilities
        assert mailbox.status("INBOX", "HIGHESTMODSEQ")["HIGHESTMODSEQ"] > 0
    other = Dovecot(
        lab, {"ann": "secret"}, storage="sdbox", separator=".", prefix="INBOX.", special_use=True,
        without=("UIDPLUS", "MULTIAPPEND", "CONDSTORE", "QRESYNC", "LITERAL+"), quota_bytes=100_000,
        acl=True,
    )  # fmt: skip
    other.start()
    with Mailbox(other, "ann", "secret") as mailbox:
        assert not {"UIDPLUS", "MULTIAPPEND", "LITERAL+"} & mailbox.capabilities
        assert "\\sent" in mailbox.folders()["Sent"].attributes
        assert mailbox.raw("A/b") == b"INBOX.A.b"
        mailbox.append("Sent", head("small") + b"\r\n")
        try:
            mailbox.append("Sent", head("big") + b"\r\n" + b"x\r\n" * 40_000)
        except ImapError as refused:
            assert "[OVERQUOTA]" in str(refused), refused
        else:
            raise AssertionError("more than the quota allows")
    assert len(differences(whole, snapshot(other, "ann", "secret"))) > 10


def cyrus(lab: Lab) -> None:
    server = Cyrus(lab, {"ann": "secret"}, tls=True)
    server.start()
    keeps_mail(server)
    changes_mail(server)
    odd_mail(server)
    users(server)
    tls(server)
    classic = Cyrus(lab, {"ann": "secret"}, classic=True)
    classic.start()
    with Mailbox(classic, "ann", "secret") as mailbox:
        mailbox.create("A/b")
        assert mailbox.folders()["A/b"].raw == b"INBOX.A.b"
        assert "OBJECTID" in mailbox.capabilities


def courier(lab: Lab) -> None:
    server = Courier(lab, {"ann": "secret"}, tls=True)
    server.start()
    keeps_mail(server)
    changes_mail(server)
    odd_mail(server)
    users(server)
    tls(server)
    with Mailbox(server, "ann", "secret") as mailbox:
        assert mailbox.folders()["日本語"].raw == b"INBOX.&ZeVnLIqe-"
        assert not {"LITERAL+", "MULTIAPPEND", "CONDSTORE"} & mailbox.capabilities


def mailutils(lab: Lab) -> None:
    server = Mailutils(lab, {"ann": "secret"})
    server.start()
    keeps_mail(server, keeps_marks=False)
    changes_mail(server)
    odd_mail(server)
    users(server)
    with Mailbox(server, "ann", "secret") as mailbox:
        assert "UIDPLUS" not in mailbox.capabilities
        assert mailbox.append("INBOX", head("marks") + b"\r\n", SYSTEM_FLAGS, 1e9) is None
        last = mailbox.messages("INBOX")[-1]
        assert not last.flags and last.date != 1e9, last
        mailbox.store("INBOX", [last.uid], "+FLAGS", "\\Seen")
        assert mailbox.messages("INBOX")[-1].flags == {"\\Seen"}
    box = Mailutils(lab, {"ann": "secret"}, storage="mbox")
    box.start()
    with Mailbox(box, "ann", "secret") as mailbox:
        octets = head("mbox") + b"\r\nx\r\n"
        for _ in range(2):
            mailbox.append("INBOX", octets, ["\\Seen"], 1_000_000_000)
        last = mailbox.messages("INBOX", octets=True)[-1]
        assert last.flags == {"\\Seen"} and last.date == 1_000_000_000, last
        assert last.octets and b"X-UID: 2\r\n" in last.octets, last
    restless = Mailutils(lab, {"ann": "secret"}, storage="maildir")
    restless.start()
    with Mailbox(restless, "ann", "secret") as mailbox:
        fill(mailbox, ["INBOX"], 3, keywords=())
        assert mailbox.evidence() != mailbox.evidence()


def story(lab: Lab) -> None:
    parts = {"dovecot": dovecot, "cyrus": cyrus, "courier": courier, "mailutils": mailutils}
    for name in sys.argv[1:] or parts:
        parts[name](lab)


run(story)
