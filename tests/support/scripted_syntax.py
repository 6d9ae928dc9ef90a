"""The syntax that the scripted IMAP server needs: tokens of a command, sets, dates, strings."""

import calendar
import re
import time
from collections.abc import Iterable

MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


class BadSyntax(Exception):
    pass


class Text(bytes):
    """A quoted string or a literal, as opposed to an atom."""


Token = "str | Text | list[Token]"


def tokens(parts: Iterable[bytes | Text]) -> list:
    """`parts` are pieces of the line, and between them the literals. Atoms come as str."""
    stack: list[list] = [[]]
    for part in parts:
        if isinstance(part, Text):
            stack[-1].append(part)
        else:
            _tokens_of(part, stack)
    if len(stack) != 1:
        raise BadSyntax("Missing )")
    return stack[0]


def _tokens_of(line: bytes, stack: list[list]) -> None:
    at = 0
    while at < len(line):
        octet = line[at : at + 1]
        if octet == b" ":
            at += 1
        elif octet == b"(":
            stack.append([])
            at += 1
        elif octet == b")":
            if len(stack) < 2:
                raise BadSyntax("Too many )")
            done = stack.pop()
            stack[-1].append(done)
            at += 1
        elif octet == b'"':
            found = re.compile(rb'"((?:\\["\\]|[^"\\\r\n])*)"').match(line, at)
            if not found:
                raise BadSyntax("Missing quote")
            stack[-1].append(Text(re.sub(rb"\\(.)", rb"\1", found.group(1))))
            at = found.end()
        else:
            found = re.compile(rb'(?:[^ ()"\[]|\[[^\]]*\])+').match(line, at)
            if not found:
                raise BadSyntax("Unexpected character")
            stack[-1].append(found.group().decode("latin-1"))
            at = found.end()


def text_of(token: object) -> str:
    """An astring."""
    if isinstance(token, bytes):
        return token.decode("utf-8", "surrogateescape")
    if isinstance(token, str):
        return token
    raise BadSyntax("A string was expected")


def quoted(text: str) -> bytes:
    octets = text.encode("utf-8", "surrogateescape")
    if re.search(rb'[\r\n\x80-\xff\0]', octets):
        return b"{%d}\r\n%s" % (len(octets), octets)
    return b'"' + re.sub(rb'(["\\])', rb"\\\1", octets) + b'"'


def numbers(text: str, largest: int) -> list[range]:
    """A sequence set; `largest` is what * means."""
    ranges = []
    for piece in text.split(","):
        ends = [largest if end == "*" else int(end) for end in piece.split(":") if _is_number(end)]
        if not ends or len(ends) != piece.count(":") + 1:
            raise BadSyntax("Invalid set")
        ranges.append(range(min(ends), max(ends) + 1))
    return ranges


def _is_number(text: str) -> bool:
    return text == "*" or text.isdigit()


def set_text(numbers_of: Iterable[int]) -> str:
    """Ranges where they follow each other, in the order given."""
    runs: list[list[int]] = []
    for number in numbers_of:
        if runs and runs[-1][1] + 1 == number:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(a) if a == b else f"{a}:{b}" for a, b in runs)


def date_text(seconds: int) -> str:
    at = time.gmtime(seconds)
    return time.strftime(f"%d-{MONTHS[at.tm_mon - 1]}-%Y %H:%M:%S +0000", at)


def date_of(text: str) -> int:
    found = re.fullmatch(
        r" ?(\d{1,2})-(\w{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)", text
    )
    if not found or found.group(2).title() not in MONTHS:
        raise BadSyntax("Invalid date")
    day, month, year, hour, minute, second = found.groups()[:6]
    month_number = MONTHS.index(month.title()) + 1
    fields = (int(year), month_number, int(day), int(hour), int(minute), int(second))
    offset = (int(found.group(8)) * 60 + int(found.group(9))) * 60
    return calendar.timegm(fields) + (-offset if found.group(7) == "+" else offset)


def matches(pattern: str, name: str, separator: str) -> bool:
    """LIST's * and %."""
    escaped = "".join(
        ".*" if c == "*" else f"[^{re.escape(separator)}]*" if c == "%" else re.escape(c)
        for c in pattern
    )
    return re.fullmatch(escaped, name, re.S) is not None


def section_of(octets: bytes, section: str) -> bytes:
    """What BODY[section] gives: nothing, HEADER, TEXT or HEADER.FIELDS (…)."""
    section = section.upper()
    head, blank, body = octets.partition(b"\r\n\r\n")
    header = head + blank
    if section == "":
        return octets
    if section == "HEADER":
        return header
    if section == "TEXT":
        return body
    if section.startswith("HEADER.FIELDS"):
        wanted = set(section[section.index("(") + 1 : section.index(")")].lower().split())
        lines = re.findall(rb"(?:[^\r\n]*\r\n)(?:[ \t][^\r\n]*\r\n)*", header)
        kept = [x for x in lines if x.split(b":")[0].decode("latin-1").lower().strip() in wanted]
        return b"".join(kept) + b"\r\n"
    raise BadSyntax(f"No section {section}")
