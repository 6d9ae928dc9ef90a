"""swaks over TLS, through PROXY and XCLIENT: who speaks and what is said is held as it came."""

import concurrent.futures
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from sample_mail import TRACE_HEADER, assert_relayed
from siding_lab import Daemon, Lab, Ran, Skip, program, run
from test_certificates import make_ca, make_certificate

LOOPBACK = {"networks": ["127.0.0.0/8"]}
FIXED = (
    *("--header", "Subject: from swaks"),
    *("--header", "Date: Sat, 21 Nov 2026 14:07:30 +0000"),
    *("--header", "Message-Id: <1@swaks.example>"),
    *("--body", "Grüße\\n.dot\\n..two\\n"),
)
V4 = ("--proxy-source", "198.51.100.7", "--proxy-source-port", "4711",
      "--proxy-dest", "203.0.113.1", "--proxy-dest-port", "25")  # fmt: skip
V6 = ("--proxy-source", "2001:db8::7", "--proxy-source-port", "4711",
      "--proxy-dest", "2001:db8::1", "--proxy-dest-port", "25")  # fmt: skip
XCLIENT = ("--xclient-addr", "192.0.2.44", "--xclient-name", "far.example", "--xclient-port", "99")

TLS13 = "(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))"
TLS12 = "(using TLSv1.2 with cipher ECDHE-ECDSA-AES128-GCM-SHA256 (128/128 bits))"
# name: listener, arguments, who the trace header and the envelope say it was, what else they say
WAYS = {
    "starttls": ("open", ("--tls",), "127.0.0.1", TLS13),
    "starttls12": ("open", ("--tls", "--tlsp", "tlsv1_2"), "127.0.0.1", TLS12),
    "starttls-pipelined": ("open", ("--tls", "--pipeline"), "127.0.0.1", TLS13),
    "implicit": ("implicit", ("--tls-on-connect",), "127.0.0.1", TLS13),
    "implicit-pipelined": ("implicit", ("--tlsc", "--pipeline"), "127.0.0.1", TLS13),
    "client-certificate": ("certificates", ("--tls", "--tls-cert", "@cert", "--tls-key", "@key"),
                           "127.0.0.1", 'Client CN "client.example", Issuer "Test Authority"'),
    "proxy1": ("proxy", ("--proxy-family", "TCP4", *V4), "198.51.100.7", ""),
    "proxy1-v6": ("proxy", ("--proxy-family", "TCP6", *V6), "2001:db8::7", ""),
    "proxy1-unknown": ("proxy", ("--proxy", "UNKNOWN"), "127.0.0.1", ""),
    "proxy2": ("proxy", ("--proxy-version", "2", "--proxy-family", "AF_INET", *V4),
               "198.51.100.7", ""),
    "proxy2-v6": ("proxy", ("--proxy-version", "2", "--proxy-family", "AF_INET6", *V6),
                  "2001:db8::7", ""),
    "proxy2-tls": ("proxy", ("--proxy-version", "2", "--proxy-family", "AF_INET", *V4, "--tls",
                             "--pipeline"), "198.51.100.7", TLS13),
    "proxy1-implicit": ("proxy-implicit", ("--proxy-family", "TCP4", *V4, "--tls-on-connect"),
                        "198.51.100.7", TLS13),
    "xclient": ("xclient", XCLIENT, "192.0.2.44", "(far.example ["),
    "xclient-v6": ("xclient", ("--xclient-addr", "IPV6:2001:db8::9", "--xclient-name",
                               "[UNAVAILABLE]"), "2001:db8::9", "(unknown ["),
    "xclient-helo": ("xclient", (*XCLIENT, "--xclient-helo", "other.example", "--xclient-proto",
                                 "ESMTP"), "192.0.2.44", "(far.example ["),
    "xclient-twice": ("xclient", ("--xclient-name", "near.example", "--xclient-delim", *XCLIENT),
                      "192.0.2.44", "(far.example ["),
    "tls-then-xclient": ("xclient", ("--tls", *XCLIENT), "192.0.2.44", TLS13),
    "xclient-then-tls": ("xclient", ("--tls", "--xclient-before-starttls", *XCLIENT),
                         "192.0.2.44", TLS13),
}  # fmt: skip


def story(lab: Lab) -> None:
    if "*** TLS not available" in lab.run(program("swaks"), "--support").out:
        raise Skip("swaks has no TLS: libnet-ssleay-perl is not installed")
    directory = lab.directory / "tls"
    certificate, key = make_certificate(directory, ["hold.example.net"])
    client = make_certificate(directory, ["client.example"], usage="clientAuth")
    names = {"@cert": str(client[0]), "@key": str(client[1])}
    trust = ("--tls-verify", "--tls-ca-path", str(make_ca(directory)))

    listeners = {
        "open": {},
        "implicit": {"tls": "implicit"},
        "certificates": {"client_certificates": True},
        "required": {"tls_required": True},
        "off": {"tls": "off"},
        "proxy": {"proxy_protocol": LOOPBACK},
        "proxy-implicit": {"proxy_protocol": LOOPBACK, "tls": "implicit"},
        "xclient": {"xclient": LOOPBACK},
        "xclient-required": {"xclient": LOOPBACK | {"required": True}},
    }
    new, witness = lab.sink(), lab.sink()
    config = lab.config(new=new, tls={"certificate": str(certificate), "key": str(key)})
    config["timeouts"] = {"greeting": "5s"}  # of clients that are silent where they must speak
    config["listeners"] = [{"address": "127.0.0.1:0", **rest} for rest in listeners.values()]
    daemon = lab.daemon(config).start()
    ports = dict(zip(listeners, daemon.ports()))

    def swaks(port: int, to: str, *arguments: str) -> Ran:
        # The sender is not one that the daemon is asked about; a verified peer is where TLS is.
        verified = trust if any(a.startswith("--tls") for a in arguments) else ()
        return lab.run(
            program("swaks"), "--server", "127.0.0.1", "--port", str(port), "--helo",
            "swaks.example", "--timeout", "30", "--from", "ann@sender.example", "--to", to,
            *FIXED, *verified, *(names.get(a, a) for a in arguments),
        )  # fmt: skip

    sent: dict[str, bytes] = {}
    for name, (listener, arguments, address, words) in WAYS.items():
        done = swaks(ports[listener], f"{name}@example.com", *arguments)
        assert done.code == 0, f"{name}\n{done.out}{done.err}"
        before = len(witness.deliveries)
        assert swaks(witness.port, f"{name}@example.com").code == 0
        sent[name] = witness.wait_for(before + 1)[before].octets
        check_held(daemon, name, sent[name], address, words)

    refusals(daemon, ports, swaks)
    daemon.release()
    for name, octets in sent.items():
        (delivery,) = new.of(f"{name}@example.com")
        assert_relayed(delivery.octets, octets)
        assert delivery.sender == "ann@sender.example"
    daemon.assert_balanced(accepted=len(WAYS), delivered=len(WAYS))


def check_held(daemon: Daemon, name: str, sent: bytes, address: str, words: str) -> None:
    """Octets, trace header and envelope of one held message."""
    listener, arguments = WAYS[name][:2]
    row = daemon.wait_state(f"{name}@example.com", "held")
    stored = daemon.octets_of(row["message"])
    trace = TRACE_HEADER.match(stored)
    assert trace and stored[trace.end() :] == sent, f"{name}: {stored!r}"
    text = trace.group().decode()
    literal = f"[IPv6:{address}]" if ":" in address else f"[{address}]"
    assert literal in text and words in text, f"{name}: {text}"
    is_tls = any(argument.startswith("--tls") for argument in arguments)
    assert ("with ESMTPS id" if is_tls else "with ESMTP id") in text, f"{name}: {text}"
    # XCLIENT may bring the HELO of the client; the one that follows counts again.
    assert text.startswith("Received: from swaks.example ("), f"{name}: {text}"

    envelope = daemon.api("GET", f"/v1/messages/{row['message']}")
    assert envelope["sender"] == "ann@sender.example", envelope
    assert [r["recipient"] for r in envelope["recipients"]] == [f"{name}@example.com"], envelope
    assert envelope["client_address"] == address, f"{name}: {envelope}"
    spoken_for = address != "127.0.0.1"
    assert (envelope["proxy_address"] == "127.0.0.1") == spoken_for, f"{name}: {envelope}"
    assert (envelope["tls"] != "") == is_tls, envelope
    assert (envelope["tls_peer"] != "") == (listener == "certificates"), envelope
    if listener == "xclient" and "far.example" in arguments:
        assert envelope["client_name"] == "far.example", envelope


def refusals(daemon: Daemon, ports: dict[str, int], swaks) -> None:
    """Who does not speak as the listener demands gets nowhere; nothing is held of it."""
    nobody = "nobody@example.com"
    cases = (
        ("required", (), "530 5.7.0"),
        ("xclient-required", (), "550 5.7.0"),
        ("open", XCLIENT, "Host did not advertise XCLIENT"),
        ("open", ("--proxy-family", "TCP4", *V4), " 5.5."),  # an early talker, or a wrong command
        ("proxy", (), ""),
        ("proxy", ("--proxy", "TCP4 198.51.100.7 nonsense 1 2"), ""),
        ("proxy-implicit", ("--tls-on-connect",), ""),
        ("off", ("--tls",), "STARTTLS"),
        ("open", ("--tls", "--tlsp", "tlsv1_1"), ""),
        ("implicit", (), ""),
    )
    # Side by side, because some of them wait until the daemon has had enough of it.
    with concurrent.futures.ThreadPoolExecutor() as pool:
        answers = pool.map(lambda case: swaks(ports[case[0]], nobody, *case[1]), cases)
        for (listener, arguments, words), done in zip(cases, answers):
            output = done.out + done.err
            assert done.code != 0 and words in output, f"{listener} {arguments}\n{output}"
    assert daemon.rows(recipient=nobody) == []
    # The same listeners take those who do.
    done = swaks(ports["required"], nobody, "--tls", "--quit-after", "RCPT")
    assert done.code == 0, done.out
    done = swaks(ports["xclient-required"], nobody, *XCLIENT, "--quit-after", "RCPT")
    assert done.code == 0, done.out


run(story)
