#!/usr/bin/env python3
"""Writes the seeds of the SMTP fuzz targets, corpus/TARGET/*, from the transcripts.

Files that a fuzzing run added are left alone: seeds are named after their transcript."""

import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent
TRANSCRIPTS = HERE.parent / "transcripts"
OCTETS_MAX = 2048

SERVER_FLAGS = {"tls_available": 2, "tls_required": 4, "implicit_tls": 8, "xclient": 16,
                "xclient_required": 32, "more_input": 64, "bare_newline reject": 128}
CLIENT_FLAGS = {"no_pipelining": 1, "tls opportunistic": 2, "tls required": 4, "handshake_failed": 8,
                "verified": 16, "probe": 32, "BINARYMIME": 64, "NOTIFY": 128}


def unescape(text):
    def one(match):
        code = match.group(1)
        if code[0] == "x":
            return bytes([int(code[1:], 16)])
        if code[0] == "{":
            return code[1].encode() * int(code[3:-1])
        return {"r": b"\r", "n": b"\n", "0": b"\0", "t": b"\t"}.get(code, code.encode())

    out, at = b"", 0
    for match in re.finditer(r"\\(x[0-9a-fA-F]{2}|\{.\*\d+\}|.)", text):
        out += text[at:match.start()].encode() + one(match)
        at = match.end()
    return out + text[at:].encode()


def lines_of(file):
    """(kind, octets): what the playing side sends line by line, or an @ line as text."""
    for line in file.read_text().splitlines():
        match = re.match(r"([CS])(?:\*(\d+)|(-))?: ?(.*)", line)
        if line.startswith("@ "):
            yield "@", line[2:]
        elif match:
            octets = unescape(match[4]) + (b"" if match[3] else b"\r\n")
            for _ in range(int(match[2] or 1)):
                yield match[1], octets


def write(target, name, octets):
    directory = HERE / "corpus" / target
    directory.mkdir(parents=True, exist_ok=True)
    if 0 < len(octets) <= OCTETS_MAX:
        (directory / name).write_bytes(octets)


def flags_of(lines, flags):
    told = [text for kind, text in lines if kind == "@"]
    return sum(bit for word, bit in flags.items()
               if any(text == word or word in text.split() or word in text for text in told))


def server(file):
    lines = list(lines_of(file))
    sent = b"".join(text for kind, text in lines if kind == "C")
    write("server_dialogue", file.stem, bytes([flags_of(lines, SERVER_FLAGS)]) + sent)
    data, at_data, commands = b"", False, {}
    for kind, text in lines:
        if kind == "S" and text.startswith(b"354"):
            at_data = True
        elif kind == "C" and at_data:
            data += text
            at_data = text != b".\r\n"
        elif kind == "C" and not text.endswith(b"\r\n"):
            write("chunk_codec", f"{file.stem}_{len(commands)}", b"\3" + text)
        elif kind == "C":
            commands[text[:-2]] = None
    if data:
        write("data_codec", file.stem, b"\6" + data)
        write("chunk_codec", file.stem, b"\6" + data)
    return commands


def client(file):
    lines = list(lines_of(file))
    sent = b"".join(text.replace(b"*\r\n", b"x\r\n") for kind, text in lines if kind == "S")
    write("client_dialogue", file.stem, bytes([flags_of(lines, CLIENT_FLAGS)]) + sent)
    write("reply", file.stem, sent)


def main():
    commands = {}
    for file in sorted((TRANSCRIPTS / "inbound").glob("*.smtp")):
        commands.update(server(file))
    for file in sorted((TRANSCRIPTS / "outbound").glob("*.smtp")):
        client(file)
    for number, line in enumerate(sorted(commands)):
        verb = re.match(rb"[A-Za-z]*", line)[0].decode().lower() or "other"
        write("command", f"{verb}_{number}", line)
        path = re.match(rb"(?:MAIL FROM|RCPT TO):(.*)", line)
        if path:
            write("address", f"{verb}_{number}", path[1])
        if verb == "xclient":
            write("xclient", f"{verb}_{number}", line[8:])


main()
