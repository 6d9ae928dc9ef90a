"""The bench on which black-box tests put a real daemon: a directory, a configuration, processes.

Every story is `def story(lab: Lab)` and ends in `run(story)`: exit 0 done, 1 the claim does not
hold (with the daemon's last words), 77 skipped. Every process is ended by the one who started it,
every wait has a deadline, every port is chosen by the system.
"""

import contextlib
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.parse
from dataclasses import dataclass
from typing import Any, Callable

from smtp_sink import RecordingSink

SKIPPED = 77
POLL_SECONDS = 0.02
ROOT = pathlib.Path(__file__).resolve().parents[2]


class Skip(Exception):
    pass


def binaries() -> pathlib.Path:
    return pathlib.Path(os.environ.get("SIDING_BIN", ROOT / "build/dev/bin")).resolve()


def wait_until(condition: Callable[[], Any], what: str, timeout: float = 30.0) -> Any:
    """The first true value of `condition`."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(POLL_SECONDS)


def free_port() -> int:
    """For programs that cannot be told to choose one.

    Below the ports that the system gives to connections and to port 0: such a one could be taken
    before the program binds it.
    """
    while True:
        port = random.randint(12_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port


def listens(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def to_yaml(value: Any, depth: int = 0) -> str:
    """Block style with quoted strings, as an operator would write it."""
    pad = "  " * depth
    if isinstance(value, dict) and value:
        return "".join(f"\n{pad}{_key(k)}:{to_yaml(v, depth + 1)}" for k, v in value.items())
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        items = (to_yaml(item, depth + 1).lstrip() for item in value)
        return "".join(f"\n{pad}- {item}" for item in items)
    return " " + json.dumps(value)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[\w.-]+", key) else json.dumps(key)


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        assert self.out, f"exit {self.code} without a document\n{self.err}"
        return json.loads(self.out)

    def ok(self) -> "Ran":
        assert self.code == 0, f"exit {self.code}\n{self.out}{self.err}"
        return self


class ApiError(Exception):
    def __init__(self, status: int, code: str, text: str):
        super().__init__(f"{status} {code}: {text}")
        self.status, self.code, self.text = status, code, text


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Daemon:
    """One sidingd at a time, on one configuration file; start() again is a restart."""

    PROGRAM = "sidingd"

    def __init__(self, lab: "Lab", name: str, config: dict[str, Any]):
        self.lab = lab
        self.name = name
        self.config = config
        self.config_file = lab.directory / f"{name}.yaml"
        self.log_file = lab.directory / f"{name}.log"
        self.log_start = 0  # where the log of the running process begins
        self.process: subprocess.Popen[bytes] | None = None
        self.environment = {"MALLOC_ARENA_MAX": "2"}  # as the systemd units have it
        self.port = 0
        self.write_config()

    # --- process --------------------------------------------------------------------------------
    def write_config(self) -> None:
        self.config_file.write_text(to_yaml(self.config).lstrip("\n") + "\n")

    def spawn(self, *prefix: str) -> "Daemon":
        """Starts without waiting; `prefix` is a program to run it under."""
        assert self.process is None or self.process.poll() is not None, "it still runs"
        self.log_file.touch()
        self.log_start = self.log_file.stat().st_size
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [*prefix, str(binaries() / self.PROGRAM), "--config", str(self.config_file)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environment},
            )
        return self

    def start(self, *prefix: str, timeout: float = 60.0) -> "Daemon":
        self.spawn(*prefix)
        self.wait_listening(timeout)
        return self

    def wait_listening(self, timeout: float = 60.0) -> int:
        """Reads the port from the one line that the daemon prints when it listens."""
        line = self.wait_log(r"\blistening\b.*\baddress=\"?\S*?:(\d+)\"?(\s|$)", timeout)
        self.port = int(line.group(1))
        return self.port

    def ports(self, timeout: float = 60.0) -> list[int]:
        """Of all listeners, in the order of the configuration."""
        pattern = r"\blistening\b.*\baddress=\"?\S*?:(\d+)\"?(?:\s|$)"
        count = len(self.config["listeners"])
        wait_until(lambda: len(re.findall(pattern, self.log())) == count, "it listens", timeout)
        return [int(port) for port in re.findall(pattern, self.log())]

    def keep_port(self) -> "Daemon":
        """From now on restarts listen where the first one did, for peers that cannot be told."""
        self.config["listeners"] = [{"address": f"127.0.0.1:{self.port}"}]
        self.write_config()
        return self

    def kill(self) -> None:
        """SIGKILL, and it is gone when this returns."""
        assert self.process
        self.process.kill()
        self.process.wait(30)

    def signal(self, number: int) -> None:
        assert self.process
        self.process.send_signal(number)

    def wait_exit(self, timeout: float = 60.0) -> int:
        assert self.process
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} still runs after {timeout} s") from None

    def stop(self, timeout: float = 60.0) -> int:
        """SIGTERM and the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait_exit(timeout)

    def restart(self) -> "Daemon":
        self.stop()
        return self.start()

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def memory_kib(self, field: str = "VmRSS") -> int:
        assert self.process
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(rf"^{field}:\s+(\d+) kB", status, re.M)
        assert found, field
        return int(found.group(1))

    # --- log ------------------------------------------------------------------------------------
    def log(self) -> str:
        """What the running process has said."""
        with self.log_file.open("rb") as file:
            file.seek(self.log_start)
            return file.read().decode("utf-8", "replace")

    def wait_log(self, pattern: str, timeout: float = 30.0) -> re.Match[str]:
        def found() -> re.Match[str] | None:
            match = re.search(pattern, self.log(), re.M)
            if match is None and not self.alive:
                match = re.search(pattern, self.log(), re.M)
                code = self.process.returncode if self.process else None
                assert match, f"{self.name} ended with {code} before /{pattern}/\n{self.log()}"
            return match

        return wait_until(found, f"log line /{pattern}/ of {self.name}", timeout)

    # --- control API ----------------------------------------------------------------------------
    @property
    def socket_path(self) -> str:
        return self.config["control"]["socket"]

    def request(
        self, method: str, path: str, body: Any = None, timeout: float = 60.0
    ) -> tuple[int, bytes]:
        connection = UnixConnection(self.socket_path, timeout)
        with contextlib.closing(connection):
            octets = None if body is None else json.dumps(body).encode()
            headers = {"Content-Type": "application/json"} if octets else {}
            connection.request(method, path, octets, headers)
            response = connection.getresponse()
            return response.status, response.read()

    def api(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        if query:
            path += "?" + urllib.parse.urlencode(query)
        status, octets = self.request(method, path, body)
        answer = json.loads(octets) if octets else None
        if status >= 400:
            error = answer["error"]
            raise ApiError(status, error["code"], error["message"])
        return answer

    def rows(self, **query: Any) -> list[dict[str, Any]]:
        """All rows of the listing, page by page."""
        rows: list[dict[str, Any]] = []
        while True:
            page = self.api("GET", "/v1/queue", **query)
            rows += page["rows"]
            if not page.get("cursor"):
                return rows
            query["cursor"] = page["cursor"]

    def row(self, recipient: str) -> dict[str, Any]:
        rows = self.rows(recipient=recipient)
        assert len(rows) == 1, f"{len(rows)} rows for {recipient}"
        return rows[0]

    def wait_state(self, recipient: str, state: str, timeout: float = 30.0) -> dict[str, Any]:
        def arrived() -> dict[str, Any] | None:
            rows = [row for row in self.rows(recipient=recipient) if row["state"] == state]
            return rows[0] if rows else None

        return wait_until(arrived, f"{recipient} is {state}", timeout)

    def octets_of(self, message: str, trace: bool = True) -> bytes:
        path = f"/v1/messages/{message}/octets{'' if trace else '?trace=0'}"
        status, octets = self.request("GET", path)
        assert status == 200, f"{status} {octets!r}"
        return octets

    def audit(self, deep: bool = True) -> dict[str, Any]:
        return self.api("POST", "/v1/audit", {"deep": deep})

    def assert_balanced(self, timeout: float = 10.0, **expected: int) -> dict[str, Any]:
        """The books balance at every look, and soon the named states have exactly these numbers."""
        deadline = time.monotonic() + timeout
        while True:
            books = self.audit()
            assert books["balanced"] and books["chain_ok"] and not books["problems"], books
            found = {state: books[state] for state in expected}
            # An outcome becomes durable a moment after the next hop has heard of it.
            if found == expected:
                return books
            assert time.monotonic() < deadline, f"audit says {found}, expected {expected}"
            time.sleep(POLL_SECONDS)

    def release(self, to: str = "new", timeout: float = 60.0, **filter_: Any) -> dict[str, Any]:
        """Orders a release through the API and waits until nothing of it is left to do."""
        ordered = self.api("POST", "/v1/releases", {"filter": filter_, "to": to, "dry_run": False})

        def done() -> dict[str, Any] | None:
            state = self.api("GET", f"/v1/releases/{ordered['release']}")
            return state if state["done"] else None

        return wait_until(done, f"release {ordered['release']} is done", timeout)

    def ledger_kinds(self, query: str) -> list[str]:
        """Kinds of all ledger entries that `trace` finds, oldest first."""
        found = self.api("GET", "/v1/trace", query=query)
        return [entry["kind"] for message in found["messages"] for entry in message["entries"]]

    # --- command line ---------------------------------------------------------------------------
    def siding(self, *arguments: str, timeout: float = 120.0) -> Ran:
        return self.lab.siding("--socket", self.socket_path, *arguments, timeout=timeout)


class Lab:
    def __init__(self) -> None:
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="siding-lab-"))
        # Postfix's unprivileged processes pass through on the way to their queue.
        self.directory.chmod(0o755)
        self.cleanup = contextlib.ExitStack()
        self.daemons: list[Daemon] = []

    def __enter__(self) -> "Lab":
        return self

    def __exit__(self, kind: type | None, *_) -> None:
        for daemon in self.daemons:
            if daemon.alive:
                daemon.kill()
        self.cleanup.close()
        if kind is not None and not issubclass(kind, (Skip, KeyboardInterrupt)):
            self.print_evidence()
        if os.environ.get("SIDING_LAB_KEEP"):
            print(f"kept: {self.directory}", file=sys.stderr)
        else:
            shutil.rmtree(self.directory, ignore_errors=True)

    def print_evidence(self) -> None:
        for daemon in self.daemons:
            lines = daemon.log_file.read_text(errors="replace").splitlines() if (
                daemon.log_file.exists()
            ) else []
            print(f"--- {daemon.name}: last of {len(lines)} lines", file=sys.stderr)
            print("\n".join(lines[-60:]), file=sys.stderr)

    # --- parts ----------------------------------------------------------------------------------
    def sink(self, **options: Any) -> RecordingSink:
        sink = RecordingSink(**options)
        self.cleanup.callback(sink.stop)
        return sink

    def config(
        self,
        new: RecordingSink | str | None = None,
        old: RecordingSink | str | None = None,
        domains: dict[str, Any] | None = None,
        name: str = "sidingd",
        **more: Any,
    ) -> dict[str, Any]:
        """A whole configuration; `more` replaces top-level keys."""
        servers = {"old": old, "new": new}
        config: dict[str, Any] = {
            "hostname": "hold.example.net",
            "data_dir": str(self.directory / f"{name}.data"),
            "listeners": [{"address": "127.0.0.1:0"}],
            "limits": {"connections_per_client": 1000},
            "servers": {
                key: {"address": to if isinstance(to, str) else to.address}
                for key, to in servers.items()
                # Nobody listens on the discard port: a server that must not be reached.
                for to in [to or "127.0.0.1:9"]
            },
            "domains": domains or {"example.com": {"phase": "hold"}},
            "retry": {"schedule": ["1s"]},
            "storage": {"disk_reserve": "64MiB"},
            "control": {"socket": str(self.directory / f"{name}.sock")},
        }
        config.update(more)
        # A daemon of a story asks nobody outside about its domains.
        dns = config.setdefault("dns", {})
        dns.setdefault("enabled", "roots" in dns)
        return config

    def daemon(self, config: dict[str, Any] | None = None, name: str = "sidingd") -> Daemon:
        """Configured, not started."""
        for path in (binaries() / "sidingd", binaries() / "siding"):
            assert path.exists(), f"{path} is missing: build first"
        daemon = Daemon(self, name, config or self.config(name=name))
        self.daemons.append(daemon)
        return daemon

    # --- programs -------------------------------------------------------------------------------
    def siding(self, *arguments: str, timeout: float = 120.0) -> Ran:
        return self.run(str(binaries() / "siding"), *arguments, timeout=timeout)

    def run(self, *command: str, timeout: float = 120.0, stdin: bytes = b"", **options: Any) -> Ran:
        done = subprocess.run(
            command, input=stdin, capture_output=True, timeout=timeout, check=False, **options
        )
        out, err = (octets.decode(errors="replace") for octets in (done.stdout, done.stderr))
        return Ran(done.returncode, out, err)

    def start_process(self, *command: str, **options: Any) -> subprocess.Popen[bytes]:
        """A helper program that ends with the lab at the latest."""
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)
        self.cleanup.callback(end_process, process)
        return process


def end_process(process: subprocess.Popen[bytes], timeout: float = 20.0) -> int:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout)
    return process.returncode


def program(name: str) -> str:
    """Path of a program that a Debian package brings, or a skip that names it."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/lib/postfix/sbin")
    if not found:
        raise Skip(f"{name} is not installed")
    return found


def run(story: Callable[[Lab], None]) -> None:
    """Runs one story and ends the program."""
    started = time.monotonic()
    name = pathlib.Path(sys.argv[0]).stem
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        with Lab() as lab:
            story(lab)
    except Skip as reason:
        print(f"SKIP {name}: {reason}")
        sys.exit(SKIPPED)
    except Exception:  # noqa: BLE001 - the one place that turns a failed claim into an exit code
        traceback.print_exc()
        print(f"FAILED {name} after {time.monotonic() - started:.1f} s", file=sys.stderr)
        sys.exit(1)
    print(f"ok {name} ({time.monotonic() - started:.1f} s)")
    # Threads of sinks and loads may still wait for a peer that is gone.
    sys.stdout.flush()
    os._exit(0)
