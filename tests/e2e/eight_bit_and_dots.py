"""Octets that mail programs like to touch arrive as they were sent."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from sample_mail import assert_relayed, message
from siding_lab import Lab, run
from smtp_client import SmtpClient, dot_stuff, normalize_newlines

HEAD = b"Subject: octets\r\n\r\n"
EXACT = {
    "dots": HEAD + b".\r\n..\r\n...\r\n.a\r\n. \r\n\r\n.\r\n",
    "leading-dot-first": b".From: odd\r\n" + HEAD,
    "eight-bit": HEAD + bytes(range(128, 256)) + b"\r\n" + "Grüße, 世界\r\n".encode(),
    "controls": HEAD + bytes(set(range(256)) - {10, 13}) + b"\r\n",
    "long-lines": HEAD + b"x" * 10_000 + b"\r\n" + b"." * 10_000 + b"\r\n",
    "empty": b"",
    "empty-body": b"Subject: nothing\r\n\r\n",
    "no-header": b"\r\nbody only\r\n",
    "headers-only": b"Subject: no empty line\r\n",
    "not-mail": b"this is not a header\r\nnor this\r\n",
    "blank-lines": HEAD + b"\r\n" * 50,
    "trailing-space": HEAD + b"a  \r\n\t\r\n  b\t\r\n",
    "looks-like-smtp": HEAD + b"QUIT\r\nRSET\r\nMAIL FROM:<a@b>\r\n.\r\nDATA\r\n",
    "mbox": HEAD + b"From here on\r\n>From there\r\n",
}  # fmt: skip
# Not dot-stuffed: what stands on the wire between DATA and the final dot. Only CRLF ends a line, so
# none of these ends the data, and the daemon makes each bare CR or LF a CRLF.
BARE = {
    "lf": HEAD + b"a\nb\n\nc\r\n",
    "cr": HEAD + b"a\rb\r\rc\r\n",
    "cr-crlf": HEAD + b"a\r\r\nb\r\n",
    "lf-dot-lf": HEAD + b"a\n.\nb\r\n",
    "lf-dot-crlf": HEAD + b"a\n.\r\nb\r\n",
    "crlf-dot-lf": HEAD + b"a\r\n.\nb\r\n",
    "cr-dot-cr": HEAD + b"a\r.\rb\r\n",
    "crlf-dot-cr": HEAD + b"a\r\n.\rb\r\n",
    "nul-dot": HEAD + b"a\r\n\0.\r\nb\r\n",
}


def expected_of(wire: bytes) -> bytes:
    """RFC 5321 §4.5.2 on lines that CRLF ends, then bare CR and LF made CRLF."""
    unstuffed = (b"\r\n" + wire).replace(b"\r\n.", b"\r\n")[2:]
    return normalize_newlines(unstuffed)


def story(lab: Lab) -> None:
    new = lab.sink()
    daemon = lab.daemon(lab.config(new=new)).start()
    wanted: dict[str, bytes] = {}
    with SmtpClient(daemon.port) as client:
        client.ehlo()
        for number, (name, octets) in enumerate(EXACT.items()):
            recipient = f"{name}@example.com"
            assert client.mail("", "BODY=8BITMIME").code == 250
            assert client.rcpt(recipient).code == 250
            assert client.command("DATA").code == 354
            longest = 3 if len(octets) < 999 else 997
            client.send_in_pieces(dot_stuff(octets), number, longest)
            reply = client.read_reply()
            assert reply.code == 250, f"{name}: {reply}"
            wanted[recipient] = octets
        for name, wire in BARE.items():
            recipient = f"bare-{name}@example.com"
            assert client.mail("").code == 250 and client.rcpt(recipient).code == 250
            assert client.command("DATA").code == 354
            client.send(wire + b".\r\n")
            reply = client.read_reply()
            assert reply.code == 250, f"{name}: {reply}"
            wanted[recipient] = expected_of(wire)
        # In one packet, and the next message right behind it.
        octets = message("pipelined")
        client.send(b"MAIL FROM:<>\r\nRCPT TO:<p1@example.com>\r\nDATA\r\n")
        assert [client.read_reply().code for _ in range(3)] == [250, 250, 354]
        client.send(dot_stuff(octets) + b"MAIL FROM:<>\r\nRCPT TO:<p2@example.com>\r\nDATA\r\n")
        assert [client.read_reply().code for _ in range(4)] == [250, 250, 250, 354]
        client.send(dot_stuff(octets) + b"QUIT\r\n")
        assert [client.read_reply().code for _ in range(2)] == [250, 221]
        wanted |= {"p1@example.com": octets, "p2@example.com": octets}

    # What the API hands out is what will leave.
    for row in daemon.rows():
        assert daemon.octets_of(row["message"], trace=False) == wanted[row["recipient"]], row
    daemon.kill()
    daemon.start()
    daemon.release()
    for recipient, octets in wanted.items():
        (delivery,) = new.of(recipient)
        assert_relayed(delivery.octets, octets)
        assert delivery.sender == "" and delivery.recipients == [recipient]
        if recipient.split("@")[0] in EXACT:
            assert "BODY=8BITMIME" in delivery.mail_parameters, delivery.mail_parameters
    daemon.assert_balanced(accepted=len(wanted), delivered=len(wanted))


run(story)
