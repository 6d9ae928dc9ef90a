"""Access tokens for XOAUTH2 and OAUTHBEARER, got by the daemon itself: client credentials, refresh
tokens that change, tokens that expire in the middle of a run, an endpoint that is down, one that
says no, and users who authorize by a code. None of these secrets is ever in the log."""

import json
import os
import pathlib
import re
import subprocess
import sys
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from backfill_lab import Backfill
from imap_client import Mailbox
from imap_dovecot import Dovecot
from scripted_imap import Fault, ScriptedImap
from scripted_personality import MODERN
from siding_lab import Lab, binaries, run, wait_until
from token_server import TokenServer

COUNT = 60
USERS = {"ann": "x", "bob": "x"}
# What the source of most of these lets its users do.
BEARER = "IMAP4rev1 SASL-IR LITERAL+ ID AUTH=PLAIN AUTH=XOAUTH2 AUTH=OAUTHBEARER"


def octets(number: int) -> bytes:
    return b"Message-ID: <%d@lab.example>\r\nSubject: %d\r\n\r\nHello.\r\n" % (number, number)


class World:
    """ann and bob at an old server that takes only tokens, and at a new one with passwords."""

    number = 0

    def __init__(self, lab: Lab, before: str = BEARER, quirks: tuple[str, ...] = ()):
        World.number += 1
        self.lab = lab
        looks = MODERN.having(*quirks, before=before)
        self.old = ScriptedImap(lab, USERS, looks).start()
        self.new = ScriptedImap(lab, USERS).start()
        for user in USERS:
            for number in range(COUNT):
                self.old.folder(user, "INBOX").add(octets(number), (), 1.7e9 + number)
        self.tokens = TokenServer(lab).start()
        self.tokens.client("siding", "client-hush-secret")
        self.old.is_good_token = self.tokens.is_good
        secret = lab.directory / f"client{World.number}"
        secret.write_text("client-hush-secret\n")
        secret.chmod(0o600)
        self.client_secret = str(secret)
        self.backfill = Backfill(lab, self.old, self.new, USERS, name=f"backfilld{World.number}")
        self.logs = ""

    def configure(self, rows: dict[str, dict[str, str]], **more: str) -> "World":
        """`rows`: columns of the source's login for each user."""
        settings = self.tokens.settings("siding", client_secret_file=self.client_secret, **more)
        self.backfill.config["backfill"]["source"]["tokens"] = settings
        self.backfill.write_config()
        names = sorted({name for row in rows.values() for name in row})
        host, _, port = self.old.address.rpartition(":")
        header = ["name", "source_host", "source_port", "source_user"]
        header += ["destination_host", "destination_port", "destination_secret", *names]
        lines = [",".join(header)]
        for user, row in rows.items():
            cells = [user, host, port, user, host, str(self.new.port), "x"]
            lines.append(",".join([*cells, *(row.get(name, "") for name in names)]))
        self.backfill.accounts_file.write_text("\n".join(lines) + "\n")
        return self

    def refresh_file(self, user: str, text: str = "") -> pathlib.Path:
        path = self.lab.directory / f"{user}{World.number}.refresh"
        path.write_text((text or self.tokens.refresh_token(user)) + "\n")
        path.chmod(0o600)
        return path

    def start(self) -> "World":
        self.backfill.start()
        return self

    def stop(self) -> None:
        self.logs += self.backfill.log()
        self.backfill.stop()

    def restart(self) -> None:
        self.stop()
        self.start()

    def reason(self, user: str) -> str:
        return self.backfill.account(user)["reason"]

    def assert_all_there(self, user: str) -> None:
        there = sorted(m.octets for m in self.new.folder(user, "INBOX").messages)
        assert there == sorted(m.octets for m in self.old.folder(user, "INBOX").messages)

    def end(self) -> None:
        """No secret stands in the log, in what the API says, in anybody's command line or in the
        ledger."""
        said = json.dumps(self.backfill.api("GET", "/v1/backfill"))
        pid = self.backfill.process.pid
        for name in ("cmdline", "environ"):
            said += pathlib.Path(f"/proc/{pid}/{name}").read_text()
        self.stop()
        data = pathlib.Path(self.backfill.config["data_dir"]) / "backfill"
        outside = [
            path for path in data.rglob("*") if path.is_file() and path.parent.name != "tokens"
        ]
        kept = b"".join(path.read_bytes() for path in outside)
        assert self.tokens.secrets
        for secret in self.tokens.secrets:
            assert secret not in self.logs, f"in the log: {secret}"
            assert secret not in said, f"shown: {secret}"
            assert secret.encode() not in kept, f"kept: {secret}"
        self.tokens.stop()
        self.old.stop()
        self.new.stop()


def mechanisms(lab: Lab) -> None:
    """The client in its own name, for all accounts at once; each mechanism, chosen and named."""
    for before, auth, used in (
        (BEARER, "", "XOAUTH2"),
        (BEARER, "oauthbearer", "OAUTHBEARER"),
        ("IMAP4rev1 ID AUTH=OAUTHBEARER", "", "OAUTHBEARER"),
        ("IMAP4rev1 AUTH=XOAUTH2", "xoauth2", "XOAUTH2"),
    ):
        rows = {user: {"source_auth": auth} for user in USERS}
        world = World(lab, before).configure(rows).start()
        world.backfill.run().ok()
        for user in USERS:
            world.assert_all_there(user)
        assert all(line.split()[1] == used for line in world.old.said("AUTHENTICATE")), used
        assert world.tokens.grants() == ["client_credentials"], world.tokens.grants()
        world.end()
    world = World(lab, "IMAP4rev1 AUTH=PLAIN").configure({"ann": {}}).start()
    assert world.backfill.run("ann").code == 1
    assert "neither XOAUTH2 nor OAUTHBEARER" in world.reason("ann"), world.reason("ann")
    assert not world.old.said("LOGIN"), "a token is no password"
    world.end()


def expiry_in_the_middle(lab: Lab) -> None:
    """The server hangs up when the token ends, and refuses it from then on, in its own way."""
    for quirks, auth in (((), "xoauth2"), (("bearer_plain_no",), "xoauth2"), ((), "oauthbearer")):
        world = World(lab, quirks=quirks)
        rows = {"ann": {"source_secret": world.tokens.refresh_token("ann"), "source_auth": auth}}
        world.configure(rows).start()
        fault = world.old.fault(
            "bye", at="FETCH.message", nth=COUNT // 2, text="Session closed - AccessTokenExpired"
        )
        expire_at(world, world.old.fault("say", at="FETCH.message", text="* OK still here"))
        world.backfill.run("ann").ok()
        assert fault.met >= COUNT // 2
        world.assert_all_there("ann")
        assert world.tokens.grants() == ["refresh_token"] * 2, world.tokens.grants()
        world.backfill.verify("ann").ok()
        world.end()


def expire_at(world: World, fault: Fault) -> None:
    """When it is met all tokens end; those that come later are good."""
    was_due = fault.is_due

    def is_due(at: str, where: dict[str, Any]) -> bool:
        due = was_due(at, where)
        if due:
            world.tokens.expire()
        return due

    fault.is_due = is_due


def a_token_that_is_never_taken(lab: Lab) -> None:
    """Got anew once, and then it is the operator's: no loop between us, them and the endpoint."""
    world = World(lab)
    world.configure({"ann": {"source_secret": world.tokens.refresh_token("ann")}}).start()
    world.backfill.backfill("accounts", "check").ok()
    world.old.is_good_token = lambda user, token: False
    assert world.backfill.run("ann").code == 1
    assert "login of ann" in world.reason("ann"), world.reason("ann")
    assert "status 400" in world.reason("ann"), world.reason("ann")
    assert world.tokens.grants() == ["refresh_token"] * 2, world.tokens.grants()
    assert len(world.old.said("AUTHENTICATE")) == 3, world.old.said("AUTHENTICATE")
    world.end()


def rotation(lab: Lab) -> None:
    """Each answer has another refresh token, and the old one is dead: kept over restarts, in the
    file that it came from or in the daemon's own, with several connections at once."""
    world = World(lab)
    world.tokens.rotates = True
    world.tokens.lifetime = 1
    for folder in ("A", "B", "C"):
        for number in range(250):
            world.old.folder("ann", folder).add(octets(number), (), 1.7e9 + number)
    file = world.refresh_file("ann")
    first = world.tokens.refresh_token("bob")
    rows = {"ann": {"source_secret_file": str(file)}, "bob": {"source_secret_env": "BOB_TOKEN"}}
    world.backfill.environment = {"BOB_TOKEN": first}
    world.configure(rows).start()
    before = file.read_text()
    for _ in range(3):
        world.backfill.run().ok()
        world.restart()
    assert len(world.old.said("AUTHENTICATE")) > 6, "ann was copied over one connection"
    world.backfill.verify().ok()
    for user in USERS:
        world.assert_all_there(user)
    assert file.read_text() != before and file.stat().st_mode & 0o777 == 0o600
    assert file.read_text().strip() in world.tokens.refresh
    kept = pathlib.Path(world.backfill.config["data_dir"]) / "backfill/tokens"
    assert kept.stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in kept.iterdir()] == [0o600]
    assert len(world.tokens.refresh) == 2, "none was lost, none was used twice"
    world.backfill.environment = {}  # end() looks into it
    world.restart()
    world.end()


def refused(lab: Lab) -> None:
    """One refresh token is dead: named once with what to do, while the others go on."""
    world = World(lab)
    ann, bob = world.refresh_file("ann"), world.refresh_file("bob")
    rows = {
        "ann": {"source_secret_file": str(ann)}, "bob": {"source_secret_file": str(bob)},
    }  # fmt: skip
    world.configure(rows).start()
    world.tokens.revoke("ann")
    assert world.backfill.run().code == 1
    reason = world.reason("ann")
    assert "invalid_grant" in reason and "***" in reason and "Trace" not in reason, reason
    assert "siding backfill accounts authorize ann --side source" in reason, reason
    world.assert_all_there("bob")
    world.backfill.backfill("follow").ok()
    asked = len(world.tokens.asked)
    passes = world.backfill.account("bob")["pass"]
    world.backfill.run("bob").ok()
    assert world.backfill.account("bob")["pass"] > passes
    assert len(world.tokens.asked) == asked, "nobody asks again by himself"
    ann.write_text(world.tokens.refresh_token("ann") + "\n")
    world.backfill.run("ann").ok()
    world.assert_all_there("ann")
    world.tokens.clients["siding"] = "another-hush-secret"
    world.restart()
    assert world.backfill.run("bob").code == 1
    assert "invalid_client" in world.reason("bob"), world.reason("bob")
    world.end()


def endpoint_down(lab: Lab) -> None:
    """Not there, then unwell, then back: the run goes on. For good: it ends, and says so."""
    world = World(lab)
    world.configure({"ann": {"source_secret_file": str(world.refresh_file("ann"))}}).start()
    world.tokens.faults = [(503, {}), None, (429, {"error": "temporarily_unavailable"})]
    world.backfill.run("ann").ok()
    world.assert_all_there("ann")
    assert world.tokens.grants() == ["refresh_token"] * 4, world.tokens.grants()
    world.restart()
    world.tokens.stop()
    ran = world.backfill.backfill("accounts", "check")
    assert ran.code == 1 and "token endpoint" in world.reason("ann"), world.reason("ann")
    world.backfill.backfill("run", "ann").ok()
    world.backfill.wait_log(r"connection_lost.*token endpoint")
    world.tokens.start()
    wait_until(lambda: world.backfill.account("ann")["phase"] == "idle", "it goes on", 60)
    world.end()


def not_to_be_trusted(lab: Lab) -> None:
    """A certificate that nobody vouches for: nothing is sent."""
    world = World(lab)
    world.configure(
        {"ann": {"source_secret_file": str(world.refresh_file("ann"))}}, ca_file=""
    ).start()
    assert world.backfill.run("ann").code == 1
    assert "certificate" in world.reason("ann"), world.reason("ann")
    assert not world.tokens.asked
    world.tokens.client("siding", "client-hush-secret")
    world.end()


class Authorizing:
    """`siding backfill accounts authorize` of one who sits in front of it."""

    def __init__(self, world: World, *arguments: str):
        self.process = subprocess.Popen(
            [
                str(binaries() / "siding"), "--socket", world.backfill.socket_path, "backfill",
                "accounts", "authorize", *arguments,
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.world = world

    def end(self) -> tuple[int, str]:
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, (out + err).decode()


def device_flow(lab: Lab) -> None:
    world = World(lab)
    world.configure({"ann": {}, "bob": {"source_secret_file": str(lab.directory / "bob.new")}})
    world.start()
    assert world.backfill.run("bob").code == 1
    assert "accounts authorize bob --side source" in world.reason("bob"), world.reason("bob")
    assert not world.tokens.asked
    # ann: slow_down, then yes.
    world.tokens.pending = ["authorization_pending", "slow_down"]
    authorizing = Authorizing(world, "ann")
    wait_until(lambda: world.tokens.devices, "it asks for a code")
    device = world.tokens.device
    wait_until(lambda: len(device.polled_at) >= 2, "it polls")
    device.user = "ann"
    code, said = authorizing.end()
    assert code == 0, said
    assert f"{world.tokens.url}/activate" in said and device.user_code in said, said
    first, second, third = device.polled_at
    assert second - first >= 0.9 and third - second >= 5.9, device.polled_at
    world.backfill.run("ann").ok()
    world.assert_all_there("ann")
    # bob: no at first; then yes, with --json, and the file is made.
    authorizing = Authorizing(world, "bob", "--side", "source")
    wait_until(lambda: world.tokens.devices, "it asks for a code")
    world.tokens.device.is_denied = True
    code, said = authorizing.end()
    assert code == 1 and "denied" in said and "The user said no" in said, said
    world.tokens.devices.clear()
    authorizing = Authorizing(world, "bob", "--json")
    wait_until(lambda: world.tokens.devices, "it asks for a code")
    world.tokens.device.user = "bob"
    code, said = authorizing.end()
    begun, ended = (json.loads(line) for line in said.splitlines())
    assert code == 0 and begun["state"] == "waiting" and ended["state"] == "done", said
    assert begun["user_code"] and not ended["user_code"], said
    assert (lab.directory / "bob.new").stat().st_mode & 0o777 == 0o600
    world.restart()
    world.backfill.run().ok()
    world.assert_all_there("bob")
    assert world.tokens.grants()[-2:] == ["refresh_token"] * 2, world.tokens.grants()
    # One that nobody answers, and those that cannot be.
    authorizing = Authorizing(world, "ann")
    wait_until(lambda: world.tokens.devices, "it asks for a code")
    world.tokens.devices.clear()
    code, said = authorizing.end()
    assert code == 1 and "expired" in said, said
    code, said = Authorizing(world, "ann", "--side", "destination").end()
    assert code == 2 and "has no device endpoint" in said, (code, said)
    code, said = Authorizing(world, "nobody").end()
    assert code != 0 and "nobody" in said, said
    world.end()


def dovecot(lab: Lab) -> None:
    """A server that asks the endpoint itself whose token it is (RFC 7662)."""
    tokens = TokenServer(lab, tls=False).start()
    tokens.client("siding")
    secret = lab.directory / "oauth2.conf"
    secret.write_text(
        f"introspection_mode = post\nintrospection_url = {tokens.url}/introspect\n"
        "username_attribute = username\nactive_attribute = active\nactive_value = true\n"
    )
    secret.chmod(0o644)
    old = Dovecot(
        lab, {"ann": "x"}, name="oauth",
        extra="auth_mechanisms = plain xoauth2 oauthbearer\npassdb {\n  driver = oauth2\n"
        f"  mechanisms = xoauth2 oauthbearer\n  args = {secret}\n}}\n",
    ).start()  # fmt: skip
    new = Dovecot(lab, {"ann": "x"}).start()
    with Mailbox(old, "ann", "x") as mailbox:
        for number in range(10):
            mailbox.append("INBOX", octets(number))
    for number, auth in enumerate(("xoauth2", "oauthbearer")):
        backfill = Backfill(lab, old, new, {"ann": "x"}, name=f"dovecot{number}")
        backfill.config["backfill"]["source"]["tokens"] = {
            "endpoint": f"{tokens.url}/token", "client_id": "siding",
        }  # fmt: skip
        backfill.write_config()
        row = ["ann", "127.0.0.1", str(old.port), auth, "ann", tokens.refresh_token("ann")]
        row += ["127.0.0.1", str(new.port), "auto", "ann", "x"]
        text = backfill.accounts_file.read_text().splitlines()[0] + "\n" + ",".join(row) + "\n"
        backfill.accounts_file.write_text(text)
        backfill.start()
        backfill.run("ann").ok()
        backfill.verify("ann").ok()
        tokens.expire()
        backfill.backfill("accounts", "check").ok()  # refused, and got anew
        assert re.search(r"token_refused", backfill.log()), backfill.log()
        for found in tokens.secrets:
            assert found not in backfill.log()
        backfill.stop()


STORIES = (
    mechanisms,
    expiry_in_the_middle,
    a_token_that_is_never_taken,
    rotation,
    refused,
    endpoint_down,
    not_to_be_trusted,
    device_flow,
    dovecot,
)


def story(lab: Lab) -> None:
    wanted = os.environ.get("SIDING_STORY")
    for part in STORIES:
        if wanted in (None, part.__name__):
            part(lab)


run(story)
