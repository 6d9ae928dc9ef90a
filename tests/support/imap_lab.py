"""Real IMAP servers on loopback, from Debian's packages: Dovecot, Cyrus, Courier, Mailutils.

    source = Dovecot(lab, {"ann": "secret"}).start()
    destination = Cyrus(lab, {"ann": "secret"}, tls=True).start()

Each has its own directory, ports and users; what a user has is seen with imap_client.Mailbox.
"""

from imap_courier import Courier
from imap_cyrus import Cyrus
from imap_dovecot import Dovecot
from imap_mailutils import Mailutils
from imap_server import ImapServer

__all__ = ["Courier", "Cyrus", "Dovecot", "ImapServer", "Mailutils"]
