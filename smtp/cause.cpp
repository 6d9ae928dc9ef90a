#include "smtp/cause.hpp"

#include "base/bytes.hpp"
#include "base/check.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace siding::smtp {
namespace {

struct Row {
    Cause cause;
    std::string_view key;
    CauseDescription description;
};

constexpr std::array<Row, 16> rows = {{
    {Cause::no_such_mailbox,
     "no_such_mailbox",
     {"The server does not know the mailbox.",
      "Create the mailbox or an alias there, or give the address another one with siding remap."}},
    {Cause::mailbox_full,
     "mailbox_full",
     {"The mailbox is full.", "Raise its quota or make room, then release."}},
    {Cause::mailbox_disabled,
     "mailbox_disabled",
     {"The mailbox exists and is switched off.",
      "Enable it, or give the address another one with siding remap."}},
    {Cause::too_large,
     "too_large",
     {"The message is larger than the server takes.",
      "Raise the server's message size, or send it to another server."}},
    {Cause::smtputf8,
     "smtputf8",
     {"The message has an internationalised address, and the server does not offer SMTPUTF8.",
      "Switch SMTPUTF8 on there, give the address an ASCII one with siding remap, or send it to "
      "another server."}},
    {Cause::binarymime,
     "binarymime",
     {"The message is 8-bit or binary, and the server does not offer what that needs.",
      "Switch 8BITMIME, or CHUNKING and BINARYMIME, on there, or send it to another server."}},
    {Cause::requiretls,
     "requiretls",
     {"The sender demands REQUIRETLS, and the way to the server cannot keep it.",
      "Use tls: verify with a server that offers REQUIRETLS."}},
    {Cause::policy,
     "policy",
     {"A rule of the server forbids it.",
      "Read its words; often this host's address must be allowed there, as a connector or trusted "
      "network."}},
    {Cause::spam,
     "spam",
     {"The server takes the message for spam or malware.",
      "Tell the server to trust this host's Received line, look at the message, then release or "
      "discard it."}},
    {Cause::sender_refused,
     "sender_refused",
     {"The server does not accept the sender's address.",
      "Look for a rule about this sender, or about mail from its own domain that comes from "
      "outside."}},
    {Cause::relay_denied,
     "relay_denied",
     {"The server does not think that the domain is its own.",
      "Add the domain there as one that it accepts mail for."}},
    {Cause::bare_newline,
     "bare_newline",
     {"The server will not take bare CR or LF in a message.",
      "Such octets are left in BODY=BINARYMIME alone; send it to another server."}},
    {Cause::authentication,
     "authentication",
     {"The server wants a login, or SPF, DKIM or DMARC fail for it.",
      "Have it skip these checks for this host, or set auth for the server."}},
    {Cause::tls,
     "tls",
     {"The server wants TLS, or another kind of it.", "Set tls for the server."}},
    {Cause::unreadable,
     "unreadable",
     {"The stored message cannot be read.",
      "Run siding audit; see the operator's guide on damaged records."}},
    {Cause::other,
     "other",
     {"The server gives a reason that fits no other group.", "Read its words in siding trace."}},
}};

const Row& row_of(Cause cause) {
    const auto* const row = std::ranges::find(rows, cause, &Row::cause);
    SIDING_CHECK(row != rows.end(), "a cause without a name");
    return *row;
}

// What stands at the front of "550-5.1.1 text" or "550 5.1.1 text"; zeros where nothing does.
struct Codes {
    int code = 0;
    int subject = -1;
    int detail = -1;
    std::string words;  // in lower case
};

bool take_number(std::string_view& text, int& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc{} || out < 0 || out > 999) {
        return false;
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
}

Codes parse_codes(std::string_view text) {
    Codes codes;
    codes.words = to_lower(text);
    if (!take_number(text, codes.code)) {
        return {0, -1, -1, codes.words};
    }
    text.remove_prefix(std::min(text.find_first_not_of(" -"), text.size()));
    int status = 0;
    int subject = -1;
    int detail = -1;
    const auto take_dot = [&] {
        const bool found = text.starts_with('.');
        text.remove_prefix(found ? 1 : 0);
        return found;
    };
    if (take_number(text, status) && status == codes.code / 100 && take_dot() &&
        take_number(text, subject) && take_dot() && take_number(text, detail)) {
        codes.subject = subject;
        codes.detail = detail;
    }
    return codes;
}

// RFC 3463, RFC 7372 and what the big providers make of them; detail -1: any.
struct Meaning {
    int subject;
    int detail;
    Cause cause;
};

constexpr std::array sure_meanings = {
    Meaning{1, 1, Cause::no_such_mailbox},
    Meaning{1, 3, Cause::no_such_mailbox},
    Meaning{1, 6, Cause::no_such_mailbox},  // moved, no forwarding address
    Meaning{1, 10, Cause::no_such_mailbox},
    Meaning{1, 7, Cause::sender_refused},
    Meaning{1, 8, Cause::sender_refused},
    Meaning{2, 1, Cause::mailbox_disabled},
    Meaning{2, 2, Cause::mailbox_full},
    Meaning{2, 3, Cause::too_large},
    Meaning{3, 4, Cause::too_large},
    Meaning{6, 3, Cause::binarymime},
    Meaning{6, 7, Cause::smtputf8},
    Meaning{6, 9, Cause::smtputf8},
    Meaning{6, 11, Cause::bare_newline},  // Exchange: BareLinefeedsAreIllegal
    Meaning{7, 10, Cause::tls},
    Meaning{7, 20, Cause::authentication},  // RFC 7372: DKIM, SPF, reverse DNS
    Meaning{7, 21, Cause::authentication},
    Meaning{7, 22, Cause::authentication},
    Meaning{7, 23, Cause::authentication},
    Meaning{7, 24, Cause::authentication},
    Meaning{7, 26, Cause::authentication},
    Meaning{7, 27, Cause::sender_refused},
    Meaning{7, 30, Cause::requiretls},
    Meaning{7, 54, Cause::relay_denied},     // Exchange Online
    Meaning{7, 57, Cause::authentication},   // Exchange Online: client was not authenticated
    Meaning{7, 64, Cause::relay_denied},     // Exchange Online: TenantAttribution
    Meaning{7, 509, Cause::authentication},  // Exchange Online: DMARC
    Meaning{7, 515, Cause::authentication},
};

// What many servers say under one code, mostly x.7.1 or none. The first that fits.
struct Words {
    std::string_view part;
    Cause cause;
};

constexpr std::array telling_words = {
    Words{"requiretls", Cause::requiretls},
    Words{"smtputf8", Cause::smtputf8},
    Words{"bare <lf>", Cause::bare_newline},
    Words{"bare lf", Cause::bare_newline},
    Words{"bare <cr>", Cause::bare_newline},
    Words{"bare newline", Cause::bare_newline},
    Words{"bare linefeed", Cause::bare_newline},
    Words{"bare line feed", Cause::bare_newline},
    Words{"starttls", Cause::tls},
    Words{"must use tls", Cause::tls},
    Words{"encryption required", Cause::tls},
    Words{"relay access denied", Cause::relay_denied},
    Words{"relaying denied", Cause::relay_denied},
    Words{"relay not permitted", Cause::relay_denied},
    Words{"relaying not", Cause::relay_denied},
    Words{"unable to relay", Cause::relay_denied},
    Words{"not a local domain", Cause::relay_denied},
    Words{"authentication required", Cause::authentication},
    Words{"authentication is required", Cause::authentication},
    Words{"dmarc", Cause::authentication},
    Words{"dkim", Cause::authentication},
    Words{" spf", Cause::authentication},
    Words{"unauthenticated", Cause::authentication},
    Words{"virus", Cause::spam},
    Words{"malware", Cause::spam},
    Words{"phish", Cause::spam},
    Words{"spam", Cause::spam},
    Words{"unsolicited", Cause::spam},
    Words{"junk", Cause::spam},
    Words{"over quota", Cause::mailbox_full},
    Words{"quota exceeded", Cause::mailbox_full},
    Words{"mailbox full", Cause::mailbox_full},
    Words{"mailbox is full", Cause::mailbox_full},
    Words{"too large", Cause::too_large},
    Words{"too big", Cause::too_large},
    Words{"size limit", Cause::too_large},
    Words{"maximum message size", Cause::too_large},
    Words{"sender address rejected", Cause::sender_refused},
    Words{"sender rejected", Cause::sender_refused},
    Words{"sender denied", Cause::sender_refused},
    Words{"disabled", Cause::mailbox_disabled},
    Words{"inactive", Cause::mailbox_disabled},
    Words{"suspended", Cause::mailbox_disabled},
    Words{"no such", Cause::no_such_mailbox},
    Words{"user unknown", Cause::no_such_mailbox},
    Words{"unknown user", Cause::no_such_mailbox},
    Words{"unknown recipient", Cause::no_such_mailbox},
    Words{"recipient unknown", Cause::no_such_mailbox},
    Words{"unrouteable address", Cause::no_such_mailbox},
    Words{"does not exist", Cause::no_such_mailbox},
    Words{"doesn't exist", Cause::no_such_mailbox},
    Words{"not found", Cause::no_such_mailbox},
    Words{"invalid recipient", Cause::no_such_mailbox},
    Words{"mailbox unavailable", Cause::no_such_mailbox},
    Words{"recipient address rejected: access denied", Cause::no_such_mailbox},  // Exchange Online
};

std::optional<Cause> by_words(const std::string& words) {
    const auto* const found = std::ranges::find_if(telling_words, [&](const Words& one) {
        return words.find(one.part) != std::string::npos;
    });
    return found == telling_words.end() ? std::nullopt : std::optional{found->cause};
}

std::optional<Cause> by_enhanced(const Codes& codes) {
    const auto* const found = std::ranges::find_if(sure_meanings, [&](const Meaning& one) {
        return one.subject == codes.subject && one.detail == codes.detail;
    });
    return found == sure_meanings.end() ? std::nullopt : std::optional{found->cause};
}

// RFC 5321 §4.2.3, where nothing else is said.
Cause by_code(const Codes& codes) {
    if (codes.subject == 7) {
        return Cause::policy;
    }
    switch (codes.code) {
    case 530:
    case 535:
        return Cause::authentication;
    case 538:
        return Cause::tls;
    case 551:
        return Cause::no_such_mailbox;
    case 552:
        return Cause::mailbox_full;
    case 523:
        return Cause::too_large;
    default:
        return codes.subject == 2 ? Cause::mailbox_disabled : Cause::other;
    }
}

}  // namespace

std::string_view to_text(Cause cause) {
    return row_of(cause).key;
}

std::optional<Cause> parse_cause(std::string_view key) {
    const auto* const row = std::ranges::find(rows, key, &Row::key);
    return row == rows.end() ? std::nullopt : std::optional{row->cause};
}

Cause cause_of(const Verdict& verdict) {
    return cause_of_text(verdict.text);
}

Cause cause_of_text(std::string_view reply) {
    if (reply.starts_with("unreadable")) {
        return Cause::unreadable;
    }
    const Codes codes = parse_codes(reply);
    if (const auto cause = by_enhanced(codes)) {
        return *cause;
    }
    if (const auto cause = by_words(codes.words)) {
        return *cause;
    }
    return by_code(codes);
}

CauseDescription describe(Cause cause) {
    return row_of(cause).description;
}

}  // namespace siding::smtp
