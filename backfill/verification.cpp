#include "backfill/verification.hpp"

#include "backfill/sample.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fmt/format.h>

namespace siding::backfill {
namespace {

constexpr std::string_view ledger_key = "verification";
constexpr std::array good{
    std::string_view{"exact"},
    std::string_view{"exact but line ends"},
    std::string_view{"deleted"},
    std::string_view{"in another folder"},
    std::string_view{"repaired"},
    not_sampled};

// Two digits, rounded up: what is claimed must hold.
std::string percent(double share) {
    return fmt::format("{:.2f}", std::ceil(share * 10'000) / 100);
}

// A name may have any octet in it, so it stands last, with its line ends and "%" as %XX.
std::string packed(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\n' || c == '\t' || c == '%') {
            out += fmt::format("%{:02X}", static_cast<unsigned>(c));
        } else {
            out += c;
        }
    }
    return out;
}

std::string unpacked(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        unsigned octet = 0;
        if (text[at] == '%' && at + 2 < text.size() &&
            std::from_chars(text.data() + at + 1, text.data() + at + 3, octet, 16).ec ==
                std::errc{}) {
            out += static_cast<char>(octet);
            at += 2;
        } else {
            out += text[at];
        }
    }
    return out;
}

std::string_view take(std::string_view& text, char end) {
    const auto at = text.find(end);
    const std::string_view part = text.substr(0, at);
    text = at == std::string_view::npos ? std::string_view{} : text.substr(at + 1);
    return part;
}

std::uint64_t take_number(std::string_view& text) {
    const std::string_view part = take(text, '\t');
    std::uint64_t number = 0;
    std::from_chars(part.data(), part.data() + part.size(), number);
    return number;
}

using Number = std::uint64_t Verification::*;
constexpr std::array numbers{
    std::pair{std::string_view{"seed"}, Number{&Verification::seed}},
    std::pair{std::string_view{"messages"}, Number{&Verification::messages}},
    std::pair{std::string_view{"looked_at"}, Number{&Verification::looked_at}},
    std::pair{std::string_view{"wrong"}, Number{&Verification::wrong}},
    std::pair{std::string_view{"effective"}, Number{&Verification::effective}},
    std::pair{std::string_view{"suspects"}, Number{&Verification::suspects}},
    std::pair{std::string_view{"suspects_wrong"}, Number{&Verification::suspects_wrong}},
    std::pair{std::string_view{"suspects_left"}, Number{&Verification::suspects_left}},
};

Result<void> parse_line(std::string_view key, std::string_view rest, Verification& out) {
    if (key == "began_at" || key == "ended_at") {
        SIDING_ASSIGN((key == "began_at" ? out.began_at : out.ended_at), parse_time(rest));
    } else if (key == "pass") {
        out.pass = static_cast<std::uint32_t>(take_number(rest));
    } else if (key == "sample") {
        out.sample = rest;
    } else if (key == "verdict") {
        const std::uint64_t count = take_number(rest);
        out.verdicts[unpacked(rest)] = count;
    } else if (key == "extra") {
        const std::uint64_t count = take_number(rest);
        out.extra[unpacked(rest)] = count;
    } else if (key == "message") {
        Extra extra;
        extra.uid = take_number(rest);
        extra.date = take(rest, '\t');
        extra.mailbox = unpacked(take(rest, '\t'));
        extra.subject = unpacked(rest);
        out.extras.push_back(std::move(extra));
    }
    for (const auto& [name, member] : numbers) {
        if (key == name) {
            out.*member = take_number(rest);
        }
    }
    return {};
}

}  // namespace

bool is_good_verdict(std::string_view verdict) {
    return std::ranges::find(good, verdict) != good.end();
}

std::uint64_t Verification::extra_count() const {
    std::uint64_t count = 0;
    for (const auto& [mailbox, there] : extra) {
        count += there;
    }
    return count;
}

std::string Verification::statement() const {
    if (!is_sampled()) {
        return "";
    }
    std::string text = fmt::format("{} wrong of {} sampled of {}", wrong, looked_at, messages);
    if (looked_at == messages) {
        text += ": all of them";
    } else if (effective > 0) {
        text += fmt::format(
            ": fewer than {} % wrong with 95 % confidence",
            percent(wrong_share_max(wrong, effective))
        );
    }
    if (suspects > 0) {
        text += fmt::format(
            "; {} more compared (another size, or wrong before): {} wrong", suspects, suspects_wrong
        );
    }
    if (suspects_left > 0) {
        text += fmt::format("; {} of another size not looked at", suspects_left);
    }
    return text;
}

std::string format_verification(const Verification& v) {
    std::string text = fmt::format(
        "began_at\t{}\nended_at\t{}\npass\t{}\nsample\t{}\n",
        format_time(v.began_at),
        format_time(v.ended_at),
        v.pass,
        v.sample
    );
    for (const auto& [name, member] : numbers) {
        text += fmt::format("{}\t{}\n", name, v.*member);
    }
    for (const auto& [verdict, count] : v.verdicts) {
        text += fmt::format("verdict\t{}\t{}\n", count, packed(verdict));
    }
    for (const auto& [mailbox, count] : v.extra) {
        text += fmt::format("extra\t{}\t{}\n", count, packed(mailbox));
    }
    for (const Extra& extra : v.extras) {
        text += fmt::format(
            "message\t{}\t{}\t{}\t{}\n",
            extra.uid,
            packed(extra.date),
            packed(extra.mailbox),
            packed(extra.subject)
        );
    }
    return text;
}

Result<Verification> parse_verification(std::string_view text) {
    Verification made;
    while (!text.empty()) {
        std::string_view line = take(text, '\n');
        const std::string_view key = take(line, '\t');
        SIDING_TRY(parse_line(key, line, made));
    }
    return made;
}

Result<void> keep_verification(Ledger& ledger, AccountId account, const Verification& made) {
    return ledger.put_value(account, ledger_key, format_verification(made));
}

Result<std::optional<Verification>> last_verification(const Ledger& ledger, AccountId account) {
    SIDING_ASSIGN(const auto text, ledger.value(account, ledger_key));
    if (!text) {
        return std::optional<Verification>{};
    }
    SIDING_ASSIGN(Verification made, parse_verification(*text));
    return std::optional{std::move(made)};
}

}  // namespace siding::backfill
