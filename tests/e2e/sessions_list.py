"""Who is connected and what they did: the list, the metrics, the refusals in the ledger."""

import json
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from hostile import Wire, assert_replies
from sample_mail import message
from siding_lab import Daemon, Lab, run, wait_until
from smtp_client import SmtpClient
from test_certificates import make_certificate
from tls_client import starttls, tls_context

VERBS = "EHLO HELO MAIL RCPT DATA BDAT STARTTLS QUIT VRFY AUTH other".split()
CODES = "220 221 250 252 354 421 450 452 500 501 502 503 530 550 552 554".split()


class Metrics:
    """One look at /metrics."""

    def __init__(self, daemon: Daemon):
        self.text = daemon.request("GET", "/metrics")[1].decode()

    def value(self, name: str, **labels: str) -> float:
        """The sum over all series that have these labels."""
        total = 0.0
        for found in re.finditer(rf"^{name}(?:{{(.*)}})? (\S+)$", self.text, re.M):
            has = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', found.group(1) or ""))
            if labels.items() <= has.items():
                total += float(found.group(2))
        return total


def sessions(daemon: Daemon) -> list[dict]:
    return daemon.api("GET", "/v1/sessions")["sessions"]


def wait_states(daemon: Daemon, *states: str) -> list[dict]:
    def fits() -> bool:
        listed[:] = sessions(daemon)
        return [one["state"] for one in listed] == list(states)

    listed: list[dict] = []
    wait_until(fits, f"sessions in {states}", 10)
    return listed


def lists(daemon: Daemon, plain: int) -> None:
    assert daemon.siding("sessions").ok().out == "nobody is connected\n"
    assert daemon.siding("sessions", "--json").ok().out == ""
    clients = [SmtpClient(plain, source=f"127.0.0.{n}") for n in range(2, 6)]
    clients.append(starttls(plain, tls_context(), source="127.0.0.6"))
    fresh, _, in_mail, in_data, secure = clients
    for client in clients[1:4]:
        client.ehlo(f"host-{client.socket.getsockname()[0]}.example")
    for client in (in_mail, in_data, secure):
        assert client.mail("ann@sender.example").code == 250
    for client in (in_data, secure):
        assert client.rcpt("bob@example.com").code == 250
    assert in_data.command("DATA").code == 354
    in_data.send(b"Subject: x\r\n\r\nhalf of it")
    listed = wait_states(daemon, "command", "command", "mail", "data", "rcpt")
    assert [one["peer"] for one in listed] == [
        "{}:{}".format(*client.socket.getsockname()) for client in clients
    ]
    assert [one["tls"] for one in listed] == ["", "", "", "", "TLSv1.3"], listed
    assert listed[3]["helo"] == "host-127.0.0.5.example", listed
    assert {one["listener"] for one in listed} == {f"127.0.0.1:{plain}"}
    assert len({one["id"] for one in listed}) == 5 and all(one["proxy"] == "" for one in listed)

    table = daemon.siding("sessions").ok().out.splitlines()
    assert len(table) == 6, table
    assert table[0].split() == ["PEER", "STATE", "HELO", "TLS", "FOR", "MAIL", "SIZE"], table
    row = r"127\.0\.0\.6:\d+ +rcpt +client\.example +TLSv1\.3 +\d+m?s +0 +0 B$"
    assert re.match(row, table[5]), table[5]
    lines = daemon.siding("sessions", "--json").ok().out.splitlines()
    assert [json.loads(line)["id"] for line in lines] == [one["id"] for one in listed], lines

    in_data.send(b"\r\n.\r\n")
    assert in_data.read_reply().code == 250
    assert secure.data(message()).code == 250
    listed = wait_states(daemon, "command", "command", "mail", "command", "command")
    assert [one["messages"] for one in listed] == [0, 0, 0, 1, 1], listed
    assert listed[3]["octets"] == len(b"Subject: x\r\n\r\nhalf of it\r\n"), listed
    fresh.close()  # gone without a word
    for client in clients[1:]:
        client.quit()
    wait_states(daemon)


def look(daemon: Daemon, port: int) -> dict[str, float]:
    """All that is counted of one listener."""
    metrics, listener = Metrics(daemon), f"127.0.0.1:{port}"

    def count(name: str, **labels: str) -> float:
        return metrics.value(f"siding_smtpd_{name}_total", listener=listener, **labels)

    seen = {name: count(name) for name in ("connections", "messages", "octets", "tls_failures")}
    seen |= {verb: count("commands", verb=verb) for verb in VERBS}
    seen |= {code: count("replies", code=code) for code in CODES}
    for version in ("TLSv1.2", "TLSv1.3"):
        seen[version] = count("tls_handshakes", version=version)
    seen["550 5.1.1"] = count("replies", code="550", reason="5.1.1")
    for reason in re.findall(r'refused_total{.*reason="(\w+)"', metrics.text):
        seen[f"refused {reason}"] = count("refused", reason=reason)
    return seen


def counts(daemon: Daemon, plain: int, strict: int) -> set[str]:
    """Plays known sessions on two listeners; what was refused."""
    before, before_strict = look(daemon, plain), look(daemon, strict)
    body = b"Subject: x\r\n\r\nhello\r\n"
    with Wire(plain) as wire:
        wire.wait_replies(1)
        wire.send(
            b"HELO x\r\nEHLO x\r\nFOO\r\nVRFY x\r\nAUTH PLAIN\r\nRCPT TO:<a@example.com>\r\n"
            b"MAIL FROM:<a@b.example>\r\nRCPT TO:<a@example.com>\r\nRCPT TO:<b@evil.example>\r\n"
            b"RCPT TO:<nobody@known.example>\r\nDATA\r\n" + body + b".\r\n"
            b"MAIL FROM:<a@b.example>\r\nRCPT TO:<a@example.com>\r\n"
            + b"BDAT %d\r\n" % len(body) + body +
            b"BDAT 0 LAST\r\nMAIL FROM:<a@b.example> SIZE=99999999\r\nQUIT\r\n"
        )  # fmt: skip
        wire.replies()
    for minimum in ("TLSv1_2", "TLSv1_3"):
        context = tls_context()
        if minimum == "TLSv1_2":
            context.maximum_version = getattr(type(context.maximum_version), minimum)
        starttls(plain, context).quit()
    with Wire(plain) as wire:
        wire.wait_replies(1)
        wire.say(b"STARTTLS")
        wire.send(b"this is no handshake\r\n" * 10)
        wire.half_close()
        while wire._more():
            pass
    with Wire(strict) as wire:
        wire.wait_replies(1)
        wire.send(b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nGET / HTTP/1.1\r\n")
        assert_replies(wire.replies(), "220", "250", "530 5.7.0", "221 2.7.0")
    wait_states(daemon)

    def grown(after: dict[str, float], since: dict[str, float]) -> dict[str, float]:
        more = {key: after[key] - since.get(key, 0) for key in after}
        return {key: value for key, value in more.items() if value}

    expected = {
        "connections": 4, "messages": 2, "octets": 2 * len(body),
        "tls_failures": 1, "TLSv1.2": 1, "TLSv1.3": 1,
        "HELO": 1, "EHLO": 5, "MAIL": 3, "RCPT": 5, "DATA": 1, "BDAT": 2, "STARTTLS": 3, "QUIT": 3,
        "VRFY": 1,
        "AUTH": 1, "other": 1,
        "220": 7, "221": 3, "250": 13, "252": 1, "354": 1, "500": 1, "502": 1, "503": 1, "550": 2,
        "552": 1,
        "550 5.1.1": 1, "refused relay_denied": 1, "refused unknown_recipient": 1,
        "refused too_large": 1,
        "refused protocol_error": 3,
    }  # fmt: skip
    found = grown(look(daemon, plain), before)
    wanted = {key: value for key, value in expected.items() if value}
    assert found == wanted, "".join(
        f"\n{key}: {found.get(key)} instead of {wanted.get(key)}"
        for key in found.keys() | wanted.keys() if found.get(key) != wanted.get(key)
    )  # fmt: skip
    found = grown(look(daemon, strict), before_strict)
    assert found == {
        "connections": 1, "EHLO": 1, "MAIL": 1, "other": 1, "220": 1, "221": 1, "250": 1, "530": 1,
        "refused tls_required": 1,
    }, found  # fmt: skip
    metrics = Metrics(daemon)
    assert metrics.value("siding_smtpd_sessions") == 0
    at = f"127.0.0.1:{plain}"
    assert metrics.value("siding_smtpd_end_of_data_seconds_count", listener=at) == 4
    assert metrics.value("siding_smtpd_stage_seconds_count", stage="commit") == 4
    return {key for key in expected if key.startswith("refused ")} | {"refused tls_required"}


def story(lab: Lab) -> None:
    certificate, key = make_certificate(lab.directory / "tls", ["hold.example.net"])
    (lab.directory / "known.txt").write_text("joe@known.example\n")
    known = {"phase": "hold", "recipients": {"file": "known.txt"}}
    address = {"address": "127.0.0.1:0"}
    config = lab.config(
        new=None,
        domains={"example.com": {"phase": "hold"}, "known.example": known},
        tls={"certificate": str(certificate), "key": str(key)},
        listeners=[address, address | {"tls_required": True, "tls": "starttls"}],
    )
    daemon = lab.daemon(config).start()
    # What a restart alone adds to the ledger.
    first = daemon.audit()["ledger_entries"]
    daemon.restart()
    each_start = daemon.audit()["ledger_entries"] - first

    plain, strict = daemon.ports()
    lists(daemon, plain)
    classes = counts(daemon, plain, strict)
    before = daemon.audit()["ledger_entries"]
    assert daemon.stop() == 0, daemon.log()
    # One line for each class, however often, and none is lost by the end of the process.
    daemon.start()
    added = daemon.audit()["ledger_entries"] - before - each_start
    assert added == len(classes), f"{added} lines for {len(classes)} classes"
    daemon.assert_balanced(accepted=4, held=4)
    assert daemon.stop() == 0, daemon.log()


run(story)
