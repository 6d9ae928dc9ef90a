"""Messages of 20 MB stream through: octet for octet, and memory does not grow with them."""

import concurrent.futures
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from sample_mail import assert_relayed, random_message, sha256, without_trace
from siding_lab import Lab, run
from smtp_client import SmtpClient, send_mail

SIZE_OCTETS = 20_000_000
AT_ONCE = 8
# Write buffers and caches of the store are bounded; sessions hold one chunk each. Whole messages
# in memory would be SIZE_OCTETS × AT_ONCE = 160 MB on the way in and again on the way out.
GROWTH_KIB_MAX = 140_000


def story(lab: Lab) -> None:
    digests: dict[str, int] = {}
    new = lab.sink(
        keep=False,
        on_delivery=lambda d: digests.update({sha256(without_trace(d.octets)): len(d.octets)}),
    )
    daemon = lab.daemon(lab.config(new=new))
    # AddressSanitizer keeps freed memory for a while; that is not what is measured here.
    daemon.environment["ASAN_OPTIONS"] = "quarantine_size_mb=1:detect_leaks=0"
    daemon.environment["MALLOC_ARENA_MAX"] = "2"
    daemon.start()

    # The store's own buffers fill first, so that they do not count as growth.
    warm = random_message(random.Random(0), "warm", SIZE_OCTETS)
    for number in range(AT_ONCE):
        reply = send_mail(daemon.port, "ann@sender.example", f"w{number}@example.com", warm)
        assert reply.code == 250, reply
    daemon.release()
    before = daemon.memory_kib()

    original = random_message(random.Random(1), "large", SIZE_OCTETS)
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        replies = pool.map(
            lambda n: send_mail(daemon.port, "ann@sender.example", f"b{n}@example.com", original),
            range(AT_ONCE),
        )
        assert [reply.code for reply in replies] == [250] * AT_ONCE
    accepted = daemon.memory_kib("VmHWM")
    daemon.release()
    released = daemon.memory_kib("VmHWM")
    print(f"RSS {before} KiB; peak {accepted} KiB after accepting, {released} KiB at the end")
    assert set(digests) == {sha256(warm), sha256(original)}, "octets changed"
    assert released - before < GROWTH_KIB_MAX, "memory grows with the message"

    # Past the limit it is refused, at MAIL where the client says so, else at the end of data.
    with SmtpClient(daemon.port) as client:
        client.ehlo()
        limit = int(client.extensions["SIZE"])
        reply = client.mail("ann@sender.example", f"SIZE={limit + 1}")
        assert (reply.code, reply.enhanced) == (552, "5.3.4"), reply
    daemon.assert_balanced(accepted=2 * AT_ONCE, delivered=2 * AT_ONCE)
    small = random_message(random.Random(2), "small", 1000)
    send_mail(daemon.port, "ann@sender.example", "last@example.com", small)
    assert_relayed(daemon.octets_of(daemon.row("last@example.com")["message"]), small)


run(story)
