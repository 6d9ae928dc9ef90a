"""Two mailboxes side by side: multisets of messages by folder, and what differs, one line each."""

import time
from collections import Counter
from typing import Any

from imap_client import Mailbox, Snapshot


def snapshot(at: Any, user: str, password: str, **options: Any) -> Snapshot:
    with Mailbox(at, user, password, **options) as mailbox:
        return mailbox.snapshot()


def differences(
    wanted: Snapshot, found: Snapshot, names: dict[str, str] | None = None,
    dates: bool = True, flags: bool = True, empty_folders: bool = True,
) -> list[str]:  # fmt: skip
    """One line for each; `names` says what a folder of `wanted` is called in `found`."""
    names = names or {}
    wanted = {names.get(name, name): messages for name, messages in wanted.items()}
    lines: list[str] = []
    for name in sorted({*wanted, *found}):
        if name not in found or name not in wanted:
            count = (wanted.get(name) or found.get(name) or Counter()).total()
            if count or (empty_folders and name not in found):
                where = "is missing" if name not in found else "was not wanted"
                lines.append(f"{name}: {where}, {count} messages")
            continue
        left, right = (_reduced(s[name], dates, flags) for s in (wanted, found))
        lines += [f"{name}: missing {_told(item, n)}" for item, n in (left - right).items()]
        lines += [f"{name}: not wanted {_told(item, n)}" for item, n in (right - left).items()]
    return lines


def assert_same(wanted: Snapshot, found: Snapshot, **options: Any) -> None:
    lines = differences(wanted, found, **options)
    more = f"\n… and {len(lines) - 40} more" if len(lines) > 40 else ""
    assert not lines, f"{len(lines)} differences\n" + "\n".join(lines[:40]) + more


def total(of: Snapshot) -> int:
    return sum(messages.total() for messages in of.values())


def _reduced(messages: Counter[Any], dates: bool, flags: bool) -> Counter[Any]:
    reduced: Counter[Any] = Counter()
    for (sha, date, marks), count in messages.items():
        reduced[sha, date if dates else 0, marks if flags else frozenset()] += count
    return reduced


def _told(item: tuple[str, int, frozenset[str]], count: int) -> str:
    sha, date, flags = item
    when = time.strftime("%d-%b-%Y %H:%M:%S", time.gmtime(date))
    return f"{count} × {sha[:12]} {when} ({' '.join(sorted(flags))})"
