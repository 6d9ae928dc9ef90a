"""A server that wants a login inside TLS: the right secret gets mail in, a wrong one waits."""

import base64
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from exim_lab import EximServer
from sample_mail import assert_relayed, message
from siding_lab import Lab, run, wait_until
from smtp_client import SmtpClient
from test_certificates import make_ca, make_certificate

USER = "siding@example.com"
SECRET = "c0rrect horse, Gr\u00fc\u00dfe+="
WRONG = "wr0ng horse"
SERVERS = ("plain", "login", "wrong", "without")
COUNT = 4

MAIN = """
tls_certificate = {certificate}
tls_privatekey = {key}
tls_advertise_hosts = *
auth_advertise_hosts = ${{if def:tls_in_cipher{{*}}{{}}}}
acl_smtp_mail = ${{if def:authenticated_id{{accept}}{{deny message = 530 5.7.0 log in first}}}}
log_selector = +smtp_connection
"""
SECTIONS = """
begin authenticators
PLAIN:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${if and{{eq{$auth2}{%(user)s}}{eq{$auth3}{%(secret)s}}}}
  server_set_id = $auth2
LOGIN:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${if and{{eq{$auth1}{%(user)s}}{eq{$auth2}{%(secret)s}}}}
  server_set_id = $auth1
"""


def start_exim(lab: Lab, box_port: int) -> EximServer:
    made = make_certificate(lab.directory / "tls", ["mx.new.example"])
    readable = []
    for file in made:  # for the user that Exim becomes
        copy = lab.directory / file.name
        copy.write_bytes(file.read_bytes())
        copy.chmod(0o644)
        readable.append(copy)
    main = MAIN.format(certificate=readable[0], key=readable[1])
    sections = SECTIONS % {"user": USER, "secret": SECRET}
    return EximServer(lab, box_port, main, sections).start()


def story(lab: Lab) -> None:
    box = lab.sink()
    exim = start_exim(lab, box.port)
    files = {name: lab.directory / f"{name}.secret" for name in ("plain", "login", "wrong")}
    for name, file in files.items():
        file.write_text(f"{WRONG if name == 'wrong' else SECRET}\n")
        file.chmod(0o600)
    config = lab.config(
        log={"level": "trace"},
        domains={f"{name}.example": {"phase": "hold"} for name in SERVERS},
    )
    tls = {
        "tls": "verify",
        "tls_name": "mx.new.example",
        "ca_file": str(make_ca(lab.directory / "tls")),
        "address": f"127.0.0.1:{exim.port}",
    }
    for name, mechanism in (("plain", "plain"), ("login", "login"), ("wrong", "auto")):
        auth = {"user": USER, "secret_file": str(files[name]), "mechanism": mechanism}
        config["servers"][name] = tls | {"auth": auth}
    config["servers"]["without"] = tls
    daemon = lab.daemon(config).start()
    originals = {}
    with SmtpClient(daemon.port) as client:
        client.ehlo()
        for name in SERVERS:
            for number in range(COUNT):
                recipient = f"box{number}@{name}.example"
                originals[recipient] = message(recipient)
                reply = client.transact("ann@sender.example", [recipient], originals[recipient])
                assert reply.code == 250, reply

    for name in ("plain", "login"):
        order(daemon, name)
        wait_until(lambda: exim.log().count(f" A={name.upper()}:{USER}") == COUNT, f"{name} is in")
    for name in ("wrong", "without"):
        order(daemon, name)
    wait_until(lambda: "535" in last_error(daemon, "wrong"), "the reason is told")
    wait_until(lambda: "log in first" in last_error(daemon, "without"), "the reason is told")
    # Nothing is given up for it, and nothing gets in.
    daemon.assert_balanced(accepted=4 * COUNT, delivered=2 * COUNT, due=2 * COUNT, parked=0)

    # A secret is read at each login.
    files["wrong"].write_text(f"{SECRET}\n")
    box.wait_for(3 * COUNT, 90)
    for name in ("plain", "login", "wrong"):
        for number in range(COUNT):
            recipient = f"box{number}@{name}.example"
            (delivery,) = box.of(recipient)
            assert_relayed(delivery.octets, originals[recipient])
    daemon.assert_balanced(accepted=4 * COUNT, delivered=3 * COUNT, due=COUNT, parked=0)
    check_secrets(daemon)


def order(daemon, server: str) -> None:
    daemon.siding("release", "--to", server, "--domain", f"{server}.example").ok()


def last_error(daemon, server: str) -> str:
    status = daemon.api("GET", "/v1/status")
    return next(one for one in status["servers"] if one["name"] == server).get("last_error", "")


def check_secrets(daemon) -> None:
    log = daemon.log()
    assert "AUTH ***" in log, "the dialogue is in the log at this level"
    for secret in (SECRET, WRONG):
        for shown in hidden_forms(secret):
            assert shown not in log, shown
            assert shown not in daemon.siding("config", "show").out
            assert shown not in daemon.siding("trace", "box0@wrong.example").ok().out


def hidden_forms(secret: str) -> list[str]:
    plain = f"\0{USER}\0{secret}".encode()
    encoded = [base64.b64encode(octets).decode() for octets in (plain, secret.encode())]
    return [secret, *encoded]


run(story)
