"""OpenSMTPD as the new server: all octets arrive, whom it refuses is parked, its limits are kept."""

import pathlib
import random
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from opensmtpd_lab import OpenSmtpd
from sample_mail import TRACE_HEADER, message, random_message
from siding_lab import Lab, run, wait_until
from smtp_client import SmtpClient

COUNT = 130  # it takes 100 messages in one session

# Lines end with LF in its maildirs.
CONFIG = """
listen on 127.0.0.1 port {listen}
table users { "@example.com" = "opensmtpd" }
action "box" maildir "{box}/%{rcpt.user}" virtual <users>
match from any for rcpt-to "gone@example.com" reject
match from any for domain "example.com" action "box"
"""


def make_mails() -> dict[str, bytes]:
    draw = random.Random(17)
    mails = {
        "empty": message("empty", b""),
        "dots": message("dots", b".\r\n..\r\n.a\r\n...\r\n\r\n.\r\n"),
        "long": message("long", b"x" * 998 + b"\r\n" + b"." * 20_000 + b"\r\n"),
        "eight": message("eight", "Grüße, 世界\r\n".encode() + bytes(range(128, 256)) + b"\r\n"),
    }
    for size in (1000, 30_000, 300_000, 3_000_000):
        # It cuts lines at a NUL.
        octets = random_message(draw, "", size).replace(b"\0", b"~")
        mails[f"size{size}"] = message(str(size), octets)
    return mails


def story(lab: Lab) -> None:
    box = lab.directory / "box"
    box.mkdir()
    box.chmod(0o777)
    opensmtpd = OpenSmtpd(lab, CONFIG.replace("{box}", str(box))).start()
    config = lab.config(new=f"127.0.0.1:{opensmtpd.port}")
    config["servers"]["new"] = {"address": f"127.0.0.1:{opensmtpd.port}", "connections": 1}
    daemon = lab.daemon(config).start()
    mails = make_mails()
    both = message("both")
    with SmtpClient(daemon.port) as client:
        client.ehlo()
        for name, octets in mails.items():
            reply = client.transact("ann@sender.example", [f"{name}@example.com"], octets)
            assert reply.code == 250, f"{name}: {reply}"
        to = [f"{who}@example.com" for who in ("first", "gone", "second")]
        assert client.transact("ann@sender.example", to, both).code == 250
        for number in range(COUNT):
            many = message(f"many {number}")
            assert client.transact("", ["many@example.com"], many).code == 250
    daemon.siding("release", "--to", "new").ok()

    def count(name: str = "*") -> int:
        return len(list(box.glob(f"{name}/new/*")))

    wanted = len(mails) + 2 + COUNT
    wait_until(lambda: count() == wanted, "all is there", 120)
    for name, octets in {**mails, "first": both, "second": both}.items():
        (file,) = box.glob(f"{name}/new/*")
        check_arrived(file.read_bytes(), octets)
    assert count("many") == COUNT
    assert "550" in daemon.wait_state("gone@example.com", "parked")["last_reply"]
    daemon.assert_balanced(accepted=wanted + 1, delivered=wanted, parked=1)
    trace = daemon.siding("trace", "first@example.com").ok().out
    assert re.search(r"offered to new .*: accepted", trace), trace
    # One session's worth was not the end of it.
    assert opensmtpd.log().count("smtp connected") >= 2, opensmtpd.log()[-3000:]


def check_arrived(found: bytes, sent: bytes) -> None:
    """What its delivery puts in front, its Received line, ours, and the message."""
    octets = found.replace(b"\n", b"\r\n")
    assert octets.endswith(sent), (len(octets), len(sent), octets[:600])
    front = octets[: len(octets) - len(sent)]
    traces = TRACE_HEADER.findall(front)
    assert len(traces) == 2, front
    assert b"OpenSMTPD" in traces[0] and b"(Siding)" in traces[1], traces
    assert front.endswith(traces[1]), front


run(story)
