"""Messages of 40 MB stream through: octet for octet, and memory does not grow with them."""

import concurrent.futures
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from sample_mail import assert_relayed, random_message, sha256, without_trace
from siding_lab import Daemon, Lab, run
from smtp_client import SmtpClient, send_mail

AT_ONCE = 8
SMALLER_OCTETS = 10_000_000
LARGER_OCTETS = 40_000_000
# Whole messages in memory would raise the peak by AT_ONCE × 30 MB; sessions hold one chunk each, and
# the store's buffers are bounded, so that the peaks of the two sizes differ by noise.
GROWTH_KIB_MAX = 120_000


def pass_through(daemon: Daemon, prefix: str, octets: bytes, messages: int) -> int:
    """Accepts messages, AT_ONCE at the same time, and releases them; gives the peak of memory."""
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        replies = pool.map(
            lambda n: send_mail(daemon.port, "ann@sender.example", f"{prefix}{n}@example.com", octets),
            range(messages),
        )
        assert [reply.code for reply in replies] == [250] * messages
    daemon.release(timeout=300)  # 640 MB, on a machine that may be busy
    return daemon.memory_kib("VmHWM")


def story(lab: Lab) -> None:
    digests: dict[str, int] = {}
    new = lab.sink(
        keep=False,
        on_delivery=lambda d: digests.update({sha256(without_trace(d.octets)): len(d.octets)}),
    )
    daemon = lab.daemon(lab.config(new=new))
    # AddressSanitizer keeps freed memory for a while; that is not what is measured here.
    daemon.environment["ASAN_OPTIONS"] = "quarantine_size_mb=1:detect_leaks=0"
    daemon.start()

    smaller = random_message(random.Random(0), "smaller", SMALLER_OCTETS)
    larger = random_message(random.Random(1), "larger", LARGER_OCTETS)
    # Twice as many octets as the larger ones have: the store's own buffers and caches fill first.
    before = pass_through(daemon, "s", smaller, 8 * AT_ONCE)
    after = pass_through(daemon, "l", larger, AT_ONCE)
    print(f"peak {before} KiB with {SMALLER_OCTETS} octets each, {after} KiB with {LARGER_OCTETS}")
    assert set(digests) == {sha256(smaller), sha256(larger)}, "octets changed"
    assert after - before < GROWTH_KIB_MAX, "memory grows with the message"

    # Past the limit it is refused, at MAIL where the client says so, else at the end of data.
    with SmtpClient(daemon.port) as client:
        client.ehlo()
        limit = int(client.extensions["SIZE"])
        reply = client.mail("ann@sender.example", f"SIZE={limit + 1}")
        assert (reply.code, reply.enhanced) == (552, "5.3.4"), reply
    daemon.assert_balanced(accepted=9 * AT_ONCE, delivered=9 * AT_ONCE)
    small = random_message(random.Random(2), "small", 1000)
    send_mail(daemon.port, "ann@sender.example", "last@example.com", small)
    assert_relayed(daemon.octets_of(daemon.row("last@example.com")["message"]), small)


run(story)
