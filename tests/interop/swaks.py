"""swaks in its many ways of talking: each message arrives as swaks sent it to a plain sink."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from sample_mail import assert_relayed
from siding_lab import Lab, program, run

FIXED = (
    *("--header", "Subject: from swaks"),
    *("--header", "Date: Sat, 21 Nov 2026 14:07:30 +0000"),
    *("--header", "Message-Id: <1@swaks.example>"),
)
WAYS = {
    "plain": (),
    "helo": ("--protocol", "SMTP"),
    "pipelined": ("--pipeline",),
    "null-sender": ("--from", "<>"),
    "attachment": ("--attach", "@{mail}"),
    "eight-bit": ("--body", "Grüße, 世界"),
    "dots": ("--body", ".\\n..\\n.a\\n"),
    "long": ("--body", "z" * 20_000),
}


def story(lab: Lab) -> None:
    new, witness = lab.sink(), lab.sink()
    daemon = lab.daemon(lab.config(new=new)).start()
    mail = lab.directory / "attached.txt"
    mail.write_bytes(b"attached\n.dot\n" * 500)

    def swaks(port: int, *arguments: str):
        return lab.run(
            program("swaks"), "--server", "127.0.0.1", "--port", str(port),
            "--helo", "swaks.example", "--timeout", "30", *arguments,
        )  # fmt: skip

    sent: dict[str, bytes] = {}
    for name, arguments in WAYS.items():
        flags = [a.format(mail=mail) if a.startswith("@") else a for a in arguments]
        if "--from" not in flags:
            flags += ["--from", "ann@sender.example"]
        # A fixed boundary is not to be had: the attachment is compared with its own reading.
        flags += ["--to", f"{name}@example.com", *FIXED]
        before = len(witness.deliveries)
        assert swaks(witness.port, *flags).code == 0
        done = swaks(daemon.port, *flags)
        assert done.code == 0, f"{name}\n{done.out}{done.err}"
        sent[name] = witness.wait_for(before + 1)[before].octets

    # Several recipients, one of them refused: swaks says so and the rest is taken.
    three = "x@example.com,y@example.com,z@other.example"
    done = swaks(daemon.port, "--from", "ann@sender.example", "--to", three)
    assert "550 5.7.1" in done.out and len(daemon.rows(recipient="y@example.com")) == 1, done.out
    # Giving up in the middle leaves nothing behind.
    for stage in ("HELO", "MAIL", "RCPT"):
        to = ("--from", "a@b.example", "--to", "quit@example.com")
        swaks(daemon.port, *to, "--quit-after", stage)
    assert daemon.rows(recipient="quit@example.com") == []

    daemon.release()
    for name, octets in sent.items():
        (delivery,) = new.of(f"{name}@example.com")
        if name == "attachment":
            assert delivery.octets.count(b"Content-Transfer-Encoding: BASE64") == 1
            continue
        trace = assert_relayed(delivery.octets, octets)
        assert ("with SMTP id" if name == "helo" else "with ESMTP id") in trace, trace
    assert new.of("null-sender@example.com")[0].sender == ""
    daemon.assert_balanced(accepted=len(WAYS) + 2, delivered=len(WAYS) + 2)


run(story)
