"""Postfix sends over TLS with SMTPUTF8 and DSN: envelopes are kept word for word and passed on."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from postfix_lab import Postfix
from sample_mail import assert_relayed
from siding_lab import Daemon, Lab, run, wait_until
from test_certificates import make_ca, make_certificate

ALL = ("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "SIZE 0", "SMTPUTF8", "DSN")
TLS13 = "(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))"
EIGHT = {"BODY=8BITMIME"}
ASCII = "From: ann@sender.example\nSubject: plain\n\nplain\n"
UTF8 = "From: Jürgen <jürgen@sender.example>\nTo: ü@müller.example\nSubject: Grüße 世界\n\nHallo.\n"

# name: arguments of sendmail, recipients, message, then what Siding shall keep of it:
# sender, parameters of MAIL, parameters of each RCPT
CASES = {
    "utf8": (("-f", "ann@sender.example"), ["ü@müller.example"], UTF8,
             "ann@sender.example", EIGHT | {"SMTPUTF8"},
             ["ORCPT=utf-8;\\x{FC}@m\\x{FC}ller.example"]),
    "utf8-sender": (("-f", "jürgen@sender.example"), ["joe@example.com"], UTF8,
                    "jürgen@sender.example", EIGHT | {"SMTPUTF8"},
                    ["ORCPT=rfc822;joe@example.com"]),
    "a-label": (("-f", "ann@sender.example"), ["joe@xn--mller-kva.example"], ASCII,
                "ann@sender.example", EIGHT, ["ORCPT=rfc822;joe@xn--mller-kva.example"]),
    "dsn": (("-N", "success,delay", "-R", "hdrs", "-V", "id+7=x y", "-f", "ann@sender.example"),
            ["dsn+tag@example.com"], ASCII, "ann@sender.example",
            EIGHT | {"RET=HDRS", "ENVID=id+2B7+3Dx+20y"},
            ["NOTIFY=SUCCESS,DELAY", "ORCPT=rfc822;dsn+2Btag@example.com"]),
    "never": (("-N", "never", "-R", "full", "-f", "<>"), ["never@example.com"], ASCII,
              "", EIGHT | {"RET=FULL"}, ["NOTIFY=NEVER", "ORCPT=rfc822;never@example.com"]),
    "all": (("-N", "success,failure,delay", "-V", "batch.7/8", "-f", "ann@sender.example"),
            ["a@example.com", "b@example.com"], UTF8, "ann@sender.example",
            EIGHT | {"SMTPUTF8", "ENVID=batch.7/8"}, ["NOTIFY=SUCCESS,FAILURE,DELAY"]),
}  # fmt: skip


def story(lab: Lab) -> None:
    directory = lab.directory / "tls"
    certificate, key = make_certificate(directory, ["hold.example.net"])
    ca_file = directory / "for-postfix.pem"
    ca_file.write_bytes(make_ca(directory).read_bytes())
    new = lab.sink(extensions=ALL)
    domains = {"example.com": {"phase": "hold"}, "müller.example": {"phase": "hold"}}
    tls = {"certificate": str(certificate), "key": str(key)}
    daemon = lab.daemon(lab.config(new=new, domains=domains, tls=tls)).start()
    postfix = Postfix(
        lab,
        default_transport=f"smtp:[127.0.0.1]:{daemon.port}",
        smtputf8_enable="yes",
        smtp_tls_security_level="verify",
        smtp_tls_verify_cert_match="hold.example.net",
        smtp_tls_CAfile=str(ca_file),
        smtp_tls_loglevel="1",
    ).start()

    held: dict[str, dict] = {}
    for name, (arguments, recipients, mail, *_) in CASES.items():
        postfix.tool("sendmail", "-i", "-B8BITMIME", *arguments, *recipients, stdin=mail.encode())
        wait_until(lambda: len(daemon.rows()) == sum(
            len(CASES[done][1]) for done in [*held, name]), f"{name} is held")  # fmt: skip
        (row, *_) = [row for row in daemon.rows() if row["recipient"] == recipients[0]]
        held[name] = check_held(daemon, name, row["message"])
    assert "Verified TLS connection established to 127.0.0.1" in postfix.log(), postfix.log()
    assert "Trusted TLS" not in postfix.log() and "status=deferred" not in postfix.log()

    # What is passed on is what came, parameters and all.
    daemon.release()
    for name, (_, recipients, _, sender, *_) in CASES.items():
        for number, recipient in enumerate(recipients):
            (delivery,) = new.of(recipient)
            assert_relayed(delivery.octets, held[name]["stored"])
            assert delivery.sender == sender
            wanted = held[name]["recipients"][number]["parameters"]
            assert delivery.rcpt_parameters[recipient].split() == wanted, delivery
            assert set(held[name]["parameters"]) - size(held[name]) <= set(
                delivery.mail_parameters.split()
            ), delivery
    total = sum(len(case[1]) for case in CASES.values())
    daemon.assert_balanced(accepted=total, delivered=total)


def size(envelope: dict) -> set[str]:
    """SIZE is said anew to the next server."""
    return {parameter for parameter in envelope["parameters"] if parameter.startswith("SIZE=")}


def check_held(daemon: Daemon, name: str, message: str) -> dict:
    _, recipients, mail, sender, parameters, rcpt_parameters = CASES[name]
    envelope = daemon.api("GET", f"/v1/messages/{message}")
    assert envelope["sender"] == sender, envelope
    assert set(envelope["parameters"]) - size(envelope) == parameters, envelope
    assert sorted(r["recipient"] for r in envelope["recipients"]) == recipients, envelope
    for recipient in envelope["recipients"]:
        missing = set(rcpt_parameters) - set(recipient["parameters"])
        assert not missing, f"{name}: {missing} not in {recipient}"
    assert envelope["tls"] == "TLSv1.3 TLS_AES_256_GCM_SHA384", envelope
    is_utf8 = "SMTPUTF8" in parameters
    trace = envelope["trace_header"]
    assert TLS13 in trace and f"with {'UTF8SMTPS' if is_utf8 else 'ESMTPS'} id" in trace, trace
    stored = daemon.octets_of(message, trace=False)
    # Postfix's own line, then the message as it was handed over.
    wanted = mail.encode().replace(b"\n", b"\r\n")
    head, _, body = stored.partition(b"\r\n\r\n")
    assert stored.startswith(b"Received: by postfix.example.net"), stored
    assert body == wanted.partition(b"\r\n\r\n")[2], stored
    assert wanted.partition(b"\r\n\r\n")[0].splitlines()[0] in head.splitlines(), stored
    return envelope | {"stored": stored}


run(story)
