"""Modified UTF-7 of RFC 3501 §5.1.3, written from the RFC so that it can judge ours."""

import base64
import re


def encode_name(name: str) -> bytes:
    def shifted(found: re.Match[str]) -> str:
        if found.group() == "&":
            return "&-"
        octets = base64.b64encode(found.group().encode("utf-16-be")).rstrip(b"=")
        return "&" + octets.decode().replace("/", ",") + "-"

    return re.sub(r"&|[^\x20-\x7e]+", shifted, name).encode("ascii")


def decode_name(raw: bytes) -> str:
    """What is no modified UTF-7 is read as UTF-8, with U+FFFD for what is not that either."""

    def plain(found: re.Match[str]) -> str:
        shifted = found.group(1)
        if not shifted:
            return "&"
        padded = shifted.replace(",", "/") + "=" * (-len(shifted) % 4)
        return base64.b64decode(padded).decode("utf-16-be")

    text = raw.decode("utf-8", "replace")
    try:
        return re.sub(r"&([A-Za-z0-9+,]*)-", plain, text)
    except ValueError:
        return text
