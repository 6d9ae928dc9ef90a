"""How servers differ, as data: what they announce, how names look, which quirks they have.

    server = ScriptedImap(lab, users, MODERN.without("UIDPLUS").having("date_lost"))

Quirks of messages kept: adds_final_crlf, adds_header, changes_body, date_lost, flags_lost,
flagged_lost, keeps_one_of_equals (a UID is given, and the message thrown away), nul_as_0x80 (when
read). Of APPEND: needs_final_crlf, needs_utf8_append (for 8-bit headers), nul_ends_connection,
refuses_bare_lf, refuses_nul, no_append_while_examined, appended_unseen (by this connection, until
it selects again). Of answers: copyuid_permuted, date_of_1899, extra_continuation (though the
literal did not ask), flags_with_star, highestmodseq_without_text, inbox_twice, leading_nul,
names_as_literals, no_enabled, no_uidnext, no_uidnext_on_select, no_uidvalidity_on_examine,
split_fetch, search_finds_nothing, status_ends_with_blank, uidvalidity_zero, vanished_clipped (the
highest UID is left out), vanished_wrong (names others). Others:
names_ignore_case, needs_id (before SELECT), bearer_plain_no (a token is refused with NO alone).
"""

from dataclasses import dataclass, replace

ALL_SYSTEM_FLAGS = ("\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft")


@dataclass(frozen=True)
class Personality:
    name: str = "modern"
    greeting: str = "* OK [CAPABILITY {before}] ready"
    before: str = "IMAP4rev1 SASL-IR LITERAL+ ID ENABLE AUTH=PLAIN AUTH=XOAUTH2 AUTH=SCRAM-SHA-256"
    after: str = (
        "IMAP4rev1 LITERAL+ ID ENABLE IDLE MULTIAPPEND UNSELECT CHILDREN NAMESPACE UIDPLUS"
        " LIST-EXTENDED CONDSTORE QRESYNC ESEARCH LIST-STATUS MOVE SPECIAL-USE STATUS=SIZE OBJECTID"
        " BINARY SAVEDATE"
    )
    separator: str = "/"
    prefix: str = ""
    folders: tuple[tuple[str, ...], ...] = ()  # (name, attribute, …) that every account has
    permanent_flags: tuple[str, ...] = (*ALL_SYSTEM_FLAGS, "\\*")
    quirks: frozenset[str] = frozenset()
    append_limit: int = 0
    line_limit: int = 0  # the longest line that APPEND takes
    message_limit: int = 0  # how many messages one FETCH may name
    # What CREATE says to names that match.
    bad_names: tuple[tuple[str, str], ...] = ()

    def having(self, *quirks: str, **changes: object) -> "Personality":
        return replace(self, quirks=self.quirks | set(quirks), **changes)

    def without(self, *capabilities: str) -> "Personality":
        kept = (word for word in self.after.split() if word not in capabilities)
        return replace(self, after=" ".join(kept))


MODERN = Personality()

# No extension at all; every literal waits for its continuation.
MINIMAL = Personality(
    name="minimal",
    greeting="* OK IMAP4rev1 service ready",
    before="IMAP4rev1",
    after="IMAP4rev1",
)

# No QRESYNC and no MULTIAPPEND. [Gmail] cannot be selected. What is there already is taken, gets a
# UID, and is thrown away. NUL ends the connection.
GMAIL = Personality(
    name="gmail",
    greeting="* OK Gimap ready for requests from 127.0.0.1 lab",
    before="IMAP4rev1 UNSELECT IDLE NAMESPACE QUOTA ID XLIST CHILDREN X-GM-EXT-1 XYZZY SASL-IR"
    " AUTH=XOAUTH2 AUTH=PLAIN AUTH=PLAIN-CLIENTTOKEN AUTH=OAUTHBEARER",
    after="IMAP4rev1 UNSELECT IDLE NAMESPACE QUOTA ID XLIST CHILDREN X-GM-EXT-1 UIDPLUS ENABLE MOVE"
    " CONDSTORE ESEARCH UTF8=ACCEPT LIST-EXTENDED LIST-STATUS LITERAL- SPECIAL-USE"
    " APPENDLIMIT=35651584",
    folders=(
        ("[Gmail]", "\\Noselect"), ("[Gmail]/All Mail", "\\All"), ("[Gmail]/Drafts", "\\Drafts"),
        ("[Gmail]/Sent Mail", "\\Sent"), ("[Gmail]/Spam", "\\Junk"), ("[Gmail]/Trash", "\\Trash"),
        ("[Gmail]/Starred", "\\Flagged"), ("[Gmail]/Important", "\\Important"),
    ),
    quirks=frozenset({"highestmodseq_without_text", "nul_ends_connection", "keeps_one_of_equals"}),
    append_limit=35_651_584,
    bad_names=(
        (r"^ | $|  |^.*/ | /", "[CANNOT] Folder contains excess whitespace"),
        (r"[\^\"]", "[CANNOT] Invalid folder name"),
        (r"(?i)^\[gmail\]", "[CANNOT] Folder name is reserved"),
    ),
)  # fmt: skip

# No CONDSTORE, no SPECIAL-USE. \Flagged is lost in APPEND, long lines are refused, names are equal
# without regard to case, a STATUS line ends with a blank.
MICROSOFT = Personality(
    name="microsoft",
    greeting="* OK The Microsoft Exchange IMAP4 service is ready. [TABFAA==]",
    before="IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS ID UNSELECT CHILDREN IDLE"
    " NAMESPACE LITERAL+",
    after="IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS MOVE ID UNSELECT"
    " CLIENTACCESSRULES CLIENTNETWORKPRESENCELOCATION BACKENDAUTHENTICATE CHILDREN IDLE NAMESPACE"
    " LITERAL+",
    folders=(("Drafts",), ("Sent Items",), ("Deleted Items",), ("Junk Email",), ("Archive",)),
    permanent_flags=(*ALL_SYSTEM_FLAGS, "$MDNSent"),
    quirks=frozenset(
        {"flagged_lost", "names_ignore_case", "status_ends_with_blank", "extra_continuation"}
    ),
    append_limit=150 << 20,
    line_limit=10_500,
    bad_names=((r"(?i)^(files|calendar|contacts|tasks)$", "Folder name is reserved."),),
)

# Windows of 1,000; a message must end with CRLF; COPYUID is not in order; EXPUNGE says nothing.
YAHOO = Personality(
    name="yahoo",
    greeting="* OK [CAPABILITY {before}] IMAP4rev1 Hello",
    before="IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=XOAUTH2 AUTH=OAUTHBEARER ID MOVE NAMESPACE"
    " XYMHIGHESTMODSEQ UIDPLUS LITERAL+ CHILDREN UNSELECT X-MSG-EXT OBJECTID",
    after="IMAP4rev1 ID MOVE NAMESPACE UIDPLUS LITERAL+ CHILDREN UNSELECT OBJECTID UIDONLY"
    " LIST-STATUS SPECIAL-USE PARTIAL MESSAGELIMIT=1000 APPENDLIMIT=41697280",
    folders=(
        ("Archive", "\\Archive"), ("Bulk", "\\Junk"), ("Draft", "\\Drafts"), ("Sent", "\\Sent"),
        ("Trash", "\\Trash"),
    ),
    quirks=frozenset({"needs_final_crlf", "copyuid_permuted"}),
    append_limit=41_697_280,
    message_limit=1000,
)  # fmt: skip

COURIER_WORDS = (
    "IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA IDLE"
)

# "INBOX." and "."; nothing new; what this connection appends it sees only when it selects again.
COURIER = Personality(
    name="courier",
    greeting="* OK [CAPABILITY {before}] Courier-IMAP ready.",
    before=COURIER_WORDS,
    after=COURIER_WORDS,
    separator=".",
    prefix="INBOX.",
    quirks=frozenset(
        {
            "appended_unseen", "no_append_while_examined", "adds_final_crlf",
            "no_uidnext_on_select",
        }
    ),
    permanent_flags=("\\*", *ALL_SYSTEM_FLAGS),
)  # fmt: skip

# Keeps UIDs and UIDVALIDITY only as long as it runs, lies about its numbers, writes names oddly.
BROKEN = Personality(
    name="broken",
    greeting="\0\0* OK ready ",
    before="IMAP4rev1 AUTH=PLAIN",
    after="IMAP4rev1 UIDPLUS NAMESPACE CHILDREN",
    quirks=frozenset(
        {
            "no_uidnext", "uidvalidity_zero", "names_as_literals", "split_fetch", "inbox_twice",
            "flags_with_star", "leading_nul", "date_of_1899",
        }
    ),
)  # fmt: skip

PERSONALITIES = {p.name: p for p in (MODERN, MINIMAL, GMAIL, MICROSOFT, YAHOO, COURIER, BROKEN)}
