"""smtp-source, many sessions: all that it was told 250 for is held, and smtp-sink gets all."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from postfix_lab import SmtpSink, smtp_source
from siding_lab import Lab, run

# messages, sessions, octets, keep the connection, recipients
LOADS = (
    (400, 64, 4096, True, 1),
    (200, 20, 1024, False, 1),
    (40, 8, 300_000, True, 1),
    (30, 5, 2048, True, 20),
)


def story(lab: Lab) -> None:
    sink = SmtpSink(lab)
    daemon = lab.daemon(lab.config(new=sink.address)).start()
    total = 0
    for messages, sessions, size, reuse, recipients in LOADS:
        smtp_source(
            daemon.port, messages, sessions, size, reuse=reuse, recipients=recipients, numbered=True
        )
        total += messages * recipients
        count = daemon.api("GET", "/v1/queue/count", state="held")
        assert count["recipients"] == total, f"{count}, expected {total}"
    daemon.kill()
    daemon.start()
    daemon.assert_balanced(accepted=total, held=total)
    job = daemon.release(timeout=180)
    assert job["counts"]["delivered"] == total, job
    daemon.assert_balanced(accepted=total, delivered=total, held=0, parked=0)


run(story)
