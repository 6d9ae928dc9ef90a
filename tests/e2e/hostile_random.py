"""Valid sessions, mutated and cut at random: what was answered 250 is there, and nothing else is.

    hostile_random.py --sessions 1200 --seed 1

Session n of a seed is always the same, and a failure names it: --only n plays it alone.
"""

import argparse
import pathlib
import random
import re
import sys
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from hostile import SMUGGLED, Wire, proxy_v1, proxy_v2
from siding_lab import Daemon, Lab, run
from test_certificates import make_certificate

TOKENS = (
    b"\r\n.\r\n", b"\n.\n", b"\r.\r", b"\r\n", b"\n", b"\r", b"\0", b".", b"..\r\n", b"\xff\xfe",
    b"\xc3\xa4",
    b"RSET\r\n", b"DATA\r\n", b"QUIT\r\n", b"STARTTLS\r\n", b"BDAT 5\r\nabcde", b"BDAT 0 LAST\r\n",
    b"BDAT 4294967296\r\n", b"BDAT 99999999999999999999 LAST\r\n", b"EHLO y\r\n", b"HELO y\r\n",
    b"NOOP\r\n",
    b"MAIL FROM:<>\r\n", b"RCPT TO:<evil@example.com>\r\n", b"RCPT TO:<x@evil.example>\r\n",
    SMUGGLED,
    b" SMTPUTF8", b" BODY=BINARYMIME", b" SIZE=18446744073709551615", b" ENVID=+00", b"+", b"%",
    b'"', b"<", b">",
    b"@", b":", b" " * 300, b"x" * 5000, b"XCLIENT ADDR=[UNAVAILABLE] NAME=+0D+0A\r\n",
    b"VRFY x\r\n",
    b"XCLIENT ADDR=IPV6:::1 HELO=y PROTO=SMTP\r\n", b"Received: x\r\n" * 60,
    b"\x16\x03\x01\x00\x05hello",
    proxy_v1("192.0.2.1"), proxy_v2("2001:db8::1"), proxy_v2(command=0),
)  # fmt: skip
BODIES = (
    b"", b"Subject: x\r\n\r\nhello\r\n", b"Subject: x\r\n\r\n..\r\n.dot\r\n", b"no header\r\n",
    b"\r\n\r\n",
    b"X: " + b"y" * 3000 + b"\r\n\r\nz\r\n", b"Subject: x\r\n\r\n" + b"w" * 70_000 + b"\r\n",
    b"a\0b\xff\r\n",
    b"Subject: x\r\n\r\na\rb\nc\r\r\n.\n.\r\n",
    b"Message-ID: <\x1b[2J\xc2\x9b31m\x07\xff=1+1@x>\r\nMessage-ID: <2@x>\r\n\r\n",
)  # fmt: skip
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
PARAMETERS = (
    b"", b" BODY=8BITMIME", b" SMTPUTF8", b" SIZE=1000 BODY=8BITMIME", b" RET=FULL ENVID=a+2Bb",
    b" BODY=BINARYMIME",
)  # fmt: skip


def transaction(draw: random.Random) -> bytes:
    out = b"MAIL FROM:<ann@sender.example>" + draw.choice(PARAMETERS) + b"\r\n"
    for number in range(draw.choice((1, 1, 2, 5))):
        out += b"RCPT TO:<r%d@example.com>%s\r\n" % (number, draw.choice((b"", b" NOTIFY=NEVER")))
    body = draw.choice(BODIES)
    if draw.random() < 0.5:
        return out + b"DATA\r\n" + (b"\r\n" + body).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"
    at = draw.randint(0, len(body))
    if at:
        out += b"BDAT %d\r\n" % at + body[:at]
    return out + b"BDAT %d LAST\r\n" % (len(body) - at) + body[at:]


def valid_session(draw: random.Random) -> bytes:
    hello = draw.choice((b"EHLO client.example\r\n", b"EHLO [127.0.0.1]\r\n", b"HELO x\r\n"))
    headers = (proxy_v1("192.0.2.7"), proxy_v2("2001:db8::7"), proxy_v2(command=0))
    front = draw.choice((b"", b"", *headers))
    many = b"".join(transaction(draw) for _ in range(draw.choice((1, 1, 2, 4))))
    return front + hello + many + b"QUIT\r\n"


def mutate(draw: random.Random, octets: bytes) -> bytes:
    for _ in range(draw.choice((0, 1, 1, 2, 3, 8))):
        at = draw.randint(0, len(octets))
        # Most of a session is body, most of what can go wrong is not.
        lines = [found.end() for found in re.finditer(rb"\r\n", octets[:4000])] or [0]
        at = draw.choice((at, draw.choice(lines), max(0, draw.choice(lines) - draw.randint(0, 12))))
        end = at + draw.choice((1, 1, 2, 10, 100))
        piece = octets[at:end]
        kind = draw.randrange(7)
        if kind == 0:
            octets = octets[:at] + draw.choice(TOKENS) + octets[at:]
        elif kind == 1:
            octets = octets[:at] + draw.choice(TOKENS) + octets[end:]
        elif kind == 2:
            octets = octets[:at] + octets[end:]
        elif kind == 3:
            octets = octets[:at] + piece * draw.choice((2, 3, 50)) + octets[end:]
        elif kind == 4:
            octets = octets[:at] + bytes(b ^ (1 << draw.randrange(8)) for b in piece) + octets[end:]
        elif kind == 5:
            octets = octets[:at]
        else:
            octets = octets[:at] + draw.randbytes(draw.choice((1, 3, 200))) + octets[end:]
    return octets


def play(ports: list[int], seed: int, number: int) -> set[str]:
    """The ids of the messages that were answered 250."""
    draw = random.Random(f"{seed}/{number}")
    octets = mutate(draw, valid_session(draw))
    # What has a PROXY header in front goes mostly to where one is taken.
    behind_proxy = octets.startswith((b"PROXY", b"\r\n\r\n\0")) != (draw.random() < 0.1)
    port = ports[2] if behind_proxy else draw.choice(ports[:2])
    try:
        with Wire(port) as wire:
            if draw.random() < 0.9 and not behind_proxy:
                wire.wait_replies(1)
            longest = draw.choice((1, 7, 100, 100_000) if len(octets) < 3000 else (500, 100_000))
            wire.send_in_pieces(octets, lambda: draw.randint(1, longest))
            wire.half_close()
            said = [reply for reply in wire.replies() if " queued as " in reply]
            return {reply.rsplit(" ", 1)[1] for reply in said}
    except BaseException as failure:
        what = f"session {number} of seed {seed}: {failure!r}\n{octets[:2000]!r}"
        raise AssertionError(what) from failure


def story(lab: Lab) -> None:
    certificate, key = make_certificate(lab.directory / "tls", ["hold.example.net"])
    loopback = {"networks": ["127.0.0.0/8"]}
    address = {"address": "127.0.0.1:0"}
    config = lab.config(
        new=None,
        tls={"certificate": str(certificate), "key": str(key)},
        listeners=[
            address,
            address | {"xclient": loopback},
            address | {"proxy_protocol": loopback},
        ],
        timeouts={"greeting": "2s", "command": "5s", "data": "5s"},
        early_talkers="log",
    )
    config["limits"] |= {"message_size": "64KiB", "soft_errors": 19, "hard_errors": 20}
    daemon = lab.daemon(config).start()
    ports = daemon.ports()
    numbers = [options.only] if options.only is not None else range(options.sessions)
    with ThreadPoolExecutor(8) as pool:
        played = [pool.submit(play, ports, options.seed, number) for number in numbers]
        answered = set().union(*(one.result() for one in played))
    rows = daemon.rows()
    stored = {row["message"] for row in rows}
    assert stored == answered, f"250 and not there: {answered - stored}; there: {stored - answered}"
    names = {row["recipient"].lower().rstrip(".") for row in rows} - {"postmaster"}
    assert all(name.endswith("@example.com") for name in names), names
    bare = 0
    for message in stored:
        octets = daemon.octets_of(message)
        rest = octets.replace(b"\r\n", b"")
        if b"\r" in rest or b"\n" in rest:
            parameters = str(daemon.api("GET", f"/v1/messages/{message}"))
            assert "BINARYMIME" in parameters.upper(), f"{message}: a lone CR: {octets[:500]!r}"
            bare += 1
    print(f"{len(played)} sessions, {len(stored)} messages, {bare} of them with a lone CR or LF")
    assert options.only is not None or len(stored) > len(played) // 4, "hardly any gets through"
    speaks_plainly(daemon, sorted(stored)[:: max(1, len(stored) // 8)])
    daemon.assert_balanced(accepted=len(rows), held=len(rows))
    assert daemon.api("GET", "/v1/sessions")["sessions"] == []
    assert daemon.stop() == 0, daemon.log()
    assert "Sanitizer" not in daemon.log() and "runtime error" not in daemon.log(), daemon.log()


def speaks_plainly(daemon: Daemon, messages: list[str]) -> None:
    """Nothing that a stranger sent commands a terminal, from the log or the command line."""
    shown = [daemon.log(), daemon.siding("queue", "list").ok().out]
    for message in messages:
        shown.append(daemon.siding("queue", "show", message).ok().out)
        shown.append(daemon.siding("trace", message).ok().out)
    for text in shown:
        found = CONTROL.search(text)
        assert not found, repr(text[max(0, found.start() - 100) : found.end()])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int)
    options = parser.parse_args()
    run(story)
