"""An OAuth server over HTTPS with the test's own authority: a token endpoint (RFC 6749), a device
endpoint (RFC 8628), and introspection (RFC 7662).

    server = TokenServer(lab).start()
    server.client("siding", "client-secret")
    first = server.refresh_token("ann")
    imap.is_good_token = server.is_good

`rotates`: each refresh gives a new refresh token, and the old one is dead. `lifetime` is of access
tokens, in seconds. `faults` are answered once each before anything else: (status, document), or
None for a connection that is closed. `asked` is every form that has come; `secrets` is what must
not be found in anybody's log.
"""

import contextlib
import http.server
import itertools
import json
import secrets
import ssl
import threading
import time
import urllib.parse
from dataclasses import dataclass, field
from typing import Any

from siding_lab import Lab
from test_certificates import make_ca, make_certificate

HOST = "127.0.0.1"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class Refused(Exception):
    def __init__(self, code: str, words: str = "", status: int = 400):
        super().__init__(code)
        self.code, self.words, self.status = code, words, status


@dataclass
class Access:
    user: str | None  # None: the client's own, good for everybody
    ends_at: float


@dataclass
class Device:
    user_code: str
    interval: int
    ends_at: float
    answers: list[str] = field(default_factory=list)  # errors, in turn, before the one that counts
    user: str | None = None  # who has said yes
    is_denied: bool = False
    polled_at: list[float] = field(default_factory=list)


class Quiet(http.server.ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """A client that does not trust us."""


class TokenServer:
    def __init__(self, lab: Lab, tls: bool = True):
        self.lab = lab
        self.tls = tls
        self.port = 0
        self.guard = threading.RLock()
        self.clients: dict[str, str] = {}
        self.refresh: dict[str, str] = {}  # token → user
        self.access: dict[str, Access] = {}
        self.devices: dict[str, Device] = {}
        self.rotates = False
        self.lifetime: float = 3600
        self.interval = 1
        self.pending: list[str] = []  # answers of the next device
        self.faults: list[tuple[int, dict[str, Any]] | None] = []
        self.asked: list[dict[str, str]] = []
        self.numbers = itertools.count(1)
        self.http: http.server.ThreadingHTTPServer | None = None
        lab.cleanup.callback(self.stop)

    # --- addresses ------------------------------------------------------------------------------
    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{HOST}:{self.port}"

    @property
    def ca_file(self) -> str:
        return str(make_ca(self.lab.directory / "tls"))

    def settings(self, client: str, **more: str) -> dict[str, str]:
        """The `tokens` of a configuration."""
        settings = {
            "endpoint": f"{self.url}/token",
            "device_endpoint": f"{self.url}/device",
            "client_id": client,
            "ca_file": self.ca_file,
            **more,
        }
        return {key: value for key, value in settings.items() if value}

    # --- what there is --------------------------------------------------------------------------
    def client(self, name: str, secret: str = "") -> None:
        self.clients[name] = secret

    def refresh_token(self, user: str) -> str:
        token = f"refresh-{next(self.numbers)}-{secrets.token_urlsafe(24)}"
        with self.guard:
            self.refresh[token] = user
        return token

    def revoke(self, user: str) -> None:
        with self.guard:
            self.refresh = {token: who for token, who in self.refresh.items() if who != user}

    def expire(self) -> None:
        """Every access token, at once."""
        with self.guard:
            self.access.clear()

    def is_good(self, user: str, token: str) -> bool:
        with self.guard:
            access = self.access.get(token)
            return bool(
                access and access.ends_at > time.monotonic() and access.user in (None, user)
            )

    def grants(self) -> list[str]:
        with self.guard:
            return [form.get("grant_type", "device") for form in self.asked]

    @property
    def device(self) -> Device:
        """The one that was begun last."""
        with self.guard:
            return list(self.devices.values())[-1]

    # --- answers --------------------------------------------------------------------------------
    def answer(self, path: str, form: dict[str, str]) -> dict[str, Any]:
        if path == "/introspect":
            access = self.access.get(form.get("token", ""))
            is_active = access is not None and access.ends_at > time.monotonic()
            user = access.user if access and is_active else None
            return {"active": is_active, "username": user, "user_name": user}
        if path not in ("/token", "/device"):
            raise Refused("not_found", status=404)
        wanted = self.clients.get(form.get("client_id", ""))
        if wanted is None or wanted != form.get("client_secret", ""):
            raise Refused("invalid_client", "Client authentication failed", 401)
        if path == "/device":
            return self._begin()
        match form.get("grant_type"):
            case "client_credentials":
                return self._give(None)
            case "refresh_token":
                return self._renew(form["refresh_token"])
            case kind if kind == DEVICE_GRANT:
                return self._poll(form["device_code"])
        raise Refused("unsupported_grant_type")

    def _give(self, user: str | None) -> dict[str, Any]:
        token = f"access-{next(self.numbers)}-{secrets.token_urlsafe(24)}"
        self.access[token] = Access(user, time.monotonic() + self.lifetime)
        return {"access_token": token, "token_type": "Bearer", "expires_in": int(self.lifetime)}

    def _renew(self, token: str) -> dict[str, Any]:
        user = self.refresh.get(token)
        if user is None:
            # Some endpoints are as careless as this with what they were sent.
            raise Refused("invalid_grant", f"Token {token} has been revoked.\r\nTrace: 1")
        answer = self._give(user)
        if self.rotates:
            del self.refresh[token]
            answer["refresh_token"] = self.refresh_token(user)
        return answer

    def _begin(self) -> dict[str, Any]:
        number = next(self.numbers)
        code = f"device-{number}-{secrets.token_urlsafe(24)}"
        device = Device(f"WDJB-{number:04}", self.interval, time.monotonic() + 60, self.pending)
        self.pending = []
        self.devices[code] = device
        return {
            "device_code": code,
            "user_code": device.user_code,
            "verification_uri": f"{self.url}/activate",
            "verification_uri_complete": f"{self.url}/activate?user_code={device.user_code}",
            "expires_in": 60,
            "interval": device.interval,
        }

    def _poll(self, code: str) -> dict[str, Any]:
        device = self.devices.get(code)
        if device is None:
            raise Refused("expired_token")
        device.polled_at.append(time.monotonic())
        if device.answers:
            raise Refused(device.answers.pop(0))
        if device.is_denied:
            raise Refused("access_denied", "The user said no")
        if device.user is None:
            raise Refused("authorization_pending")
        del self.devices[code]
        return {**self._give(device.user), "refresh_token": self.refresh_token(device.user)}

    # --- process --------------------------------------------------------------------------------
    def start(self) -> "TokenServer":
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                server._serve(self)

            def log_message(self, *_: Any) -> None:
                pass

        self.http = Quiet((HOST, self.port), Handler)
        self.http.daemon_threads = True
        if self.tls:
            pair = make_certificate(self.lab.directory / "tls", ["localhost", HOST], file="tokens")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*pair)
            self.http.socket = context.wrap_socket(
                self.http.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def _serve(self, request: http.server.BaseHTTPRequestHandler) -> None:
        length = int(request.headers.get("Content-Length", "0"))
        text = request.rfile.read(length).decode()
        form = {k: v[-1] for k, v in urllib.parse.parse_qs(text, keep_blank_values=True).items()}
        with self.guard:
            if request.path != "/introspect":
                self.asked.append(form)
            fault = self.faults.pop(0) if self.faults else ()
            if fault is None:
                with contextlib.suppress(OSError):
                    request.connection.close()
                return
            if fault:
                status, document = fault
            else:
                status, document = 200, {}
                try:
                    document = self.answer(request.path, form)
                except Refused as refused:
                    status = refused.status
                    document = {"error": refused.code, "error_description": refused.words}
        octets = json.dumps(document).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Cache-Control", "no-store")
        request.send_header("Content-Length", str(len(octets)))
        request.end_headers()
        request.wfile.write(octets)

    def stop(self) -> None:
        if self.http:
            self.http.shutdown()
            self.http.server_close()
            self.http = None

    @property
    def secrets(self) -> set[str]:
        """All that must never be read anywhere but here."""
        with self.guard:
            found = {secret for secret in self.clients.values() if secret}
            found |= set(self.refresh) | set(self.access) | set(self.devices)
            for form in self.asked:
                found |= {form[k] for k in ("refresh_token", "device_code") if k in form}
            return found
