#include "relay/pass_verdict.hpp"

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "smtp/cause.hpp"

#include <algorithm>
#include <utility>

namespace siding::relay {
namespace {

const smtp::Reply too_large{552, {5, 3, 4}, "Message size exceeds fixed limit"};

// What the server said beforehand, and we would have heard: RFC 1870 §6.1.
bool is_too_large(const smtp::Verdict& verdict) {
    return !verdict.reply && smtp::cause_of(verdict) == smtp::Cause::too_large;
}

// Who has to log in is the relay; and mail that comes by way of a relay has another address than
// its sender's SPF record says, unless the server has been told (RFC 7372 §3.2).
bool is_about_our_rights(const smtp::Reply& reply) {
    constexpr smtp::EnhancedCode spf_failed{5, 7, 23};
    return reply.code == 530 || reply.code == 534 || reply.code == 535 || reply.code == 538 ||
           reply.enhanced == spf_failed;
}

// It refuses the relay, not the sender: somebody has to set it right, and nobody's mail may come
// back meanwhile.
bool is_about_us(const smtp::Verdict& verdict) {
    const auto cause = smtp::cause_of(verdict);
    return cause == smtp::Cause::relay_denied || cause == smtp::Cause::tls ||
           is_about_our_rights(*verdict.reply);
}

bool is_name_octet(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

// A dot belongs to a name if more of it follows; a colon does in IPv6 addresses alone.
bool goes_on(std::string_view rest, bool has_colons) {
    if (rest.empty()) {
        return false;
    }
    const bool joins = rest[0] == '.' || (has_colons && rest[0] == ':');
    return is_name_octet(rest[0]) || (joins && rest.size() > 1 && is_name_octet(rest[1]));
}

bool is_word(std::string_view text, std::size_t at, std::string_view word) {
    const bool has_colons = word.find(':') != std::string_view::npos;
    const char before = at > 0 ? text[at - 1] : ' ';
    const bool is_begun =
        is_name_octet(before) || before == '.' || before == '@' || (has_colons && before == ':');
    return !is_begun && !goes_on(text.substr(at + word.size()), has_colons);
}

std::string replace_name(std::string_view text, std::string_view theirs, std::string_view ours) {
    std::string out;
    std::size_t at = 0;
    while (at < text.size()) {
        const bool is_theirs = equals_ignoring_case(text.substr(at, theirs.size()), theirs) &&
                               is_word(text, at, theirs);
        out += is_theirs ? ours : text.substr(at, 1);
        at += is_theirs ? theirs.size() : 1;
    }
    return out;
}

}  // namespace

PassAnswer answer_of(const smtp::Verdict& verdict) {
    switch (verdict.kind) {
    case smtp::VerdictKind::delivered:
        return PassAnswer::yes;
    case smtp::VerdictKind::transient:
    case smtp::VerdictKind::in_doubt:
        return PassAnswer::queue;
    case smtp::VerdictKind::permanent:
        if (!verdict.reply) {
            return is_too_large(verdict) ? PassAnswer::no : PassAnswer::queue;
        }
        return is_about_us(verdict) ? PassAnswer::queue : PassAnswer::no;
    }
    SIDING_UNREACHABLE("no such verdict");
}

smtp::Reply reply_of(const smtp::Verdict& verdict) {
    return verdict.reply ? *verdict.reply : too_large;
}

smtp::Reply as_ours(
    smtp::Reply reply, std::span<const std::string> their_names, std::string_view our_name
) {
    for (const std::string& name : their_names) {
        if (name.find_first_of(".:") == std::string::npos) {
            continue;  // "mail" is a word of any sentence
        }
        for (std::string& line : reply.lines) {
            line = replace_name(line, name, our_name);
        }
    }
    return reply;
}

queue::Placement place_passed(const Passed& passed) {
    queue::Placement placement;
    placement.lane = passed.server;
    placement.state = queue::State::due;
    if (!passed.verdict) {
        return placement;
    }
    const smtp::Verdict& verdict = *passed.verdict;
    placement.reply = verdict.text;
    placement.peer = passed.peer;
    placement.tls = passed.tls;
    placement.sent_as = passed.sent_as;
    if (verdict.kind == smtp::VerdictKind::delivered && verdict.stage == smtp::Stage::end_of_data) {
        placement.state = queue::State::delivered;
        return placement;
    }
    placement.attempted = true;
    placement.in_doubt = verdict.kind == smtp::VerdictKind::in_doubt;
    // A server in trouble is the lane's to wait for. One that may have the message gets time to
    // find out, so that a slow one is not sent a second copy at once.
    const bool is_refused_for_now =
        verdict.kind == smtp::VerdictKind::transient && !verdict.is_about_session();
    placement.due_at =
        is_refused_for_now || placement.in_doubt ? passed.next_attempt_at : WallTime{};
    return placement;
}

std::optional<smtp::Reply> refusal_of(std::span<const Passed* const> passed) {
    const auto is_refused = [](const Passed* one) {
        return one != nullptr && one->verdict && answer_of(*one->verdict) == PassAnswer::no;
    };
    if (passed.empty() || !std::ranges::all_of(passed, is_refused)) {
        return std::nullopt;
    }
    return reply_of(*passed.front()->verdict);
}

std::optional<smtp::Reply> acceptance_of(std::span<const Passed* const> passed) {
    const auto is_delivered = [](const Passed* one) {
        return one != nullptr && one->verdict && one->verdict->reply &&
               one->verdict->kind == smtp::VerdictKind::delivered &&
               one->verdict->stage == smtp::Stage::end_of_data;
    };
    if (passed.empty() || !std::ranges::all_of(passed, is_delivered)) {
        return std::nullopt;
    }
    return *passed.front()->verdict->reply;
}

}  // namespace siding::relay
