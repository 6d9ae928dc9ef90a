"""Real Postfix on loopback: private configuration, queue and ports; and its two test programs."""

import os
import pwd
import re
import subprocess
import time

from siding_lab import Lab, Skip, end_process, free_port, listens, program, wait_until

MASTER_CF = """\
{listener} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""

# What every instance needs to run beside others, and to be compared fairly: no name service, no
# client statistics, no delay that couples input to output, enough processes.
MAIN_CF = {
    "compatibility_level": "3.6",
    "myhostname": "postfix.example.net",
    "mydestination": "",
    "mynetworks": "127.0.0.0/8",
    "inet_interfaces": "127.0.0.1",
    "inet_protocols": "ipv4",
    "default_process_limit": "200",
    "smtpd_client_connection_count_limit": "0",
    "smtpd_peername_lookup": "no",
    "smtp_dns_support_level": "disabled",
    "disable_dns_lookups": "yes",
    "smtp_host_lookup": "native",
    "in_flow_delay": "0",
    "message_size_limit": "0",
    "mailbox_size_limit": "0",
    "smtp_tls_security_level": "none",
    "smtpd_tls_security_level": "none",
    "local_recipient_maps": "",
    "local_transport": "error:no local mail here",
    "alias_maps": "",
    "alias_database": "",
    "biff": "no",
    "append_dot_mydomain": "no",
    "smtpd_relay_restrictions": "permit_mynetworks, reject",
    "smtpd_recipient_restrictions": "permit_mynetworks, reject",
}


class Postfix:
    """One instance. `settings` are main.cf parameters that it is about."""

    def __init__(
        self, lab: Lab, name: str = "postfix", host: str = "127.0.0.1", port: int = 0,
        **settings: str,
    ):  # fmt: skip
        program("postfix")
        if os.geteuid() != 0:
            raise Skip("Postfix starts only as root")
        self.lab = lab
        self.host, self.port = host, port or free_port()
        self.root = lab.directory / name
        self.config = self.root / "etc"
        self.queue = self.root / "queue"
        self.log_file = self.root / "mail.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._write(settings)

    def _write(self, settings: dict[str, str]) -> None:
        data = self.root / "data"
        for directory in (self.root, self.config, self.queue, data):
            directory.mkdir()
            directory.chmod(0o755)
        user = pwd.getpwnam("postfix")
        os.chown(data, user.pw_uid, user.pw_gid)
        main = MAIN_CF | {
            "queue_directory": str(self.queue),
            "data_directory": str(data),
            "maillog_file": str(self.log_file),
            "maillog_file_prefixes": str(self.lab.directory.parent),
            "multi_instance_name": "",
        } | settings
        lines = "".join(f"{key} = {value}\n" for key, value in main.items())
        (self.config / "main.cf").write_text(lines)
        (self.config / "master.cf").write_text(MASTER_CF.format(listener=self.address))
        (self.config / "dynamicmaps.cf").write_text("")

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "MAIL_CONFIG": str(self.config)}

    def start(self) -> "Postfix":
        self.process = subprocess.Popen(
            [program("postfix"), "-c", str(self.config), "start-fg"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(self.root / "start.err").open("wb"),
        )
        self.lab.cleanup.callback(self.stop)

        def up() -> bool:
            assert self.process and self.process.poll() is None, (
                f"Postfix ended\n{(self.root / 'start.err').read_text()}{self.log()}"
            )
            return listens(self.port, self.host)

        wait_until(up, "Postfix listens", 60)
        return self

    def stop(self) -> None:
        """Ends our own master by the id in its own pid file, and waits for the wrapper."""
        process, self.process = self.process, None
        if process is None:
            return
        subprocess.run(
            [program("postfix"), "-c", str(self.config), "stop"],
            capture_output=True,
            timeout=60,
            check=False,
        )
        end_process(process)
        # Its children share the listening socket, and may outlive it for a moment.
        wait_until(lambda: not listens(self.port, self.host), "Postfix is gone")

    def log(self) -> str:
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def wait_log(self, pattern: str, timeout: float = 30.0) -> re.Match[str]:
        what = f"Postfix logs /{pattern}/"
        return wait_until(lambda: re.search(pattern, self.log()), what, timeout)

    def tool(self, name: str, *arguments: str, stdin: bytes = b"", timeout: float = 600.0) -> str:
        """postsuper, postqueue, sendmail …, on this instance."""
        done = subprocess.run(
            [program(name), *arguments],
            input=stdin,
            capture_output=True,
            env=self.environment,
            timeout=timeout,
            check=False,
        )
        assert done.returncode == 0, f"{name}: {done.returncode} {done.stderr.decode()}"
        return done.stdout.decode(errors="replace")

    def queued(self, *names: str) -> int:
        """Files in the named queues (hold, deferred, active, incoming), or in all of them."""
        names = names or ("hold", "deferred", "active", "incoming", "maildrop")
        count = 0
        for name in names:
            for _, _, files in os.walk(self.queue / name):
                count += len(files)
        return count


class SmtpSink:
    """Postfix's smtp-sink(1): fast, keeps nothing. It ends by itself after `count` messages."""

    def __init__(self, lab: Lab, count: int = 0, connections: int = 256):
        self.port = free_port()
        command = [program("smtp-sink"), "-4", "-m", str(connections)]
        if os.geteuid() == 0:
            command += ["-u", "nobody"]
        if count:
            command += ["-M", str(count)]
        self.process = lab.start_process(*command, self.address, "1000")
        wait_until(lambda: listens(self.port), "smtp-sink listens")

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def wait_done(self, timeout: float) -> float:
        """The time.monotonic() at which the last of `count` messages had come."""
        self.process.wait(timeout)
        return time.monotonic()


def smtp_source(
    port: int,
    messages: int,
    sessions: int = 1,
    size_octets: int = 4096,
    recipient: str = "bob@example.com",
    sender: str = "ann@sender.example",
    reuse: bool = True,
    numbered: bool = False,
    recipients: int = 1,
    timeout: float = 3600.0,
) -> float:
    """Sends with smtp-source(1) and returns the seconds that it took."""
    command = [program("smtp-source"), "-4", "-s", str(sessions), "-m", str(messages)]
    command += ["-l", str(size_octets), "-f", sender, "-t", recipient, "-M", "source.example"]
    command += ["-r", str(recipients)]
    command += ["-d"] if reuse else []
    command += ["-N"] if numbered else []
    started = time.monotonic()
    done = subprocess.run(
        [*command, f"inet:127.0.0.1:{port}"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, f"smtp-source: {done.returncode} {done.stderr.decode()[-800:]}"
    return time.monotonic() - started
