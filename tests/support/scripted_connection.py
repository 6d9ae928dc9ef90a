"""One connection of the scripted IMAP server: octets in and out, commands, login, faults."""

import base64
import contextlib
import hashlib
import hmac
import json
import os
import re
import socket
import struct
import time
from typing import TYPE_CHECKING, Any

from scripted_store import StoredAccount
from scripted_syntax import BadSyntax, Text, text_of, tokens

if TYPE_CHECKING:
    from scripted_imap import Fault, ScriptedImap

LITERAL = re.compile(rb"(~?)\{(\d+)(\+?)\}\r?\n\Z")
ITERATIONS = 4096
HELD_MAX = 256 << 10


class Closed(Exception):
    pass


class Answer(Exception):
    """Ends a command: NO or BAD with its text."""

    def __init__(self, kind: str, text: str):
        super().__init__(text)
        self.kind, self.text = kind, text


class Unread(Answer):
    """As Dovecot does: what the client goes on to send is taken for commands."""


class Connection:
    def __init__(self, server: "ScriptedImap", sock: socket.socket, number: int, tls: bool):
        self.server = server
        self.sock = sock
        self.number = number
        self.tls = tls
        self.buffer = b""
        self.held = bytearray()
        self.user = ""
        self.account: StoredAccount | None = None
        self.tag = "*"
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def has(self, quirk: str) -> bool:
        return quirk in self.server.personality.quirks

    # --- octets ---------------------------------------------------------------------------------
    def close(self, reset: bool = False) -> None:
        with contextlib.suppress(OSError):
            if reset:
                linger = struct.pack("ii", 1, 0)
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            else:
                self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()

    def send(self, octets: bytes, hold: bool = False) -> None:
        """With `hold` it may wait for more."""
        self.held += octets
        if not hold or len(self.held) > HELD_MAX:
            octets, self.held = bytes(self.held), bytearray()
            self.sock.sendall(octets)

    def say(self, line: str) -> None:
        pad = b"\0" if self.has("leading_nul") and line.startswith("*") else b""
        self.send(pad + line.encode("utf-8", "surrogateescape") + b"\r\n")

    def _more(self) -> None:
        octets = self.sock.recv(1 << 18)
        if not octets:
            raise Closed
        self.buffer += octets

    def line(self) -> bytes:
        while b"\n" not in self.buffer:
            if len(self.buffer) > 1 << 20:
                raise Closed
            self._more()
        end = self.buffer.index(b"\n") + 1
        line, self.buffer = self.buffer[:end], self.buffer[end:]
        return line

    def exactly(self, count: int) -> bytes:
        pieces, missing = [self.buffer[:count]], count - len(self.buffer)
        self.buffer = self.buffer[count:]
        while missing > 0:
            octets = self.sock.recv(min(missing, 1 << 20))
            if not octets:
                raise Closed
            pieces.append(octets)
            missing -= len(octets)
        return b"".join(pieces)

    # --- commands -------------------------------------------------------------------------------
    def command(self) -> tuple[str, str, list[Any]]:
        """Tag, name and tokens. What the literals of APPEND meet on the way happens here."""
        parts: list[bytes | Text] = []
        refused: Answer | None = None
        while True:
            line = self.line()
            literal = LITERAL.search(line)
            if not literal:
                parts.append(line.rstrip(b"\r\n"))
                break
            parts.append(line[: literal.start()])
            size = int(literal.group(2))
            words = parts[0].decode("latin-1").split(" ", 2)
            name = words[1].upper() if len(words) > 1 else ""
            self.tag = words[0]
            if not literal.group(3):
                self.say("+ ")
            elif self.has("extra_continuation"):
                self.say("+ Ready for additional command text.")
            try:
                is_message = name == "APPEND" and (len(parts) > 1 or len(words) > 2 and words[2])
                octets = self._literal(size) if is_message else self.exactly(size)
            except Unread:
                raise
            except Answer as answer:  # the rest of the command is read all the same
                refused, octets = refused or answer, b""
            parts.append(Text(octets))
        shown = b"".join(b"{%d}" % len(p) if isinstance(p, Text) else p for p in parts)
        words = shown.decode("latin-1").split(" ", 2)
        self.tag = words[0]
        name = words[1].upper() if len(words) > 1 else ""
        name = words[2].split(" ")[0].upper() if name == "UID" and len(words) > 2 else name
        self.server.note(self, name, shown.decode("latin-1").partition(" ")[2])
        if refused:
            raise refused
        found = tokens(parts)
        if len(found) < 2:
            raise BadSyntax("No command")
        return found[0], text_of(found[1]).upper(), found[2:]

    def _literal(self, size: int) -> bytes:
        fault = self.server.due("APPEND.message", user=self.user)
        if fault is None:
            return self.exactly(size)
        if fault.action == "bad_unread":
            raise Unread("BAD", fault.text or "Error in IMAP command APPEND: Invalid system flag")
        got = self.exactly(min(size, fault.after_octets or size))
        try:
            self.act(fault)
        finally:
            if fault.action in ("no", "bad"):
                self.exactly(size - len(got))
        return got + self.exactly(size - len(got))

    def meet(self, at: str, **where: Any) -> "Fault | None":
        """Does what a fault at this point says; one with an action of its own is returned."""
        fault = self.server.due(at, user=self.user, **where)
        if fault is None or self.act(fault):
            return None
        return fault

    def act(self, fault: "Fault") -> bool:
        self.send(b"")
        match fault.action:
            case "no" | "bad":
                raise Answer(fault.action.upper(), fault.text or "told to refuse")
            case "bye":
                self.say(f"* BYE {fault.text or 'told to go'}")
                self.close()
                raise Closed
            case "drop" | "reset":
                self.close(reset=fault.action == "reset")
                raise Closed
            case "delay":
                time.sleep(fault.seconds)
            case "say":
                self.say(fault.text)
            case _:
                return False
        return True

    # --- login ----------------------------------------------------------------------------------
    def check_password(self, user: str, password: str, authzid: str = "") -> None:
        account = self.server.accounts.get(user)
        if account is None or not hmac.compare_digest(account.password, password):
            raise Answer("NO", "[AUTHENTICATIONFAILED] Invalid credentials")
        self.enter(authzid or user)

    def enter(self, user: str) -> None:
        if user not in self.server.accounts:
            raise Answer("NO", "[AUTHORIZATIONFAILED] No such user")
        self.account, self.user = self.server.accounts[user], user

    def authenticate(self, mechanism: str, initial: str | None) -> None:
        match mechanism:
            case "PLAIN":
                parts = self.challenge(b"", initial).split(b"\0")
                if len(parts) != 3:
                    raise Answer("BAD", "Invalid PLAIN response")
                authzid, user, password = (part.decode() for part in parts)
                self.check_password(user, password, authzid)
            case "LOGIN":
                user = self.challenge(b"User Name\0", initial).decode()
                self.check_password(user, self.challenge(b"Password\0", None).decode())
            case "XOAUTH2" | "OAUTHBEARER":
                self._bearer(mechanism, self.challenge(b"", initial))
            case "SCRAM-SHA-256":
                self._scram(self.challenge(b"", initial).decode())
            case _:
                raise Answer("NO", "[CANNOT] Unsupported mechanism")

    def challenge(self, octets: bytes, initial: str | None) -> bytes:
        if initial is None:
            self.say("+ " + base64.b64encode(octets).decode())
            initial = self.line().decode("latin-1").rstrip("\r\n")
        if initial == "*":
            raise Answer("BAD", "Cancelled")
        try:
            return b"" if initial == "=" else base64.b64decode(initial, validate=True)
        except ValueError:
            raise Answer("BAD", "Invalid base64") from None

    def _bearer(self, mechanism: str, response: bytes) -> None:
        """XOAUTH2, and OAUTHBEARER (RFC 7628 §3.1): refused with a challenge that says why, or
        as Exchange does without (quirk bearer_plain_no)."""
        is_new = mechanism == "OAUTHBEARER"
        head = rb"\An,a=([^,\x01]*),\x01(?:[^\x01]+\x01)*?" if is_new else rb"\Auser=([^\x01]*)\x01"
        found = re.fullmatch(head + rb"auth=Bearer ([^\x01]*)\x01\x01", response)
        if not found:
            raise Answer("BAD", f"Invalid {mechanism} message")
        user = found.group(1).decode()
        if is_new:
            user = user.replace("=2C", ",").replace("=3D", "=")
        token = found.group(2).decode()
        account = self.server.accounts.get(user)
        good = account is not None and token in account.tokens
        if account is not None and self.server.is_good_token:
            good = self.server.is_good_token(user, token)
        if good:
            self.enter(user)
            return
        if self.has("bearer_plain_no"):
            raise Answer("NO", "AUTHENTICATE failed.")
        status = "invalid_token" if is_new else "400"
        why = {"status": status, "schemes": "Bearer", "scope": "https://mail.example/"}
        answer = self.challenge(json.dumps(why).encode(), None)
        if answer != (b"\1" if is_new else b""):
            raise Answer("BAD", f"Invalid answer to the error of {mechanism}")
        raise Answer("NO", "[AUTHENTICATIONFAILED] Invalid credentials (Failure)")

    def _scram(self, first: str) -> None:
        """RFC 5802, RFC 7677; without channel binding."""
        found = re.fullmatch(r"([ny]),(?:a=([^,]*))?,(n=([^,]*),r=([^,]+).*)", first)
        if not found:
            raise Answer("BAD", "Invalid SCRAM message")
        header = found.group(1) + "," + (f"a={found.group(2)}" if found.group(2) else "") + ","
        bare, user, nonce = found.group(3), found.group(4), found.group(5)
        user = user.replace("=2C", ",").replace("=3D", "=")
        nonce += base64.b64encode(os.urandom(12)).decode()
        salt = os.urandom(12)
        challenge = f"r={nonce},s={base64.b64encode(salt).decode()},i={ITERATIONS}"
        final = self.challenge(challenge.encode(), None).decode()
        without, _, proof = final.rpartition(",p=")
        binding = base64.b64encode(header.encode()).decode()
        account = self.server.accounts.get(user)
        if account is None or without != f"c={binding},r={nonce}":
            raise Answer("NO", "[AUTHENTICATIONFAILED] Invalid credentials")
        salted = hashlib.pbkdf2_hmac("sha256", account.password.encode(), salt, ITERATIONS)
        client = hmac.digest(salted, b"Client Key", "sha256")
        message = f"{bare},{challenge},{without}".encode()
        signature = hmac.digest(hashlib.sha256(client).digest(), message, "sha256")
        if bytes(a ^ b for a, b in zip(client, signature)) != base64.b64decode(proof):
            raise Answer("NO", "[AUTHENTICATIONFAILED] Invalid credentials")
        server = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), message, "sha256")
        self.challenge(b"v=" + base64.b64encode(server), None)
        self.enter(found.group(2) or user)
