"""Ways to log in: TLS from the first octet, STARTTLS, a certificate named by its fingerprint, one
that nobody vouches for; SCRAM, LOGIN, a master user; secrets in files and in the environment."""

import hashlib
import pathlib
import ssl
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from backfill_lab import Backfill
from imap_dovecot import MASTER, MASTER_PASSWORD
from imap_lab import Dovecot
from siding_lab import Lab, run

ANN = ("ann", "secret")


class Logins:
    def __init__(self, lab: Lab):
        self.lab = lab
        self.old = Dovecot(lab, dict([ANN]), tls=True).start()
        self.new = Dovecot(lab, dict([ANN])).start()
        self.number = 0

    def attempt(self, source: dict[str, str], settings=None, environment=None) -> tuple[int, str]:
        """`source`: columns of the accounts file; the check's exit code and what status says."""
        self.number += 1
        columns = {
            "source_host": "127.0.0.1",
            "source_port": str(self.old.port),
            "source_tls": "off",
            "source_user": "ann",
            "source_secret": "secret",
            **source,
            "destination_host": "127.0.0.1",
            "destination_port": str(self.new.port),
            "destination_user": "ann",
            "destination_secret": "secret",
        }
        columns = {name: value for name, value in columns.items() if value}
        backfill = Backfill(
            self.lab, self.old, self.new, dict([ANN]), name=f"backfilld{self.number}"
        )
        if settings:
            backfill.config["backfill"]["source"] = settings
            backfill.write_config()
        backfill.environment = environment or {}
        rows = [",".join(["name", *columns]), ",".join(["ann", *columns.values()])]
        backfill.accounts_file.write_text("\n".join(rows) + "\n")
        backfill.start()
        ran = backfill.backfill("accounts", "check")
        log, account = backfill.log(), backfill.account("ann")
        assert "secret" not in log.replace("secret_file", ""), log
        backfill.stop()
        return ran.code, account["reason"]

    def works(self, source: dict[str, str], **more) -> None:
        code, reason = self.attempt(source, **more)
        assert code == 0, f"{source}: {reason}"

    def fails(self, words: str, source: dict[str, str], **more) -> None:
        code, reason = self.attempt(source, **more)
        assert code == 1 and words in reason, f"{source}: {code} {reason}"


def story(lab: Lab) -> None:
    logins = Logins(lab)
    ca = {"ca_file": str(logins.old.ca_file)}
    implicit = {"source_tls": "implicit", "source_port": str(logins.old.tls_port)}
    named = {**implicit, "source_host": "localhost"}
    starttls = {"source_tls": "starttls"}
    logins.works(implicit, settings=ca)
    logins.works(named, settings=ca)
    logins.works(starttls, settings=ca)
    logins.fails("certificate", implicit)
    logins.fails("certificate", starttls)
    pem = ssl.get_server_certificate(("127.0.0.1", logins.old.tls_port))
    fingerprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
    logins.works(implicit, settings={"fingerprints": [fingerprint]})
    logins.fails("", implicit, settings={"fingerprints": ["0" * 64]})
    for auth in ("plain", "login", "scram-sha-256"):
        logins.works({"source_auth": auth})
    logins.fails("login of ann", {"source_secret": "wrong"})
    logins.fails("login of ann", {"source_secret": "wrong", "source_auth": "scram-sha-256"})
    master = {"source_user": MASTER, "source_secret": MASTER_PASSWORD}
    logins.works({**master, "source_authzid": "ann"})
    logins.works({**master, "source_user": f"ann*{MASTER}"})
    file = lab.directory / "ann.pw"
    file.write_text("secret\n")
    logins.works({"source_secret": "", "source_secret_file": str(file)})
    logins.fails("ann.pw2", {"source_secret": "", "source_secret_file": f"{file}2"})
    logins.works(
        {"source_secret": "", "source_secret_env": "ANN_PW"}, environment={"ANN_PW": "secret"}
    )


run(story)
