"""nmap's SMTP scripts: no form of relaying is taken, nobody's name is told, all is understood."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from siding_lab import Daemon, Lab, program, run
from smtp_client import SmtpClient

SCRIPTS = ("+smtp-open-relay", "smtp-commands", "+smtp-enum-users", "smtp-strangeport")
EHLO = (
    "hold.example.net, PIPELINING, SIZE 52428800, ENHANCEDSTATUSCODES, 8BITMIME, SMTPUTF8,"
    " CHUNKING, BINARYMIME, DSN, LIMITS MAILMAX=1666 RCPTMAX=1000"
)
# What the script's sixteen do not try: the same by way of a domain that is ours, where any
# recipient is taken. The server behind it trusts us and might go on with what is left.
ROUTED = (
    "x%other.example@example.com",
    "x%other.example%third.example@example.com",
    "other.example!x@example.com",
    "third.example!other.example!x@example.com",
    '"x@other.example"@example.com',
    '"x%other.example"@example.com',
    '"other.example!x"@example.com',
    "@example.com:x@other.example",
    "@example.com,@other.example:x@other.example",
    "@other.example:x%other.example@example.com",
    "x@example.com@other.example",
    "x@other.example@example.com",
    "x@other.example,x@example.com",
    "x@[127.0.0.1]",
    "x@[IPv6:::1]",
    "x%other.example@[127.0.0.1]",
    "x@hold.example.net",
    "x%other.example@hold.example.net",
    "x@other.example.",
    "x@sub.example.com",
    "x@notexample.com",
    "x@com",
    "x",
    "x%other.example",
    "other.example!x",
)


def story(lab: Lab) -> None:
    program("nmap")
    users = lab.directory / "users"
    users.write_text("bob\nroot\nadmin\n")
    known = lab.directory / "known"
    known.write_text("bob@listed.example\nodd%name@listed.example\n")
    domains = {
        "example.com": {"phase": "hold"},
        "listed.example": {"phase": "hold", "recipients": {"file": str(known)}},
    }
    daemon = lab.daemon(lab.config(domains=domains)).start()
    # Names the service of our port, so that nmap need not find it out (ten seconds of probes).
    services = lab.directory / "services"
    services.write_text(f"smtp {daemon.port}/tcp 1.0\n")

    def scan(*arguments: str) -> str:
        done = lab.run(
            "nmap", "-n", "-Pn", "-sT", "-vv", "--servicedb", str(services),
            *arguments, "127.0.0.1",
        )  # fmt: skip
        assert done.code == 0, done.err
        return done.out

    names = f"userdb={users},smtp-enum-users.domain=listed.example"
    args = f"{names},smtp-enum-users.methods={{VRFY,EXPN}},smtp-open-relay.domain=other.example"
    out = scan("--script", ",".join(SCRIPTS), "--script-args", args)
    assert "smtp-open-relay: Server doesn't seem to be an open relay, all tests failed" in out, out
    assert f"smtp-commands: {EHLO}" in out, out
    assert "smtp-strangeport: Mail server on unusual port" in out, out
    found = out.partition("smtp-enum-users:")[2].partition("\n\n")[0]
    assert found and not any(f"  {name}\n" in found for name in ("bob", "root", "admin")), out
    refuses_routes(daemon)
    assert daemon.rows() == []
    daemon.assert_balanced(accepted=0)


def refuses_routes(daemon: Daemon) -> None:
    for recipient in ROUTED:
        with SmtpClient(daemon.port) as client:
            client.ehlo()
            client.mail("x@other.example")
            reply = client.rcpt(recipient)
            assert reply.code in (501, 550), f"{recipient}: {reply}"
            assert client.command("DATA").code in (503, 554), recipient
            client.quit()
    with SmtpClient(daemon.port) as client:
        client.ehlo()
        client.mail("")
        # A source route is left out (RFC 5321 §4.1.1.3); what a file lists is a mailbox.
        for recipient in ("@other.example:x@example.com", "odd%name@listed.example", "Postmaster"):
            reply = client.rcpt(recipient)
            assert reply.code == 250, f"{recipient}: {reply}"
        for recipient in (
            "even%name@listed.example", "x@listed.example", "bob+x%other.example@listed.example"
        ):  # fmt: skip
            assert client.rcpt(recipient).code == 550, recipient
        client.quit()


run(story)
