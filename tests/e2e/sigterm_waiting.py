"""SIGTERM ends whoever is still arriving at once, and waits for a message that is being judged."""

import http.server
import pathlib
import signal
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
from hostile import proxy_v1
from sample_mail import message
from siding_lab import Daemon, Lab, run, wait_until
from smtp_client import SmtpClient
from smtp_sink import HANG
from test_certificates import make_certificate

CLIENT = "192.0.2.7"
SPAM = b'{"action": "add header", "score": 9.0, "symbols": {}}'


class SlowFilter:
    """Takes the message, and says nothing of it until it is told to."""

    def __init__(self) -> None:
        self.asked, self.may_answer = threading.Event(), threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                outer.asked.set()
                outer.may_answer.wait(20)
                self.send_response(200)
                self.send_header("Content-Length", str(len(SPAM)))
                self.end_headers()
                self.wfile.write(SPAM)

            def log_message(self, *_) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def stop(self) -> None:
        self.may_answer.set()
        self.server.shutdown()
        self.server.server_close()


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 10)


def proxied(port: int) -> SmtpClient:
    connection = connect(port)
    connection.sendall(proxy_v1(CLIENT))
    client = SmtpClient(port, connected=connection)
    assert client.ehlo().code == 250
    return client


def states(daemon: Daemon) -> list[str]:
    return sorted(one["state"] for one in daemon.api("GET", "/v1/sessions")["sessions"])


def story(lab: Lab) -> None:
    server, filter_ = lab.sink(), SlowFilter()
    lab.cleanup.callback(filter_.stop)
    server.answer("RCPT", HANG)
    certificate, key = make_certificate(lab.directory / "tls", ["hold.example.net"])
    config = lab.config(
        new=server,
        domains={
            "example.com": {"phase": "hold"},
            "asked.example": {"phase": "hold", "recipients": {"verify": ["new"]}},
        },
        listeners=[
            {"address": "127.0.0.1:0"},
            {"address": "127.0.0.1:0", "proxy_protocol": {"networks": ["127.0.0.1"]}},
            {"address": "127.0.0.1:0", "tls": "implicit"},
        ],
        tls={"certificate": str(certificate), "key": str(key)},
        timeouts={"greeting": "1m"},
        greeting_delay="1m",
        verify={"timeout": "1s"},
        filter={"rspamd": filter_.address},
        drain_timeout="20s",
    )
    daemon = lab.daemon(config).start()
    plain, behind_proxy, implicit = daemon.ports()

    delayed = connect(plain)
    without_header = connect(behind_proxy)
    without_hello = connect(implicit)
    handshaking = proxied(behind_proxy)
    assert handshaking.command("STARTTLS").code == 220
    judged = proxied(behind_proxy)
    judged.mail("ann@sender.example")
    judged.rcpt("bob@example.com")
    assert judged.command("DATA").code == 354
    judged.send(message() + b".\r\n")
    assert filter_.asked.wait(20)
    asking = proxied(behind_proxy)
    asking.mail("ann@sender.example")
    asking.send(b"RCPT TO:<joe@asked.example>\r\n")
    wait_until(lambda: daemon.api("GET", "/v1/status")["sessions"]["inbound"] == 6, "all are there")
    wait_until(lambda: states(daemon) == ["commit", "rcpt", "starttls"], "and where they should be")

    started = time.monotonic()
    daemon.signal(signal.SIGTERM)
    for client in (delayed, without_header, without_hello, handshaking.socket):
        assert client.recv(100) == b"", "nothing is said to who is not greeted or waits for TLS"
    assert asking.read_reply().code == 450
    assert asking.read_reply().code == 421
    assert time.monotonic() - started < 8, "nobody waited for a timeout of minutes"
    filter_.may_answer.set()
    assert judged.read_reply().code == 250
    assert judged.read_reply().code == 421
    assert daemon.wait_exit(20) == 0, daemon.log()
    assert time.monotonic() - started < 12

    daemon.start()
    row = daemon.row("bob@example.com")
    assert row["tags"] == ["spam"], f"what was accepted meanwhile was judged, too: {row}"
    daemon.assert_balanced(accepted=1, held=1)


run(story)
