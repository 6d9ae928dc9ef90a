"""What was promised and what arrived: the judge of crash tests.

Every line is on disk (fdatasync) before the step that it announces: SENT before the final dot, ACK
before the next message. The judge itself is tested in oracle_test.py: it goes red for each lie.
"""

import os
import pathlib
import threading
from collections import Counter
from dataclasses import dataclass, field

from sample_mail import lab_id, sha256, without_trace
from smtp_sink import Delivery


@dataclass
class Mail:
    sha: str
    recipients: tuple[str, ...]
    fate: str = "UNKNOWN"  # ACK, REJ or UNKNOWN
    code: int = 0
    dot_sent_at: float = 0.0
    answered_at: float = 0.0


@dataclass(frozen=True)
class Arrival:
    sha: str
    started_at: float
    ended_at: float


@dataclass
class Judgement:
    acknowledged: int = 0
    refused: int = 0
    unknown: int = 0
    unknown_arrived: int = 0
    crashes: int = 0
    lost: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    refused_arrived: list[str] = field(default_factory=list)
    duplicates: list[tuple[str, str]] = field(default_factory=list)  # id, recipient
    unexplained: list[str] = field(default_factory=list)  # duplicates without a crash in between
    replayed: int = 0  # deliveries that were ordered again

    @property
    def good(self) -> bool:
        return not (
            self.lost or self.changed or self.strangers or self.refused_arrived or self.unexplained
        )

    def __str__(self) -> str:
        return (
            f"{self.crashes} crashes: {self.acknowledged} acknowledged, {len(self.lost)} lost,"
            f" {len(self.changed)} changed, {len(self.strangers)} never sent,"
            f" {len(self.refused_arrived)} refused but arrived,"
            f" {len(self.duplicates)} duplicates ({len(self.unexplained)} unexplained);"
            f" {self.replayed} replayed;"
            f" {self.unknown} without an answer, {self.unknown_arrived} of them arrived;"
            f" {self.refused} refused"
        )

    def evidence(self) -> str:
        groups = {
            "lost": self.lost,
            "changed": self.changed,
            "never sent": self.strangers,
            "refused but arrived": self.refused_arrived,
            "unexplained duplicates": self.unexplained,
        }
        return "\n".join(f"{name}: {items[:20]}" for name, items in groups.items() if items)


class Oracle:
    def __init__(self, file: pathlib.Path):
        self.file = file.open("ab", buffering=0)
        self.guard = threading.Lock()
        self.mails: dict[str, Mail] = {}
        self.arrivals: dict[tuple[str, str], list[Arrival]] = {}
        self.replays: Counter[tuple[str, str]] = Counter()
        self.strangers: list[str] = []
        self.crashes: list[float] = []

    def close(self) -> None:
        self.file.close()

    # --- promises -------------------------------------------------------------------------------
    def sent(self, mail_id: str, octets: bytes, recipients: list[str]) -> Mail:
        """Before the final dot leaves."""
        mail = Mail(sha256(octets), tuple(recipients))
        with self.guard:
            assert mail_id not in self.mails, f"{mail_id} is used twice"
            self.mails[mail_id] = mail
        self._write(f"SENT {mail_id} {mail.sha} {','.join(recipients)}")
        return mail

    def answered(self, mail_id: str, code: int, at: float) -> None:
        """The reply to the final dot."""
        mail = self.mails[mail_id]
        mail.fate, mail.code, mail.answered_at = ("ACK" if code == 250 else "REJ"), code, at
        self._write(f"{mail.fate} {mail_id} {code}")

    def unanswered(self, mail_id: str) -> None:
        self._write(f"UNKNOWN {mail_id}")

    def replayed(self, mail_id: str, recipient: str) -> None:
        """It was to be delivered once more: another arrival is wanted, not a duplicate."""
        self.replays[mail_id, recipient] += 1

    def crashed(self, at: float) -> None:
        with self.guard:
            self.crashes.append(at)
        self._write(f"CRASH {at:.6f}")

    def acknowledged(self) -> int:
        with self.guard:
            return sum(mail.fate == "ACK" for mail in self.mails.values())

    def _write(self, line: str) -> None:
        # Appends of one line are whole; whoever syncs also syncs what others have written.
        self.file.write(line.encode() + b"\n")
        os.fdatasync(self.file.fileno())

    # --- arrivals -------------------------------------------------------------------------------
    def arrived(self, delivery: Delivery) -> None:
        """For RecordingSink(on_delivery=…)."""
        mail_id = lab_id(delivery.octets)
        try:
            sha = sha256(without_trace(delivery.octets))
        except AssertionError as error:
            sha = f"(no trace header: {error})"
        arrival = Arrival(sha, delivery.started_at, delivery.ended_at)
        with self.guard:
            if not mail_id:
                self.strangers.append(repr(delivery.octets[:80]))
                return
            for recipient in delivery.recipients:
                self.arrivals.setdefault((mail_id, recipient), []).append(arrival)

    # --- judgement ------------------------------------------------------------------------------
    def judge(self) -> Judgement:
        with self.guard:
            found = Judgement(crashes=len(self.crashes), strangers=list(self.strangers))
            found.replayed = self.replays.total()
            for mail_id, mail in self.mails.items():
                self._judge_mail(found, mail_id, mail)
            for (mail_id, recipient), arrivals in self.arrivals.items():
                self._judge_arrivals(found, mail_id, recipient, arrivals)
        return found

    def _judge_mail(self, found: Judgement, mail_id: str, mail: Mail) -> None:
        copies = [self.arrivals.get((mail_id, recipient), []) for recipient in mail.recipients]
        for recipient, arrivals in zip(mail.recipients, copies):
            replays = self.replays[mail_id, recipient]
            if (mail.fate == "ACK" or replays) and len(arrivals) < 1 + replays:
                found.lost.append(f"{mail_id} {recipient}")
        if mail.fate == "ACK":
            found.acknowledged += 1
        elif mail.fate == "REJ":
            found.refused += 1
            # 451 after a failed write is undecided: the record may have reached the disk.
            if any(copies) and mail.code != 451:
                found.refused_arrived.append(f"{mail_id} {mail.code}")
        else:
            found.unknown += 1
            found.unknown_arrived += any(copies)

    def _judge_arrivals(
        self, found: Judgement, mail_id: str, recipient: str, arrivals: list[Arrival]
    ) -> None:
        mail = self.mails.get(mail_id)
        if mail is None or recipient not in mail.recipients:
            found.strangers.append(f"{mail_id} {recipient}")
            return
        if any(arrival.sha != mail.sha for arrival in arrivals):
            found.changed.append(f"{mail_id} {recipient}")
        surplus = len(arrivals) - 1 - self.replays[mail_id, recipient]
        if surplus <= 0:
            return
        found.duplicates.append((mail_id, recipient))
        ordered = sorted(arrivals, key=lambda arrival: arrival.started_at)
        crossed = sum(
            any(first.started_at <= crash <= second.started_at for crash in self.crashes)
            for first, second in zip(ordered, ordered[1:])
        )
        found.unexplained += [f"{mail_id} {recipient}"] * max(surplus - crossed, 0)
