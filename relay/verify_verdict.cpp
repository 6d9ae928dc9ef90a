#include "relay/verify_verdict.hpp"

namespace siding::relay {
namespace {

using smtp::EnhancedCode;

// RFC 5321 §4.2.3: 550 mailbox unavailable, 551 user not local, 553 mailbox name not allowed. 552
// is a mailbox over its quota, which is there. 554 may mean anything.
Existence judge_code(int code) {
    switch (code) {
    case 550:
    case 551:
    case 553:
        return Existence::unknown;
    case 552:
        return Existence::exists;
    default:
        return Existence::undecided;
    }
}

// RFC 3463 §3.2: status of the address. The ones about the sender (5.1.7, 5.1.8) and 5.1.0, which
// Postfix uses for them, leave it open; so does 5.1.2, a server that does not have the domain
// (yet), and 5.1.4, an address that fits more than one mailbox.
Existence judge_address_status(int detail) {
    switch (detail) {
    case 1:   // bad destination mailbox address
    case 3:   // bad syntax of it
    case 6:   // moved, no forwarding address
    case 10:  // RFC 7505 §4.2; Exchange says it of unknown recipients
        return Existence::unknown;
    default:
        return Existence::undecided;
    }
}

// RFC 3463 §3.3: disabled, full, or not for a message of this length: the mailbox is there.
Existence judge_mailbox_status(int detail) {
    return detail >= 1 && detail <= 3 ? Existence::exists : Existence::undecided;
}

Existence judge_refusal(int code, const EnhancedCode& enhanced) {
    if (enhanced == EnhancedCode{5, 0, 0}) {
        return judge_code(code);
    }
    if (enhanced.subject == 1) {
        return judge_address_status(enhanced.detail);
    }
    if (enhanced.subject == 2) {
        return judge_mailbox_status(enhanced.detail);
    }
    // "550 5.4.1 Recipient address rejected: Access denied" is how Exchange Online's
    // directory-based edge blocking says "no such user"; by RFC 3463 §3.5 it would be about a host.
    if (code == 550 && enhanced == EnhancedCode{5, 4, 1}) {
        return Existence::unknown;
    }
    return Existence::undecided;
}

}  // namespace

Existence judge_probe(const smtp::Verdict& verdict) {
    if (verdict.kind == smtp::VerdictKind::delivered) {
        return Existence::exists;
    }
    if (verdict.stage != smtp::Stage::rcpt || !verdict.reply || !verdict.reply->is_permanent()) {
        return Existence::undecided;
    }
    if (!verdict.reply->enhanced) {
        return judge_code(verdict.reply->code);
    }
    return judge_refusal(verdict.reply->code, *verdict.reply->enhanced);
}

}  // namespace siding::relay
