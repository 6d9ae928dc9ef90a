"""A mail server with a memory: Postfix, and behind it a sink that keeps what was delivered."""

import re
from typing import Callable

from postfix_lab import Postfix
from sample_mail import TRACE_HEADER
from siding_lab import Lab
from smtp_sink import Delivery, RecordingSink


class MailServer:
    """`refuse` is for smtpd's recipient access: an address, then the reply."""

    def __init__(
        self,
        lab: Lab,
        name: str,
        refuse: dict[str, str] | None = None,
        on_delivery: Callable[[Delivery], None] | None = None,
        **settings: str,
    ):
        self.box: RecordingSink = lab.sink(
            keep=on_delivery is None,
            on_delivery=on_delivery and (lambda delivery: on_delivery(without_own_line(delivery))),
        )
        table = lab.directory / f"{name}-recipients"
        table.write_text("".join(f"/^{re.escape(a)}$/ {r}\n" for a, r in (refuse or {}).items()))
        self.postfix = Postfix(
            lab,
            name,
            myhostname=f"{name}.example.com",
            relayhost=f"[127.0.0.1]:{self.box.port}",
            smtpd_recipient_restrictions=(
                f"check_recipient_access regexp:{table}, permit_mynetworks, reject"
            ),
            **settings,
        )

    def start(self) -> "MailServer":
        self.postfix.start()
        return self

    @property
    def address(self) -> str:
        return self.postfix.address


def without_own_line(delivery: Delivery) -> Delivery:
    """Postfix puts its own Received: in front; what it got stands behind that."""
    found = TRACE_HEADER.match(delivery.octets)
    assert found, delivery.octets[:200]
    delivery.octets = delivery.octets[found.end() :]
    return delivery
