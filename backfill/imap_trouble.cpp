#include "backfill/imap_trouble.hpp"

#include "base/bytes.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <span>

namespace siding::backfill {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds back_off_max = 1h;
constexpr std::chrono::milliseconds no_wait{0};

struct Sentence {
    std::string_view words;  // lower case, somewhere in the text
    Trouble trouble;
    std::chrono::milliseconds back_off = no_wait;
};

// Sentences that say more than the code beside them, or another thing: looked up first, in order.
constexpr auto sentences = std::to_array<Sentence>({
    // Microsoft 365 and Exchange
    {"request is throttled", Trouble::throttled, 1min},
    {"accesstokenexpired", Trouble::expired_token},
    {"access token expired", Trouble::expired_token},
    {"authenticated but not connected", Trouble::authentication},  // wrong password or mailbox
    {"folder name is reserved", Trouble::bad_name},
    {"mailbox already exists", Trouble::already_exists},
    {"server unavailable", Trouble::unavailable, 30s},
    {"server busy", Trouble::unavailable, 30s},
    {"backend server not available", Trouble::unavailable, 30s},
    // Google
    {"bandwidth limit", Trouble::throttled, 1h},  // comes with [OVERQUOTA]
    {"too many simultaneous connections", Trouble::too_many_connections, 1min},
    {"invalid character in literal", Trouble::bad_message},
    {"excess whitespace", Trouble::bad_name},
    {"application-specific password required", Trouble::authentication},
    {"please log in via your web browser", Trouble::authentication},
    {"invalid credentials", Trouble::authentication},
    {"message too large", Trouble::too_big},
    {"system error", Trouble::server_bug, 30s},
    // Yahoo
    {"rate limit hit", Trouble::throttled, 1min},
    {"fetch server error", Trouble::unavailable},  // of some messages for ever
    // Dovecot
    {"maximum number of connections", Trouble::too_many_connections, 1min},
    {"timeout while waiting for lock", Trouble::in_use, 30s},
    {"mailbox is locked", Trouble::in_use, 30s},
    {"temporary authentication failure", Trouble::unavailable, 30s},
    {"temporary internal", Trouble::unavailable, 30s},
    {"internal error occurred", Trouble::server_bug, 30s},
    {"doesn't allow inferior mailboxes", Trouble::bad_name},
    {"character not allowed in mailbox name", Trouble::bad_name},
    {"not valid mutf-7", Trouble::bad_name},
    {"mailbox name too long", Trouble::bad_name},
    {"literal too large", Trouble::too_big},
    {"literal size too large", Trouble::too_big},
    {"message size too large", Trouble::too_big},
    {"save a zero byte message", Trouble::bad_message},
    {"save mail with zero size", Trouble::bad_message},
    {"invalid system flag", Trouble::bad_flag},
    {"invalid keyword", Trouble::bad_flag},
    {"keyword name", Trouble::bad_flag},
    {"invalid flag", Trouble::bad_flag},
    {"too many keywords", Trouble::bad_flag},
    {"read-only", Trouble::read_only},
    // Cyrus
    {"contains nul character", Trouble::bad_message},
    {"contains bare newlines", Trouble::bad_message},
    {"contains non-ascii characters in headers", Trouble::bad_message},
    {"contains invalid header", Trouble::bad_message},
    {"message contains", Trouble::bad_message},
    {"message has no header", Trouble::bad_message},
    {"too many user flags", Trouble::bad_flag},
    {"system i/o error", Trouble::server_bug, 30s},
    {"only available under a layer", Trouble::authorization},
    // Courier
    {"exceeded your mail quota", Trouble::over_quota},
    {"maximum connection limit", Trouble::too_many_connections, 1min},
    {"unable to open this mailbox", Trouble::no_such_mailbox},
    {"invalid mailbox name", Trouble::bad_name},
    {"invalid folder name", Trouble::bad_name},
    // anybody: not to be tried again by itself, whatever "locked" and "disabled" mean elsewhere
    {"account is locked", Trouble::authentication},
    {"account locked", Trouble::authentication},
    {"account has been locked", Trouble::authentication},
    {"account is disabled", Trouble::authentication},
    {"account disabled", Trouble::authentication},
    // NetEase and QQ: an ID command has to come first
    {"unsafe login", Trouble::authorization},
});

// What the same trouble is called by many servers, looked up behind the code.
constexpr auto phrases = std::to_array<Sentence>({
    {"throttl", Trouble::throttled, 1min},
    {"rate limit", Trouble::throttled, 1min},
    {"too many requests", Trouble::throttled, 1min},
    {"too many connections", Trouble::too_many_connections, 1min},
    {"connection limit", Trouble::too_many_connections, 1min},
    {"too many sessions", Trouble::too_many_connections, 1min},
    {"plaintext authentication disallowed", Trouble::authorization},
    {"authentication failed", Trouble::authentication},
    {"authentication failure", Trouble::authentication},
    {"login failed", Trouble::authentication},
    {"logon failure", Trouble::authentication},
    {"authenticate failed", Trouble::authentication},
    {"incorrect password", Trouble::authentication},
    {"bad username or password", Trouble::authentication},
    {"quota", Trouble::over_quota},
    {"mailbox is full", Trouble::over_quota},
    {"mailbox full", Trouble::over_quota},
    {"disk full", Trouble::over_quota},
    {"no space left", Trouble::over_quota},
    {"too large", Trouble::too_big},
    {"too big", Trouble::too_big},
    {"maximum message size", Trouble::too_big},
    {"exceeds size limit", Trouble::too_big},
    {"virus", Trouble::bad_message},
    {"already exists", Trouble::already_exists},
    {"permission denied", Trouble::authorization},
    {"access denied", Trouble::authorization},
    {"not permitted", Trouble::authorization},
    {"not allowed", Trouble::authorization},
    {"mailbox doesn't exist", Trouble::no_such_mailbox},
    {"does not exist", Trouble::no_such_mailbox},
    {"no such mailbox", Trouble::no_such_mailbox},
    {"no such folder", Trouble::no_such_mailbox},
    {"unknown mailbox", Trouble::no_such_mailbox},
    {"nonexistent", Trouble::no_such_mailbox},
    {"must create", Trouble::no_such_mailbox},
    {"read only", Trouble::read_only},
    {"in use", Trouble::in_use, 30s},
    {"locked", Trouble::in_use, 30s},
    {"temporar", Trouble::unavailable, 30s},
    {"try again", Trouble::unavailable, 30s},
    {"unavailable", Trouble::unavailable, 30s},
    {"timeout", Trouble::unavailable, 30s},
    {"timed out", Trouble::unavailable, 30s},
    {"internal error", Trouble::server_bug, 30s},
    {"internal server error", Trouble::server_bug, 30s},
});

// RFC 5530 §3, RFC 9051 §7.1, RFC 7889, RFC 4469, RFC 9208, RFC 9738.
constexpr auto codes = std::to_array<Sentence>({
    {"AUTHENTICATIONFAILED", Trouble::authentication},
    {"AUTHORIZATIONFAILED", Trouble::authorization},
    {"EXPIRED", Trouble::authentication},  // the password
    {"PRIVACYREQUIRED", Trouble::authorization},
    {"CONTACTADMIN", Trouble::authorization},
    {"WEBALERT", Trouble::authentication},
    {"NOPERM", Trouble::authorization},
    {"THROTTLED", Trouble::throttled, 1min},
    {"UNAVAILABLE", Trouble::unavailable, 30s},
    {"INUSE", Trouble::in_use, 30s},
    {"SERVERBUG", Trouble::server_bug, 30s},
    {"CORRUPTION", Trouble::server_bug},
    {"OVERQUOTA", Trouble::over_quota},
    {"TOOBIG", Trouble::too_big},
    {"TRYCREATE", Trouble::no_such_mailbox},
    {"NONEXISTENT", Trouble::no_such_mailbox},
    {"ALREADYEXISTS", Trouble::already_exists},
    {"UNKNOWN-CTE", Trouble::bad_message},
    {"BADCOMMENT", Trouble::bad_message},
    {"READ-ONLY", Trouble::read_only},
});

struct Found {
    Trouble trouble;
    std::chrono::milliseconds back_off;
};

std::optional<Found> find_words(std::span<const Sentence> table, std::string_view text) {
    for (const Sentence& row : table) {
        if (text.find(row.words) != std::string_view::npos) {
            return Found{row.trouble, row.back_off};
        }
    }
    return std::nullopt;
}

// Codes that mean one thing here and another there.
std::optional<Found> find_code(std::string_view code, ImapStage stage) {
    const auto* const row = std::ranges::find(codes, code, &Sentence::words);
    if (row != codes.end()) {
        return Found{row->trouble, row->back_off};
    }
    if (code == "LIMIT") {
        switch (stage) {
        case ImapStage::login:
            return Found{Trouble::too_many_connections, 1min};
        case ImapStage::store:
            return Found{Trouble::bad_flag, no_wait};
        case ImapStage::select:
        case ImapStage::fetch:
            return Found{Trouble::throttled, 1min};
        case ImapStage::append:
        case ImapStage::create:
        case ImapStage::other:
            return std::nullopt;
        }
    }
    if (code == "CANNOT" || code == "CLIENTBUG") {
        switch (stage) {
        case ImapStage::append:
            return Found{Trouble::bad_message, no_wait};
        case ImapStage::create:
            return Found{Trouble::bad_name, no_wait};
        case ImapStage::store:
            return Found{Trouble::bad_flag, no_wait};
        case ImapStage::login:
        case ImapStage::select:
        case ImapStage::fetch:
        case ImapStage::other:
            return std::nullopt;
        }
    }
    return std::nullopt;
}

Found by_stage(const ImapResponse& response, ImapStage stage, std::string_view text) {
    if (response.condition == ImapCondition::bye) {
        return {Trouble::bye, no_wait};
    }
    if (stage == ImapStage::login && response.condition == ImapCondition::no) {
        return {Trouble::authentication, no_wait};
    }
    // Exchange, for a message that is too big, has long lines, or finds no room.
    const bool is_argument = text.find("command argument error") != std::string_view::npos ||
                             text.find("additional arguments") != std::string_view::npos;
    if (stage == ImapStage::append && is_argument) {
        return {Trouble::bad_message, no_wait};
    }
    return {Trouble::other, no_wait};
}

bool is_retryable(Trouble trouble, std::string_view code) {
    switch (trouble) {
    case Trouble::expired_token:
    case Trouble::throttled:
    case Trouble::too_many_connections:
    case Trouble::in_use:
    case Trouble::unavailable:
    case Trouble::bye:
        return true;
    case Trouble::server_bug:
        return code != "CORRUPTION";
    case Trouble::other:
        return code == "EXPUNGEISSUED";
    case Trouble::authentication:
    case Trouble::authorization:
    case Trouble::over_quota:
    case Trouble::too_big:
    case Trouble::bad_message:
    case Trouble::bad_flag:
    case Trouble::no_such_mailbox:
    case Trouble::already_exists:
    case Trouble::bad_name:
    case Trouble::read_only:
        return false;
    }
    return false;
}

// "Suggested Backoff Time: 299894 milliseconds"
std::optional<std::chrono::milliseconds> asked_back_off(std::string_view text) {
    constexpr std::string_view words = "backoff time:";
    const std::size_t at = text.find(words);
    if (at == std::string_view::npos) {
        return std::nullopt;
    }
    text.remove_prefix(at + words.size());
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    std::uint32_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc{}) {
        return std::nullopt;
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    const bool is_seconds = text.starts_with(" second");
    const std::chrono::milliseconds wait =
        is_seconds ? std::chrono::milliseconds{std::chrono::seconds{count}}
                   : std::chrono::milliseconds{count};
    return std::min(wait, back_off_max);
}

}  // namespace

Judged judge(const ImapResponse& response, ImapStage stage) {
    const std::string text = to_lower(response.text);
    std::optional<Found> found = find_words(sentences, text);
    if (!found) {
        found = find_code(response.code, stage);
    }
    if (!found) {
        found = find_words(phrases, text);
    }
    if (!found) {
        found = by_stage(response, stage, text);
    }
    Judged judged;
    judged.trouble = found->trouble;
    judged.is_retryable = is_retryable(found->trouble, response.code);
    judged.back_off = asked_back_off(text);
    if (!judged.back_off && found->back_off > no_wait) {
        judged.back_off = found->back_off;
    }
    const std::string code = response.code.empty() ? "" : "[" + response.code + "] ";
    judged.words = escape(code + response.text);
    return judged;
}

std::optional<std::chrono::milliseconds> named_back_off(std::string_view words) {
    return asked_back_off(to_lower(words));
}

std::string_view name(Trouble trouble) {
    switch (trouble) {
    case Trouble::authentication:
        return "authentication";
    case Trouble::authorization:
        return "authorization";
    case Trouble::expired_token:
        return "expired token";
    case Trouble::throttled:
        return "throttled";
    case Trouble::too_many_connections:
        return "too many connections";
    case Trouble::over_quota:
        return "over quota";
    case Trouble::too_big:
        return "too big";
    case Trouble::bad_message:
        return "bad message";
    case Trouble::bad_flag:
        return "bad flag";
    case Trouble::no_such_mailbox:
        return "no such mailbox";
    case Trouble::already_exists:
        return "already exists";
    case Trouble::bad_name:
        return "bad name";
    case Trouble::read_only:
        return "read only";
    case Trouble::in_use:
        return "in use";
    case Trouble::server_bug:
        return "server bug";
    case Trouble::unavailable:
        return "unavailable";
    case Trouble::bye:
        return "bye";
    case Trouble::other:
        return "other";
    }
    return "other";
}

}  // namespace siding::backfill
