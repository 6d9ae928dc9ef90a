"""The matrix of hostile inputs, whole, cut at random and octet by octet: nothing slips in."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from hostile import BYE, EHLO, HEAD, SMUGGLED, Case, chunk, command, cut_off, data, mail
from hostile import play_all, session, stored_form
from siding_lab import Daemon, Lab, run
from test_certificates import make_certificate

MESSAGE_SIZE = 128 * 1024
HEADER_SIZE = 4096
# Row 1: none of these ends the data. The last two hold no CR or LF that stands alone.
FAKE_ENDS = (
    b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r.\n", b"\n.\r", b"\r.\r\n", b"\r\n.\r",
    b"\r\r\n.\r\r\n", b"\r\n.\r\r\n", b"\n\n.\r\n", b"\r\n..\n", b"\r\n.\n\r\n", b"\r\n.\r\0\n",
)  # fmt: skip
FAKE_ENDS_CLEAN = (b"\r\n\0.\r\n", b"\r\n.\0\r\n")
FINE = HEAD + b"fine\r\n"
DATA_NEEDS_MAIL = command("DATA", "503 5.5.1")
CHUNK_NEEDS_MAIL = chunk(b"abc", "503 5.5.1", last=True)


def fake_ends(refused: bool) -> list[Case]:
    """Rows 1 and 2. After a refusal the session is where it was, and takes the next message."""
    cases = []
    for end in FAKE_ENDS + FAKE_ENDS_CLEAN:
        wire = HEAD + b"a" + end + SMUGGLED
        is_clean = end in FAKE_ENDS_CLEAN
        reply = "550 5.5.2" if refused and not is_clean else "250 2.0.0"
        stored = {"%R-next": FINE} | ({"%R": stored_form(wire)} if reply[0] == "2" else {})
        steps = (*mail(), *data(wire, reply), *mail("%R-next"), *data(FINE))
        cases.append(session(f"1 DATA {end!r}", *steps, stored=stored))
        # In chunks nothing ends the data, and the same octets are bare.
        text = wire.replace(b"%R", b"")
        reply = "550 5.5.2" if refused and has_bare(text) else "250 2.0.0"
        stored = {"%R": crlf_only(text)} if reply[0] == "2" else {}
        steps = (*mail(), chunk(text, reply, last=True), DATA_NEEDS_MAIL)
        cases.append(session(f"1 BDAT {end!r}", *steps, stored=stored))
    return cases


def has_bare(octets: bytes) -> bool:
    rest = octets.replace(b"\r\n", b"")
    return b"\r" in rest or b"\n" in rest


def crlf_only(octets: bytes) -> bytes:
    return b"\r\n".join(
        octets.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    )


def bodies() -> list[Case]:
    """Rows 3, 8, 9, 10, 13 and 25."""
    long_line = HEAD + b"x" * (MESSAGE_SIZE - 100) + b"\r\n"
    header = b"X-Long: " + b"y" * HEADER_SIZE + b"\r\n"
    too_large = HEAD + (b"z" * 998 + b"\r\n") * (MESSAGE_SIZE // 1000 + 1)
    nul = HEAD + b"a\0b\r\n\0\r\n"
    hops = b"Received: from a by b; Sat, 21 Nov 2026 14:07:30 +0000\r\n"
    loop = b"Received: from x by hold.example.net (Siding) with ESMTP id 1; now\r\n" * 2
    cases = [
        session("3 empty", *mail(), *data(b""), stored={"%R": b""}),
        session("3 empty chunk", *mail(), chunk(b"", last=True), stored={"%R": b""}),
        session("3 dot only", *mail(), *data(b"..\r\n"), stored={"%R": b".\r\n"}),
        session("8 long line", *mail(), *data(long_line), stored={"%R": long_line}),
        session("8 long chunk", *mail(), chunk(long_line, last=True), stored={"%R": long_line}),
        session("10 NUL in body", *mail(), *data(nul), stored={"%R": nul}),
        session("25 many hops", *mail(), *data(hops * 49 + FINE), stored={"%R": hops * 49 + FINE}),
        session(
            "13 SIZE",
            command(f"MAIL FROM:<a@b.example> SIZE={MESSAGE_SIZE + 1}", "552 5.3.4"),
            command("RCPT TO:<%R@example.com>", "503 5.5.1"),
            command("MAIL FROM:<a@b.example> SIZE=99999999999999999999", "501 5.5.4"),
            command("MAIL FROM:<a@b.example> SIZE=-1", "501 5.5.4"),
        ),
    ]
    for name, wire, reply in (
        ("9 long header", header + FINE, "552 5.3.4"),
        ("9 header without end", b"X: y\r\n" * 1000, "552 5.3.4"),
        ("13 too large", too_large, "552 5.3.4"),
        ("25 too many hops", hops * 50 + FINE, "554 5.4.6"),
        ("25 our own hops", loop + FINE, "554 5.4.6"),
    ):
        cases += refused_bodies(name, wire, reply)
    return cases


def refused_bodies(name: str, wire: bytes, reply: str) -> list[Case]:
    """Row 21: whatever the end of data is answered, nothing of the transaction is left."""
    third = len(wire) // 3
    thirds = (wire[:third], wire[third : 2 * third], wire[2 * third :])
    cases = []
    for after in (
        command("RCPT TO:<%R@example.com>", "503 5.5.1"),
        DATA_NEEDS_MAIL,
        CHUNK_NEEDS_MAIL,
    ):
        next_one = (*mail("%R-next"), *data(FINE))
        refused = (*mail(), *data(wire, reply), after, *next_one)
        cases.append(session(f"{name}, 21", *refused, stored={"%R-next": FINE}))
    refused = (*mail(), chunk(wire, reply, last=True), DATA_NEEDS_MAIL, CHUNK_NEEDS_MAIL)
    cases.append(session(f"{name}, one chunk", *refused))
    if name.startswith(("9", "13")):
        # It may be refused in any chunk; the rest is thrown away.
        steps = (*mail(), *(chunk(part, "%C") for part in thirds[:2]), chunk(thirds[2], "%C", True))
        cases.append(three_chunks(name, steps, thirds, reply))
    return cases


def three_chunks(name: str, steps: tuple, parts: tuple[bytes, ...], reply: str) -> Case:
    limit = HEADER_SIZE if name.startswith("9") else MESSAGE_SIZE
    answered, total, failed = [], 0, False
    for octets, said in steps:
        if said == "%C":
            total += len(octets[octets.index(b"\n") + 1 :])
            said = "551 5.0.0" if failed else reply if total > limit else "250 2.0.0"
            failed = failed or total > limit
        answered.append((octets, said))
    after = (DATA_NEEDS_MAIL, *mail("%R-next"), chunk(FINE, last=True))
    return session(f"{name}, three chunks", *answered, *after, stored={"%R-next": FINE})


def commands() -> list[Case]:
    """Rows 7, 10, 11, 12, 26, 27, 30 and 32."""
    said_no = (
        ("10 NUL", b"NO\0OP", "500 5.5.2"),
        ("10 NUL at the end", b"NOOP\0", "500 5.5.2"),
        ("10 NUL in a path", b"MAIL FROM:<a\0@b.example>", "500 5.5.2"),
        ("10 ENVID", b"MAIL FROM:<a@b.example> RET=HDRS ENVID=a+00b", "501 5.5.4"),
        ("10 ENVID end of line", b"MAIL FROM:<a@b.example> ENVID=a+0D+0Ab", "501 5.5.4"),
        ("10 ENVID bad xtext", b"MAIL FROM:<a@b.example> ENVID=a+4", "501 5.5.4"),
        ("11 octet", b"MAIL FROM:<\xff@b.example>", "500 5.5.2"),
        ("11 half a character", b"EHLO \xc3", "500 5.5.2"),
        ("11 surrogate", b"NOOP \xed\xa0\x80", "500 5.5.2"),
        ("11 overlong", b"RCPT TO:<\xc0\xaf@example.com>", "500 5.5.2"),
        ("11 no SMTPUTF8", "MAIL FROM:<jörg@b.example>".encode(), "553 5.6.7"),
        ("12 DATA", b"DATA", "503 5.5.1"),
        ("12 RCPT", b"RCPT TO:<a@example.com>", "503 5.5.1"),
        ("12 parameter", b"MAIL FROM:<a@b.example> COLOUR=blue", "555 5.5.4"),
        ("12 parameter of RCPT", b"MAIL FROM:<a@b.example> NOTIFY=NEVER", "555 5.5.4"),
        ("12 twice", b"MAIL FROM:<a@b.example> SIZE=1 SIZE=2", "501 5.5.4"),
        ("12 no path", b"MAIL FROM:", "501 5.5.4"),
        ("12 no brackets", b"MAIL FROM:<a@b.example", "501 5.1.7"),
        ("12 argument", b"DATA now", "501 5.5.4"),
        ("12 unknown", b"XYZZY", "500 5.5.2"),
        ("12 empty", b"", "500 5.5.2"),
        ("12 white space", b" NOOP", "500 5.5.2"),
        ("1 bare LF in a command", b"NOOP\nRSET\nMAIL FROM:<a@b.example>\n", "%LF"),
        ("1 bare CR in a command", b"NOOP\rRSET", "500 5.5.2"),
        ("7 a long line", b"NOOP " + b"x" * 6000, "500 5.5.2"),
        ("7 two long lines", b"x" * 5000, "500 5.5.2"),
        ("23 XCLIENT", b"XCLIENT ADDR=192.0.2.1", "550 5.7.0"),
        ("23 PROXY", b"PROXY TCP4 192.0.2.1 192.0.2.2 1 25", "500 5.5.2"),
        ("30 VRFY", b"VRFY root", "252 2.0.0"),
        ("30 VRFY UTF-8", "VRFY jörg".encode(), "252 2.0.0"),
        ("30 EXPN", b"EXPN staff", "502 5.5.1"),
        ("30 ETRN", b"ETRN '; drop table hints; --", "502 5.5.1"),
        ("30 TURN", b"TURN", "502 5.5.1"),
        ("30 HELP", b"HELP", "502 5.5.1"),
        ("32 AUTH", b"AUTH PLAIN AGFubgBzZWNyZXQ=", "502 5.5.1"),
        ("32 AUTH LOGIN", b"AUTH LOGIN", "502 5.5.1"),
    )  # fmt: skip
    cases = []
    for name, line, reply in said_no:
        replies = ["500 5.5.2"] * 4 if reply == "%LF" else [reply]
        first = (line + b"\r\n", replies[0])
        rest = [(b"", one) for one in replies[1:]]
        cases.append(session(name, first, *rest, *mail(), *data(FINE), stored={"%R": FINE}))
    in_transaction = (
        command("MAIL FROM:<b@b.example>", "503 5.5.1"),
        command("RCPT TO:<jörg@example.com>", "553 5.6.7"),
        command("RCPT TO:<x@example.com> ORCPT=rfc822;a+00b", "501 5.5.4"),
        command("RCPT TO:<x@example.com> ORCPT=rfc822;a+0Db", "501 5.5.4"),
        command("RCPT TO:<x@example.com> NOTIFY=NEVER,DELAY", "501 5.5.4"),
        command("RCPT TO:<x@example.com> SIZE=1", "555 5.5.4"),
        command("XCLIENT ADDR=192.0.2.1", "550 5.7.0"),
    )
    cases += [
        session("12 in a transaction", *mail(), *in_transaction, *data(FINE), stored={"%R": FINE}),
        session("12 no RCPT", mail()[0], DATA_NEEDS_MAIL, chunk(b"abc", "503 5.5.1")),
        Case("12 no EHLO", (command("MAIL FROM:<a@b.example>", "503 5.5.1"), BYE)),
        session(
            "12 none is valid",
            mail()[0],
            command("RCPT TO:<x@evil.example>", "550 5.7.1"),
            command("DATA", "554 5.5.1"),
            chunk(SMUGGLED, "554 5.5.1"),
            chunk(SMUGGLED, "551 5.0.0", last=True),
        ),
        cut_off("7 endless", (b"x" * 300_000, "500 5.5.2"), after=SMUGGLED),
        cut_off("26 errors", *[command("XYZZY", "500 5.5.2")] * 19, command("XYZZY", "421 4.7.0"),
                after=b"NOOP\r\n" * 50),
        cut_off("26 junk", *[command("NOOP", "250 2.0.0")] * 118, command("RSET", "421 4.7.0"),
                after=b"NOOP\r\n" * 50),
    ]  # fmt: skip
    for line in ("GET / HTTP/1.1", "POST /x HTTP/1.0", "Host: x.example", "CONNECT x:25 HTTP/1.1"):
        goodbye, rest = command(line, "221 2.7.0"), (b"\r\nDATA\r\n" + SMUGGLED, "")
        cases.append(Case(f"27 {line}", (EHLO, *mail(), goodbye, rest)))
        cases.append(Case(f"27 {line} first", (goodbye, rest)))
    return cases


def resets() -> list[Case]:
    """Rows 16 and 22, and that a new transaction starts from nothing."""
    cases = []
    rcpt = command("RCPT TO:<%R@example.com>", "503 5.5.1")
    for name, line, reply in (
        ("EHLO", "EHLO again.example", "250"),
        ("HELO", "HELO again.example", "250"),
        ("RSET", "RSET", "250 2.0.0"),
    ):
        for last in (rcpt, DATA_NEEDS_MAIL, CHUNK_NEEDS_MAIL):
            cases.append(session(f"22 {name}", *mail(), command(line, reply), last))
            begun = (*mail(), chunk(SMUGGLED), command(line, reply), last)
            cases.append(session(f"22 {name} in chunks", *begun))
    many = [command(f"RCPT TO:<%R-{n}@example.com>", "250 2.1.5") for n in range(99)]
    more = [command(f"RCPT TO:<%R-more{n}@example.com>", "452 4.5.3") for n in range(20)]
    stored = {"%R": FINE} | {f"%R-{n}": FINE for n in range(99)}
    steps = (*mail(), *many, *more, *data(FINE))
    cases.append(session("16 recipients", *steps, stored=stored, ways=("whole", "pieces")))
    return cases


def chunks() -> list[Case]:
    """Rows 17 to 20."""
    half, rest = FINE[:9], FINE[9:]
    cases = [
        session(
            "17 other commands between chunks",
            *mail(),
            chunk(half),
            command("DATA", "503 5.5.1"),
            command("RCPT TO:<evil@example.com>", "503 5.5.1"),
            command("MAIL FROM:<evil@evil.example>", "503 5.5.1"),
            command("NOOP", "250 2.0.0"),
            chunk(rest),
            chunk(b"", last=True),
            DATA_NEEDS_MAIL,
            stored={"%R": FINE},
        ),
        session("17 commands in a chunk", *mail(), chunk(SMUGGLED), chunk(b"\r\n.\r\n" + SMUGGLED),
                chunk(BYE[0], last=True),
                stored={"%R": SMUGGLED + b"\r\n.\r\n" + SMUGGLED + BYE[0]}),
        session("17 CRLF over two chunks", *mail(), chunk(HEAD + b"a\r"), chunk(b"\n.\r"),
                chunk(b"\n", last=True), stored={"%R": HEAD + b"a\r\n.\r\n"}),
        session("17 a CR at the end", *mail(), chunk(HEAD + b"a\r"), chunk(b"", last=True),
                stored={"%R": HEAD + b"a\r\n"}),
        session("17 binary", *mail(parameters="BODY=BINARYMIME"), chunk(HEAD + b"a\r"),
                chunk(b"\0\n\r.\xff", last=True), stored={"%R": HEAD + b"a\r\0\n\r.\xff"}),
        session("17 binary and DATA", *mail(parameters="BODY=BINARYMIME"),
                command("DATA", "503 5.5.1"), chunk(FINE, last=True), stored={"%R": FINE}),
        session("19 no MAIL", chunk(SMUGGLED, "503 5.5.1"), chunk(SMUGGLED, "551 5.0.0"),
                *mail("%R"), *data(FINE), stored={"%R": FINE}),
        session("19 no RCPT", mail()[0], chunk(SMUGGLED, "503 5.5.1", last=True),
                command("RCPT TO:<%R@example.com>", "503 5.5.1"), DATA_NEEDS_MAIL),
        session("19 after a failure", *mail(), chunk(b"x" * (MESSAGE_SIZE + 1), "552 5.3.4"),
                chunk(SMUGGLED, "551 5.0.0"), DATA_NEEDS_MAIL, chunk(SMUGGLED, "551 5.0.0"),
                command("RCPT TO:<evil@example.com>", "503 5.5.1"),
                chunk(SMUGGLED, "551 5.0.0", last=True), CHUNK_NEEDS_MAIL),
        session("19 RSET after a failure", *mail(), chunk(b"", "551 5.7.1"),
                command("RSET", "250 2.0.0"), CHUNK_NEEDS_MAIL, *mail("%R-next"),
                chunk(FINE, last=True), stored={"%R-next": FINE}),
        session("20 an empty chunk", *mail(), chunk(half), chunk(b"", "551 5.7.1"),
                chunk(rest, "551 5.0.0", last=True), DATA_NEEDS_MAIL),
        cut_off("20 empty chunks", *mail(), chunk(b"", "551 5.7.1"),
                *[chunk(b"", "551 5.0.0")] * 18, chunk(b"", "421 4.7.0"), after=b"BDAT 0\r\n" * 50),
        # EHLO, MAIL and RCPT are commands, too.
        cut_off("20 tiny chunks", *mail(), *[chunk(b"x")] * 1997, chunk(b"x", "421 4.7.0"),
                after=b"BDAT 1\r\nx" * 500, ways=("whole", "pieces")),
    ]  # fmt: skip
    for count in ("", " ", "abc", "-1", "+1", "1 FIRST", "1LAST", "0x10", "18446744073709551616",
                  "1 LAST LAST", "5;", "\x005", "1e3", "１"):  # fmt: skip
        line = (f"BDAT {count}\r\n".encode(), "521 5.5.4")
        cases.append(cut_off(f"18 BDAT {count!r}", *mail(), line, after=SMUGGLED))
        cases.append(cut_off(f"18 BDAT {count!r}, no MAIL", line, after=SMUGGLED))
    return cases


def relays() -> list[Case]:
    """Row 24."""
    refused = (
        ("x@evil.example", "550 5.7.1"), ("x@evil.example.", "550 5.7.1"),
        ("x@[127.0.0.1]", "550 5.7.1"), ("x@[IPv6:::1]", "550 5.7.1"),
        ("@example.com:x@evil.example", "550 5.7.1"),
        ("@evil.example,@example.com:x@evil.example", "550 5.7.1"),
        ('"x@example.com"@evil.example', "550 5.7.1"), ("x%example.com@evil.example", "550 5.7.1"),
        ("x@sub.example.com", "550 5.7.1"), ("x@notexample.com", "550 5.7.1"),
        ("x@example.com.evil.example", "550 5.7.1"), ("x@evil.example@example.com", "501 5.1.3"),
        ("x@example.com@evil.example", "501 5.1.3"), ("x", "501 5.1.3"), ("", "501 5.1.3"),
        ("@example.com", "501 5.1.3"), ("x@", "501 5.1.3"),
        ("x@example.com,y@evil.example", "501 5.1.3"),
        ("x@example..com", "501 5.1.3"), ('"x@example.com', "501 5.1.3"),
        ("x@exam ple.com", "501 5.1.3"),
        ("example.com!x", "501 5.1.3"), ("evil.example!x", "501 5.1.3"),
        ("x%evil.example@example.com", "550 5.7.1"), ("evil.example!x@example.com", "550 5.7.1"),
        ('"x@evil.example"@example.com', "550 5.7.1"),
    )  # fmt: skip
    cases = [
        session(
            f"24 {path}",
            mail()[0],
            command(f"RCPT TO:<{path}>", reply),
            command("DATA", "554 5.5.1" if reply[:3] == "550" else "503 5.5.1"),
        )
        for path, reply in refused
    ]
    # Ours, and taken for nothing but what they say.
    for path, name in (
        ("@evil.example:%R@example.com", "%R"),
        ("@evil.example,@a.example:%R@example.com", "%R"),
        ("%R@EXAMPLE.Com", "%R"),
        ("%R@example.com.", "%R@example.com."),
    ):
        steps = (mail()[0], command(f"RCPT TO:<{path}>", "250 2.1.5"), *data(FINE))
        cases.append(session(f"24 {path}", *steps, stored={name: FINE}))
    return cases


def story(lab: Lab) -> None:
    certificate, key = make_certificate(lab.directory / "tls", ["hold.example.net"])
    config = lab.config(new=lab.sink(), tls={"certificate": str(certificate), "key": str(key)})
    config["limits"] |= {
        "message_size": "128KiB", "header_size": "4KiB", "recipients": 100,
        "commands": 2000, "soft_errors": 19, "hard_errors": 20, "connections_per_client": 100,
    }  # fmt: skip
    daemon = lab.daemon(config).start()
    wanted = play_all(
        daemon.port,
        [*fake_ends(False), *bodies(), *commands(), *resets(), *chunks(), *relays()],
    )
    strict_config = lab.config(new=None, bare_newlines="reject", name="strict")
    strict = lab.daemon(strict_config, "strict").start()
    check(strict, play_all(strict.port, fake_ends(True)))
    check(daemon, wanted)


def check(daemon: Daemon, wanted: dict[str, bytes]) -> None:
    """Exactly these messages, and a daemon in good health that goes when it is told to."""
    rows = {row["recipient"].lower(): row["message"] for row in daemon.rows()}
    wanted = {name.lower(): octets for name, octets in wanted.items()}
    assert len(rows) == len(daemon.rows()), "a recipient has more than one message"
    assert rows.keys() == wanted.keys(), sorted(rows.keys() ^ wanted.keys())
    seen: dict[str, bytes] = {}
    for name, message in rows.items():
        octets = seen.setdefault(message, daemon.octets_of(message, trace=False))
        assert octets == wanted[name], f"{name}: {octets[:300]!r} instead of {wanted[name][:300]!r}"
    daemon.assert_balanced(accepted=len(wanted), held=len(wanted))
    assert daemon.stop() == 0, daemon.log()
    for word in ("AddressSanitizer", "runtime error", "LeakSanitizer"):
        assert word not in daemon.log(), daemon.log()


run(story)
