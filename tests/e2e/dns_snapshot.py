"""A domain's mail records are stored and compared: same is 0, each change is named."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from dns_world import DnsWorld
from siding_lab import Lab, Ran, binaries, run

DOMAIN = "cutover.test"
RECORDS = {
    "@": ["MX 10 mx.old.test.", 'TXT "v=spf1 ip4:192.0.2.1 -all"', "A 127.0.0.1",
          'CAA 0 issue "ca.test"'],
    "_dmarc": ['TXT "v=DMARC1; p=none"'],
    "s1._domainkey": ['TXT "v=DKIM1; k=rsa; p=AAAA"'],
    "_smtp._tls": ['TXT "v=TLSRPTv1; rua=mailto:tls@other.test"'],
    "_mta-sts": ['TXT "v=STSv1; id=1"'],
    "autodiscover": ["CNAME outlook.test."],
    "_submission._tcp": ["SRV 0 1 587 mx.old.test."],
}  # fmt: skip


def zone(**changed: list[str] | None) -> str:
    """`changed` by owner with _ for @."""
    records = dict(RECORDS)
    for owner, lines in changed.items():
        records["@" if owner == "_" else owner] = lines or []
    return "".join(f"{owner} {line}\n" for owner, lines in records.items() for line in lines)


def lines_with(text: str, *words: str) -> list[str]:
    return [line for line in text.splitlines() if all(word in line for word in words)]


def story(lab: Lab) -> None:
    world = DnsWorld(lab)
    world.zone(DOMAIN, zone())
    world.zone("old.test", "mx 60 A 127.0.0.1\n")
    world.recursive("plain")
    world.start()
    config = lab.daemon(lab.config(dns=world.settings("plain"))).config_file
    here = lab.directory / "snapshots"
    here.mkdir()

    def siding(*arguments: str) -> Ran:
        more = ["--config", str(config), "--selector", "s1"]
        return lab.run(str(binaries() / "siding"), *arguments, *more, cwd=here)

    taken = siding("dns", "snapshot", DOMAIN).ok()
    for words in (("MX", "mx.old.test"), ("v=spf1",), ("v=DMARC1",), ("v=DKIM1",), ("v=TLSRPTv1",),
                  ("v=STSv1",), ("autodiscover", "outlook.test"), ("_submission", "587"),
                  ("CAA", "ca.test"), ("NS", "ns2.hoster.test")):  # fmt: skip
        assert lines_with(taken.out, *words), (words, taken.out)
    (first,) = here.glob(f"{DOMAIN}-*Z.dns.json")
    json.loads(first.read_text())

    # Nothing has changed: not the serial either, since the zone was not touched.
    same = siding("dns", "diff", DOMAIN)
    assert same.code == 0, same
    second = here / "second.json"
    siding("dns", "snapshot", DOMAIN, "--output", str(second)).ok()
    assert siding("dns", "diff", str(first), str(second)).code == 0

    # Somebody touches one record of each kind; a diff names these and no others.
    changed = {
        "_": ["MX 10 hold.siding.test.", 'TXT "v=spf1 ip4:192.0.2.1 -all"', "A 127.0.0.1",
              'CAA 0 issue "ca.test"'],
        "s1._domainkey": None,
        "_dmarc": ['TXT "v=DMARC1; p=reject"'],
        "_imaps._tcp": ["SRV 0 1 993 mx.old.test."],
    }  # fmt: skip
    world.publish(DOMAIN, zone(**changed))
    third = here / "third.json"
    siding("dns", "snapshot", DOMAIN, "--output", str(third)).ok()
    for diff in (siding("dns", "diff", DOMAIN), siding("dns", "diff", str(first), str(third))):
        assert diff.code == 1, diff
        for words in (("mx.old.test",), ("hold.siding.test",), ("p=none",), ("p=reject",),
                      ("s1._domainkey",), ("_imaps",)):  # fmt: skip
            assert lines_with(diff.out, *words), (words, diff.out)
        for word in ("v=spf1", "v=TLSRPTv1", "v=STSv1", "autodiscover", "_submission", "CAA"):
            assert not lines_with(diff.out, word), (word, diff.out)

    # One server alone differs: hand-over is of all of them.
    world.publish(DOMAIN, zone(), on=["ns2"])
    uneven = siding("dns", "diff", str(third))
    assert uneven.code == 1 and "ns2" in uneven.out, uneven

    # Bad input: one line each.
    (here / "torn.json").write_text(first.read_text()[:100])
    for arguments, words in (
        (("dns", "diff", "torn.json"), "torn.json"),
        (("dns", "diff", "missing.json"), "missing.json"),
        (("dns", "diff", "other.test"), "other.test"),
        (("dns", "snapshot", "nobody-has-this.test"), "nobody-has-this.test"),
        (("dns", "snapshot", "no..name"), "no..name"),
    ):
        done = siding(*arguments)
        assert done.code >= 1 and words in done.err, (arguments, done)
        assert len(done.err.strip().splitlines()) == 1, (arguments, done.err)


run(story)
