"""testssl.sh and sslscan look at both kinds of TLS listener, with certificates of both kinds."""

import concurrent.futures
import json
import pathlib
import sys
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from siding_lab import Lab, program, run
from test_certificates import make_ca, make_certificate

# Protocols, cipher categories, forward secrecy, server's preference and defaults, vulnerabilities.
# Left out, for their time: each of 370 ciphers by itself (the categories cover them) and the
# simulation of browsers.
TESTS = ("-p", "-s", "-f", "-P", "-S", "-U")
HARMLESS = {"OK", "INFO", "LOW"}
# About the machine that scans and about web servers, not about us.
NOT_OURS = {"engine_problem", "service"}
# A scan that ended early must not pass for a good one.
LOOKED_AT = {
    "SSLv2", "SSLv3", "TLS1", "TLS1_1", "TLS1_2", "TLS1_3",
    "cipherlist_NULL", "cipherlist_aNULL", "cipherlist_EXPORT", "cipherlist_LOW",
    "cipherlist_AVERAGE", "PFS", "cipher_order", "cert_signatureAlgorithm", "cert_chain_of_trust",
    "cert_trust", "cert_expirationStatus", "heartbleed", "CCS", "ROBOT", "secure_renego",
    "secure_client_renego", "CRIME_TLS", "POODLE_SSL", "fallback_SCSV", "SWEET32", "FREAK", "DROWN",
    "LOGJAM", "BEAST", "LUCKY13", "RC4",
}  # fmt: skip


def story(lab: Lab) -> None:
    program("testssl"), program("sslscan")
    directory = lab.directory / "tls"
    ec = make_certificate(directory, ["hold.example.net", "localhost"])
    rsa = make_certificate(directory, ["rsa.example.net"], key_type="rsa")
    ca_file = make_ca(directory)
    config = lab.config()
    config["tls"] = {
        "certificate": str(ec[0]), "key": str(ec[1]),
        "names": {"rsa.example.net": {"certificate": str(rsa[0]), "key": str(rsa[1])}},
    }  # fmt: skip
    config["listeners"].append({"address": "127.0.0.1:0", "tls": "implicit"})
    daemon = lab.daemon(config).start()
    port, implicit = daemon.ports()
    scans = {
        "starttls": ("hold.example.net", port, ("--starttls", "smtp")),
        "implicit": ("rsa.example.net", implicit, ()),
    }
    with concurrent.futures.ThreadPoolExecutor() as pool:
        running = [
            pool.submit(testssl, lab, ca_file, what, name, at, arguments)
            for what, (name, at, arguments) in scans.items()
        ]
        sslscan(lab, "hold.example.net", port, "--starttls-smtp")
        sslscan(lab, "rsa.example.net", implicit)
        for one in running:
            one.result()
    assert daemon.rows() == [] and daemon.alive


def testssl(lab: Lab, ca_file: pathlib.Path, what: str, name: str, port: int, arguments) -> None:
    # Its patience with a connection is short: what a busy machine made it miss is asked again.
    for attempt in range(3):
        report = lab.directory / f"testssl-{what}-{attempt}.json"
        done = lab.run(
            program("testssl"), "--quiet", "--color", "0", "--warnings", "off", "--nodns", "none",
            "--ip", "127.0.0.1", "--add-ca", str(ca_file), "--jsonfile", str(report), *TESTS,
            *arguments, f"{name}:{port}", timeout=300,
        )  # fmt: skip
        findings = json.loads(report.read_text())
        if not any("because of connect problem" in finding["finding"] for finding in findings):
            break
    missing = LOOKED_AT - {finding["id"] for finding in findings}
    assert not missing, f"{what}: not looked at: {missing}\n{done.out}{done.err}"
    bad = [
        finding
        for finding in findings
        if finding["severity"] not in HARMLESS and finding["id"] not in NOT_OURS
    ]
    assert not bad, f"{what}: {bad}"
    said = {finding["id"]: finding["finding"] for finding in findings}
    assert said["TLS1"] == said["TLS1_1"] == "not offered", said
    assert said["TLS1_2"] == "offered" and said["TLS1_3"] == "offered with final", said
    assert "passed" in said["cert_chain_of_trust"] and "Ok via SAN" in said["cert_trust"], said


def sslscan(lab: Lab, name: str, port: int, *arguments: str) -> None:
    done = lab.run(
        program("sslscan"), "--xml=-", f"--sni-name={name}", *arguments, f"127.0.0.1:{port}"
    )
    scan = xml.etree.ElementTree.fromstring(done.out).find("ssltest")
    assert scan is not None, done.out
    enabled = {
        f"{one.get('type')}{one.get('version')}" for one in scan.iter("protocol")
        if one.get("enabled") == "1"
    }  # fmt: skip
    assert enabled == {"tls1.2", "tls1.3"}, done.out
    strengths = {one.get("strength") for one in scan.iter("cipher")}
    assert strengths == {"strong", "acceptable"}, done.out
    beaten = [one for one in scan.iter("heartbleed") if one.get("vulnerable") != "0"]
    assert not beaten and len(list(scan.iter("heartbleed"))) == 2, done.out
    renegotiation = scan.find("renegotiation")
    assert renegotiation is not None and renegotiation.get("supported") == "0", done.out
    (certificate,) = scan.iter("certificate")
    assert certificate.findtext("subject") == name, done.out
    assert certificate.findtext("expired") == "false", done.out
    bits = [pk.get("error") for pk in certificate.iter("pk")]
    assert bits == ["false"], done.out


run(story)
