"""rspamd as the content filter: its verdicts, its absence, and what a release makes of them."""

import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from sample_mail import TRACE_HEADER, message
from siding_lab import Daemon, Lab, end_process, free_port, listens, program, run, wait_until
from smtp_client import SmtpClient, send_mail

GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n"
# Fillers beside what the filter looks for: longer than one chunk of a stored body.
LONG = b"a line of filling\r\n" * 40_000

CONFIG = """
options {{
    pidfile = "{dir}/rspamd.pid"; tempdir = "{dir}"; control_socket = "{dir}/control.sock mode=0600";
    cache_file = "{dir}/symbols.cache"; history_file = "{dir}/history";
    dynamic_conf = "{dir}/dynamic"; stats_file = "{dir}/stats.ucl";
    url_tld = "{dir}/tld.dat";
    filters = ""; disable_hyperscan = true;
    dns {{ nameserver = ["127.0.0.1:9"]; timeout = 0.1s; retransmits = 1; }}
}}
logging {{ type = "console"; level = "info"; }}
worker "normal" {{ bind_socket = "127.0.0.1:{port}"; count = 1; }}
actions {{ reject = 15; add_header = 6; }}
lua = "{dir}/rules.lua";
modules {{ path = "/usr/share/rspamd/plugins/milter_headers.lua"; }}
milter_headers {{ use = ["x-spamd-bar", "x-spam-status"]; skip_local = false; }}
"""
RULES = """
local function has(task, word)
  return task:get_content():find(word, 1, true) ~= nil
end
rspamd_config.TEST_SPAM = {
  score = 8.0, callback = function(task) return has(task, 'test-spam') end
}
rspamd_config.PHISHING = {
  score = 7.0, callback = function(task) return has(task, 'test-phish') end
}
rspamd_config.TEST_CLIENT = {
  score = 8.0,
  callback = function(task)
    local ip, from, rcpt = task:get_ip(), task:get_from('smtp'), task:get_recipients('smtp')
    return has(task, 'test-client') and ip:to_string() == '127.0.0.1'
      and task:get_helo() == 'client.example' and from[1].addr == 'ann@sender.example'
      and #rcpt == 2 and rcpt[2].addr == 'second@example.com'
  end
}
rspamd_config.TEST_DELAY = {
  callback = function(task)
    if has(task, 'test-delay') then task:set_pre_result('soft reject', 'Come back later') end
  end
}
"""


class Rspamd:
    """One rspamd with our rules, on a port that stays the same."""

    def __init__(self, lab: Lab):
        self.lab, self.port = lab, free_port()
        self.directory = lab.directory / "rspamd"
        self.directory.mkdir()
        (self.directory / "tld.dat").write_text("com\nexample\nnet\n")
        (self.directory / "rules.lua").write_text(RULES)
        self.config = self.directory / "rspamd.conf"
        self.config.write_text(CONFIG.format(dir=self.directory, port=self.port))
        self.log = self.directory / "rspamd.log"

    def start(self) -> "Rspamd":
        with self.log.open("ab") as log:
            self.process = self.lab.start_process(
                program("rspamd"), "-f", "-i", "-c", str(self.config), stdout=log, stderr=log
            )

        def is_up() -> bool:
            assert self.process.poll() is None, self.log.read_text(errors="replace")[-4000:]
            return listens(self.port)

        wait_until(is_up, "rspamd listens", 60)
        return self

    def stop(self) -> None:
        end_process(self.process)


def story(lab: Lab) -> None:
    program("rspamd")
    new = lab.sink()
    rspamd = Rspamd(lab).start()
    config = lab.config(new=new)
    config["filter"] = {
        "rspamd": f"http://127.0.0.1:{rspamd.port}", "timeout": "20s", "max_size": "1MiB",
    }  # fmt: skip
    daemon = lab.daemon(config).start()

    sent: dict[str, bytes] = {}

    def send(name: str, body: bytes) -> str:
        sent[name] = message(name, body)
        return str(send_mail(daemon.port, "ann@sender.example", f"{name}@example.com", sent[name]))

    def tags(name: str) -> list[str]:
        return daemon.row(f"{name}@example.com")["tags"]

    # Verdicts, at the end of the data.
    for name, body, wanted in (
        ("ham", b"Hello.\r\n", []),
        ("spam", b"test-spam\r\n", ["spam"]),
        ("phish", b"test-phish\r\n", ["spam", "phish"]),
        ("longham", LONG, []),
        ("longspam", LONG + b"test-spam\r\n", ["spam"]),
        ("huge", LONG * 2 + b"test-spam\r\n", ["unscanned"]),
    ):
        answer = send(name, body)
        assert answer.startswith("250 2.0.0"), f"{name}: {answer}"
        assert tags(name) == wanted, f"{name}: {tags(name)}"
    answer = send("gtube", GTUBE)
    assert answer.startswith("554 5.7.1"), answer
    answer = send("delay", b"test-delay\r\n")
    assert answer == "451 4.7.1 Come back later", answer
    assert daemon.rows(recipient="gtube@example.com") == []
    assert daemon.rows(recipient="delay@example.com") == []

    knows_who_speaks(daemon)
    identity = daemon.row("spam@example.com")["id"].partition(".")[0]
    envelope = daemon.api("GET", f"/v1/messages/{identity}")
    assert "'spam_score': 8.0" in str(envelope), envelope

    # A dead filter: mail is taken and says so, or has to wait; a living one is found again.
    rspamd.stop()
    assert send("dead", b"test-spam\r\n").startswith("250")
    assert tags("dead") == ["unscanned"]
    reload(daemon, on_failure="defer")
    for attempt in range(5):
        assert send(f"deferred{attempt}", b"Hello.\r\n").startswith("451 4.7.1"), attempt
    rspamd.start()
    wait_until(lambda: send("again", b"test-spam\r\n").startswith("250"), "it is asked again")
    assert tags("again") == ["spam"]

    # A rejection can be made a tag.
    reload(daemon, on_reject="tag")
    assert send("tagged", GTUBE).startswith("250")
    assert tags("tagged") == ["spam", "reject"]

    releases_by_tag(daemon, new, sent)
    metrics = daemon.request("GET", "/metrics")[1].decode()
    for result in ("accept", "spam", "reject", "defer", "too_large", "failed"):
        assert f'siding_filter_messages_total{{result="{result}"}} 0' not in metrics, metrics
    assert "siding_filter_paused 0" in metrics, metrics


def knows_who_speaks(daemon: Daemon) -> None:
    """The filter hears of client and envelope what the client said."""
    with SmtpClient(daemon.port) as client:
        client.ehlo("client.example")
        to = ["first@example.com", "second@example.com"]
        reply = client.transact("ann@sender.example", to, message("who", b"test-client\r\n"))
        assert reply.code == 250, reply
    assert daemon.row("first@example.com")["tags"] == ["spam"]


def reload(daemon: Daemon, **changes: str) -> None:
    daemon.config["filter"].update(changes)
    daemon.write_config()
    before = daemon.log().count("reloaded")
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: daemon.log().count("reloaded") > before, "the reload")


def releases_by_tag(daemon: Daemon, new, sent: dict[str, bytes]) -> None:
    listed = daemon.siding("queue", "list", "--tag", "phish", "--json").ok().out
    assert "phish@example.com" in listed and "spam@example.com" not in listed, listed
    daemon.release(not_tag="spam")
    arrived = {recipient for delivery in new.deliveries for recipient in delivery.recipients}
    names = {"ham", "longham", "huge", "dead"}
    assert arrived == {f"{name}@example.com" for name in names}, arrived
    daemon.release()
    # The filter's headers stand between our Received line and the message, which is as it was sent.
    for name in ("ham", "spam", "longspam", "dead", "tagged"):
        (delivery,) = new.of(f"{name}@example.com")
        assert delivery.octets.endswith(sent[name]), name
        front = delivery.octets[: len(delivery.octets) - len(sent[name])]
        received = TRACE_HEADER.match(front)
        assert received, front
        added = front[received.end() :].decode("ascii")
        assert ("X-Spam: Yes\r\n" in added) == (name not in ("ham", "dead")), added
        assert ("X-Spamd-Bar: " in added) == (name not in ("dead", "tagged")), added
        assert "Received:" not in added, added
    daemon.assert_balanced(accepted=11, delivered=11, held=0)


run(story)
