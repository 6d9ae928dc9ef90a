"""The backfill is killed again and again, and its lines to both servers break: at the end every
message is at the destination once, with its octets, and none is there twice.

    crash_backfill.py --kills 200 --cuts 200 --messages 20000 --seed 7
"""

import argparse
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from backfill_lab import Backfill
from cut_proxy import CutProxy
from imap_client import Mailbox
from imap_compare import assert_same, total
from imap_lab import Dovecot
from imap_mail import DATE, fill, plain_samples, put
from siding_lab import Lab, run

ANN = ("ann", "secret")


def make_story(kills: int, cuts: int, messages: int, seed: str):
    def story(lab: Lab) -> None:
        print(f"seed {seed}", flush=True)
        draw = random.Random(seed)
        source = Dovecot(lab, dict([ANN])).start()
        destination = Dovecot(lab, dict([ANN])).start()
        with Mailbox(source, *ANN) as old:
            fill(old, {"INBOX": messages // 2, "Sent": messages // 4, "A/B": messages // 4})
            put(old, "INBOX", plain_samples())
            wanted, before = old.snapshot(), old.evidence()
        far = [CutProxy(server.address) for server in (source, destination)]
        for proxy in far:
            proxy.cut(*(int(draw.expovariate(1 / 200_000)) for _ in range(cuts // 2)))
            lab.cleanup.callback(proxy.stop)
        # A part of INBOX is recent, nothing of the others: two rounds.
        recent = int(time.time()) - DATE - 60_000
        backfill = Backfill(lab, far[0], far[1], dict([ANN]), recent=f"{recent}s")
        done = 0
        while done < kills:
            backfill.start()
            backfill.backfill("run", "ann").ok()
            time.sleep(draw.uniform(0.0, 0.4))  # where the kill hits is what is drawn
            backfill.kill()
            done += 1
        backfill.start()
        # Lines that still break end passes: an operator orders another one.
        for _ in range(cuts + 2):
            if backfill.run("ann").code == 0:
                break
        account = backfill.account("ann")
        assert account["clean"] and account["phase"] == "idle", account
        with Mailbox(destination, *ANN) as new:
            found = new.snapshot()
        assert_same(wanted, found)
        with Mailbox(source, *ANN) as old:
            assert old.evidence() == before, "the source was touched"
        backfill.verify("ann").ok()
        cut = sum(proxy.cuts for proxy in far)
        print(f"{done} kills, {cut} cut connections, {total(found)} messages, each once")

    return story


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=15)
    parser.add_argument("--cuts", type=int, default=20)
    parser.add_argument("--messages", type=int, default=3000)
    parser.add_argument("--seed", default=None)
    options = parser.parse_args()
    seed = options.seed or f"{random.SystemRandom().randrange(1 << 32):08x}"
    run(make_story(options.kills, options.cuts, options.messages, seed))
