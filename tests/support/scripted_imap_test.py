"""The scripted IMAP server is a good one until it is told not to be, and then exactly as told."""

import base64
import contextlib
import hashlib
import hmac
import imaplib
import re
import socket
import ssl

from cut_proxy import CutProxy
from imap_client import ImapError, Mailbox
from imap_compare import assert_same, snapshot, total
from imap_mail import FOLDERS, fill, head, ordinary, plain_samples, put, samples
from scripted_imap import ScriptedImap
from scripted_personality import (
    BROKEN,
    COURIER,
    GMAIL,
    MICROSOFT,
    MINIMAL,
    MODERN,
    PERSONALITIES,
    YAHOO,
    Personality,
)
from siding_lab import Lab, run

USER = {"ann": "secret"}
MAIL = [mail.octets for mail in ordinary(12, octets=400)]


class Raw:
    """Lines as they come, literals in place."""

    def __init__(self, server: ScriptedImap, login: bool = True):
        self.sock = socket.create_connection(("127.0.0.1", server.port), 30)
        self.file = self.sock.makefile("rb")
        self.greeting = self.file.readline()
        if login:
            assert self("LOGIN ann secret")[-1].startswith(b"T OK")

    def line(self) -> bytes:
        line = self.file.readline()
        found = re.search(rb"\{(\d+)\}\r\n\Z", line)
        return line + self.file.read(int(found.group(1))) + self.line() if found else line

    def __call__(self, command: str | bytes) -> list[bytes]:
        octets = command.encode() if isinstance(command, str) else command
        self.sock.sendall(b"T " + octets + b"\r\n")
        return self.rest()

    def rest(self, tag: bytes = b"T ") -> list[bytes]:
        """Up to the answer with this tag, or to the end of the connection."""
        lines = []
        try:
            while line := self.line():
                lines.append(line)
                if line.startswith(tag):
                    break
        except ConnectionResetError:
            pass
        return lines

    @property
    def closed(self) -> bool:
        try:
            return self.file.readline() == b""
        except ConnectionResetError:
            return True


def start(lab: Lab, personality: Personality = MODERN, **options: bool) -> ScriptedImap:
    server = ScriptedImap(lab, USER, personality, **options)
    for number, octets in enumerate(MAIL):
        server.folder("ann", "INBOX").add(octets, ("\\Seen",) * (number % 2), 1e9 + number)
    return server.start()


def keeps_everything(lab: Lab) -> None:
    for personality in PERSONALITIES.values():
        if personality is BROKEN:
            continue  # imaplib does not get past the greeting
        server = ScriptedImap(lab, USER, personality).start()
        with Mailbox(server, "ann", "secret") as mailbox:
            fill(mailbox, FOLDERS, 3)
            assert {*FOLDERS} <= mailbox.folders().keys()
            mailbox.create("Plain")
            put(mailbox, "Plain", plain_samples())
            kept = {m.octets for m in mailbox.messages("Plain", octets=True)}
            assert kept == {m.octets for m in plain_samples()}, personality.name
            before = mailbox.evidence()
            assert before == mailbox.evidence()
        whole = snapshot(server, "ann", "secret")
        server.restart()
        assert_same(whole, snapshot(server, "ann", "secret"))
    server = ScriptedImap(lab, USER).start()
    with Mailbox(server, "ann", "secret") as mailbox:
        put(mailbox, "INBOX", samples())
        found = mailbox.messages("INBOX", octets=True)
        for mail, message in zip(samples(), found, strict=True):
            assert message.octets == mail.octets and message.date == mail.date, mail.name
            assert message.flags == {*mail.flags}, mail.name
    assert total(snapshot(server, "ann", "secret")) == len(samples())


def logins(lab: Lab) -> None:
    server = start(lab, tls=True)
    server.accounts["ann"].tokens.add("good")
    client = imaplib.IMAP4("127.0.0.1", server.port, 30)
    client.starttls(ssl.create_default_context(cafile=str(server.ca_file)))
    assert client.authenticate("PLAIN", lambda _: b"\0ann\0secret")[0] == "OK"
    with Mailbox(server, "ann", "secret", ca_file=server.ca_file) as mailbox:
        assert len(mailbox.messages("INBOX")) == len(MAIL)
    for token, expected in (("good", b"T OK"), ("bad", b"T NO")):
        raw = Raw(server, login=False)
        bearer = base64.b64encode(f"user=ann\1auth=Bearer {token}\1\1".encode()).decode()
        raw.sock.sendall(f"T AUTHENTICATE XOAUTH2 {bearer}\r\n".encode())
        first = raw.line()
        if first.startswith(b"+ "):
            assert b'"status"' in base64.b64decode(first[2:])
            raw.sock.sendall(b"\r\n")
            first = raw.line()
        assert first.startswith(expected), first
    for password, expected in (("secret", b"T OK"), ("wrong", b"T NO")):
        assert _scram(Raw(server, login=False), password).startswith(expected)
    for command in ("SELECT INBOX", "LOGIN ann wrong", "AUTHENTICATE GSSAPI", "NONSENSE", 'A "'):
        answer = Raw(server, login=False)(command)[-1]
        assert answer.startswith((b"T NO", b"T BAD")), answer


def _scram(raw: Raw, password: str) -> bytes:
    def exchange(line: str) -> bytes:
        raw.sock.sendall(line.encode() + b"\r\n")
        return raw.line()

    bare = "n=ann,r=client"
    initial = base64.b64encode(b"n,," + bare.encode()).decode()
    first = exchange(f"T AUTHENTICATE SCRAM-SHA-256 {initial}")
    challenge = base64.b64decode(first[2:]).decode()
    fields = dict(part.split("=", 1) for part in challenge.split(","))
    salt, rounds = base64.b64decode(fields["s"]), int(fields["i"])
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)
    key = hmac.digest(salted, b"Client Key", "sha256")
    without = f"c=biws,r={fields['r']}"
    message = f"{bare},{challenge},{without}".encode()
    signature = hmac.digest(hashlib.sha256(key).digest(), message, "sha256")
    proof = base64.b64encode(bytes(a ^ b for a, b in zip(key, signature))).decode()
    answer = exchange(base64.b64encode(f"{without},p={proof}".encode()).decode())
    if answer.startswith(b"+ "):
        server_key = hmac.digest(salted, b"Server Key", "sha256")
        wanted = base64.b64encode(hmac.digest(server_key, message, "sha256"))
        assert base64.b64decode(answer[2:]) == b"v=" + wanted
        answer = exchange("")
    return answer


def extensions(lab: Lab) -> None:
    server = start(lab)
    raw, other = Raw(server), Raw(server)
    assert b"* ENABLED QRESYNC\r\n" in raw("ENABLE QRESYNC")
    lines = raw("SELECT INBOX (CONDSTORE)")
    assert b"* 12 EXISTS\r\n" in lines and any(b"HIGHESTMODSEQ 13]" in line for line in lines)
    other("SELECT INBOX")
    other("UID STORE 3 +FLAGS.SILENT ($Work)")
    other("UID STORE 5 +FLAGS.SILENT (\\Deleted)")
    other("UID EXPUNGE 5")
    news = raw("NOOP")
    assert b"* VANISHED 5\r\n" in news, news
    assert any(b"* 3 FETCH (UID 3 FLAGS ($Work) MODSEQ (14))" in line for line in news), news
    again = Raw(server)
    again("ENABLE QRESYNC")
    validity = server.folder("ann", "INBOX").uid_validity
    lines = again(f"EXAMINE INBOX (QRESYNC ({validity} 13))")
    assert b"* VANISHED (EARLIER) 5\r\n" in lines and any(b"UID 3 " in line for line in lines)
    lines = again("UID FETCH 1:* (FLAGS) (CHANGEDSINCE 13 VANISHED)")
    assert sum(b"FETCH (" in line for line in lines) == 1, lines
    assert again("UID SEARCH RETURN (ALL COUNT) UID 2:4")[0].endswith(b"UID ALL 2:4 COUNT 3\r\n")
    assert b"ALL 1:4,6:12" in again("UID SEARCH RETURN (ALL) ALL")[0]
    lines = again('LIST "" "*" RETURN (SUBSCRIBED STATUS (MESSAGES UIDNEXT))')
    assert b'* STATUS "INBOX" (MESSAGES 11 UIDNEXT 13)\r\n' in lines, lines
    many = b"APPEND INBOX (\\Seen) {3+}\r\na\r\n {3+}\r\nb\r\n"
    assert f"[APPENDUID {validity} 13:14]".encode() in again(many)[-1]
    assert again("UID FETCH 13 (BODY.PEEK[]<1.1> RFC822.SIZE)")[0].count(b"\r") == 3
    again("SELECT INBOX")
    again.sock.sendall(b"T IDLE\r\n")
    assert again.line() == b"+ idling\r\n"
    other(b"APPEND INBOX {1+}\r\nc")
    assert again.line() == b"* 14 EXISTS\r\n"
    again.sock.sendall(b"DONE\r\n")
    assert again.rest()[-1].startswith(b"T OK")
    assert "IDLE" in {said.name for said in server.journal}
    assert server.said("UID") == [] and server.said("EXPUNGE") == ["UID EXPUNGE 5"]


def fetch_faults(lab: Lab) -> None:
    server = start(lab)

    def fetch(what: str = "(UID BODY.PEEK[])") -> tuple[Raw, list[bytes]]:
        raw = Raw(server)
        raw("EXAMINE INBOX")
        return raw, raw(f"UID FETCH 1:* {what}")

    for action, after in (("drop", 100), ("reset", 7), ("bye", 1)):
        server.fault(action, at="FETCH.message", uid=4, after_octets=after)
        raw = Raw(server)
        raw("EXAMINE INBOX")
        raw.sock.sendall(b"T UID FETCH 1:* (UID BODY.PEEK[])\r\n")
        try:
            octets = raw.file.read()
        except ConnectionResetError:
            continue  # takes with it what was on its way
        wanted = b"* 4 FETCH (UID 4 BODY[] {%d}\r\n" % len(MAIL[3]) + MAIL[3][:after]
        tail = b"* BYE \r\n" if action == "bye" else b""
        assert octets.endswith(wanted + tail), octets[-200:]
    _, lines = fetch()
    assert len(lines) == 13, "a fault is met once"
    server.fault("no", at="FETCH.message", uid=9, times=None, text="[UNAVAILABLE] Server error")
    for _ in range(2):
        _, lines = fetch()
        assert len(lines) == 9 and lines[-1] == b"T NO [UNAVAILABLE] Server error\r\n"
    server.heal()
    for action, expected in (("nil", b"BODY[] NIL)"), ("empty", b"BODY[] {0}\r\n)")):
        server.fault(action, at="FETCH.message", uid=2)
        assert expected in fetch()[1][1]
    server.fault("other", at="FETCH.message", uid=2)
    assert MAIL[0] in fetch()[1][1]
    server.fault("duplicate", at="FETCH.message", uid=2)
    lines = fetch()[1]
    assert lines[1] == lines[2] and len(lines) == 14
    server.fault("say", at="FETCH.message", uid=2, text="* 13 EXISTS\r\n* OK [ALERT] x")
    assert b"* 13 EXISTS\r\n" in fetch()[1]
    server.fault("expunge", at="FETCH.message", uid=12)
    lines = fetch()[1]
    assert b"* 12 EXPUNGE\r\n" in lines and len(lines) == 13, lines
    server.fault("delay", at="FETCH", seconds=0.2)
    fetch()


def append_faults(lab: Lab) -> None:
    server = start(lab)
    message = b"x" * 5000
    stored = server.folder("ann", "INBOX")

    def append(count: int = 1, extra: bytes = b"") -> list[bytes]:
        many = b"".join(b" {%d+}\r\n" % len(message) + message for _ in range(count))
        return Raw(server)(b"APPEND INBOX" + many + extra)

    server.fault("bye", at="APPEND.message", nth=2, after_octets=1000, text="AccessTokenExpired")
    lines = append(3)
    assert lines == [b"* BYE AccessTokenExpired\r\n"] and len(stored.messages) == 12
    server.fault("no", at="APPEND.message", nth=3, text="[OVERQUOTA] full")
    assert append(4) == [b"T NO [OVERQUOTA] full\r\n"] and len(stored.messages) == 12
    server.fault("drop", at="APPEND.message", after_octets=10)
    assert append() == [] and len(stored.messages) == 12
    server.heal()
    server.fault("drop", at="APPEND.done")
    assert append(2) == [] and len(stored.messages) == 14
    for action, expected in (
        ("uid_missing", b"T OK APPEND completed\r\n"),
        ("uid_wrong", b" 1017:1018] "),
        ("uid_permuted", b" 20,19] "),
    ):
        server.heal()
        server.fault(action, at="APPEND.done")
        line = append(2)[-1]
        assert expected in line, line
    server.heal()
    words = "Request is throttled. Suggested Backoff Time: 200 milliseconds"
    server.fault("bad", at="APPEND", text=words)
    assert b"Backoff Time" in append()[-1] and b"OK" in append()[-1]
    assert server.strangers == []
    server.fault("bad_unread", at="APPEND.message")
    raw = Raw(server)
    lines = raw(b"APPEND INBOX {9+}\r\nX ZAP me\r\n") + raw.rest(b"X ")
    assert lines[0].startswith(b"T BAD") and lines[-1].startswith(b"X BAD Unknown"), lines
    assert server.strangers == ["ZAP me"]
    stored.change_uid_validity()
    raw = Raw(server)
    raw("EXAMINE INBOX")
    assert raw("UID SEARCH ALL")[0] != b"* SEARCH 1 2 3\r\n"
    server.fault("no", at="LOGIN", text="[LIMIT] too many connections", times=None)
    assert b"[LIMIT]" in Raw(server, login=False)("LOGIN ann secret")[-1]


def personalities(lab: Lab) -> None:
    gmail = Raw(start(lab, GMAIL))
    assert any(b"[HIGHESTMODSEQ 13]\r\n" in line for line in gmail("EXAMINE INBOX"))
    assert b"[CANNOT]" in gmail('CREATE " x"')[-1] and b"NONEXISTENT" in gmail("SELECT [Gmail]")[-1]
    gmail("CREATE J&APY-rg")
    assert gmail("ENABLE UTF8=ACCEPT")[0] == b"* ENABLED UTF8=ACCEPT\r\n"
    assert '"Jörg"\r\n'.encode() in gmail('LIST "" "J*"')[0]
    assert gmail('STATUS "Jörg" (MESSAGES)')[0] == '* STATUS "Jörg" (MESSAGES 0)\r\n'.encode()
    assert b"OK" in gmail('APPEND "Jörg" UTF8 (~{1+}\r\nx)')[-1]
    assert gmail(b"APPEND INBOX {1+}\r\n\0") == [b"* BYE Invalid character in literal\r\n"]
    server = start(lab, MICROSOFT)
    with Mailbox(server, "ann", "secret") as mailbox:
        mailbox.create("Box")
        for name in ("BOX", "Files"):
            try:
                mailbox.create(name)
            except ImapError:
                continue
            raise AssertionError(name)
        mailbox.append("Box", head("x") + b"\r\n", ["\\Flagged", "\\Seen"])
        assert mailbox.messages("box")[0].flags == {"\\Seen"}
    assert Raw(server)("STATUS INBOX (MESSAGES)")[0].endswith(b") \r\n")
    server = start(lab, YAHOO)
    inbox = server.folder("ann", "INBOX")
    for _ in range(1100):
        inbox.add(b"x\r\n")
    yahoo = Raw(server)
    yahoo("SELECT INBOX")
    lines = yahoo("UID FETCH 1:* (UID)")
    assert len(lines) == 1001 and b"[MESSAGELIMIT 1000 113]" in lines[-1]
    assert yahoo("UID COPY 1:3 Archive")[-1].split()[4] == b"1:3"
    assert b" 3,2,1] " in yahoo("UID COPY 1:3 Trash")[-1]
    assert b"CLIENTBUG" in yahoo(b"APPEND INBOX {1+}\r\nx")[-1]
    with Mailbox(server, "ann", "secret") as mailbox:
        assert len(mailbox.messages("INBOX")) == 1112
    courier = Raw(start(lab, COURIER))
    assert b'* NAMESPACE (("INBOX." ".")) NIL NIL\r\n' in courier("NAMESPACE")
    courier("SELECT INBOX")
    assert len(courier(b"APPEND INBOX {3+}\r\nx\r\n")) == 1
    assert not any(b"EXISTS" in line for line in courier("NOOP"))
    assert b"* 13 EXISTS\r\n" in courier("EXAMINE INBOX")
    assert courier(b"APPEND INBOX {3+}\r\nx\r\n")[-1].startswith(b"T NO Current box")
    minimal = Raw(start(lab, MINIMAL))
    assert minimal("LOGIN ann secret")[-1] == b"T OK LOGIN completed\r\n"
    assert minimal("CAPABILITY")[0] == b"* CAPABILITY IMAP4rev1\r\n"
    server = start(lab, BROKEN)
    broken = Raw(server)
    assert broken.greeting.startswith(b"\0\0* OK")
    lines = broken("SELECT INBOX")
    assert any(b"UIDVALIDITY 0]" in line for line in lines)
    assert not any(b"UIDNEXT" in line for line in lines)
    lines = broken("UID FETCH 1 (UID FLAGS INTERNALDATE BODY.PEEK[])")
    assert len(lines) == 3 and b"30-Dec-1899" in lines[1] and b"(*)" in lines[0], lines
    assert b"{5}\r\nINBOX\r\n" in broken('LIST "" "*"')[0]


def cut_ways(lab: Lab) -> None:
    server = start(lab)
    way = CutProxy(server.address)
    for octets in (1, 40, 400):
        way.cut(octets)
        came = 0
        with contextlib.suppress(ConnectionError):
            with socket.create_connection(("127.0.0.1", way.port), 30) as client:
                client.sendall(b"T CAPABILITY\r\nT LOGIN ann secret\r\nT LIST \"\" *\r\n")
                while got := len(client.recv(65536)):
                    came += got
        assert came <= octets, (came, octets)
    assert way.cuts == 3
    assert len(snapshot(way.address, "ann", "secret")["INBOX"]) == len(MAIL)
    way.cut_by_chance(1, 100, 200)
    try:
        snapshot(way.address, "ann", "secret")
    except (OSError, imaplib.IMAP4.abort):
        way.heal()
    assert len(snapshot(way.address, "ann", "secret")["INBOX"]) == len(MAIL) and way.cuts == 4
    way.stop()


def story(lab: Lab) -> None:
    cut_ways(lab)
    keeps_everything(lab)
    logins(lab)
    extensions(lab)
    fetch_faults(lab)
    append_faults(lab)
    personalities(lab)


run(story)
