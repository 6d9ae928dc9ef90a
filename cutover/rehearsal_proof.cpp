#include "cutover/rehearsal_proof.hpp"

#include "base/bytes.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace siding::cutover {
namespace {

constexpr std::size_t problems_max = 50;
constexpr std::size_t changed_copies_max = 10;
constexpr std::size_t changed_octets_max = 64 * 1024 * 1024;
constexpr std::size_t difference_context = 24;

struct Recipient {
    std::size_t message;
    std::size_t number;
};

std::optional<std::size_t> take_number(std::string_view& text, char end) {
    std::size_t number = 0;
    const auto [rest, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    const auto used = static_cast<std::size_t>(rest - text.data());
    if (failed != std::errc{} || used == text.size() || text[used] != end) {
        return std::nullopt;
    }
    text.remove_prefix(used + 1);
    return number;
}

// Reads what Proof::address_of writes.
std::optional<Recipient> parse_recipient(std::string_view text) {
    if (!text.starts_with('m')) {
        return std::nullopt;
    }
    text.remove_prefix(1);
    const auto message = take_number(text, '.');
    const auto number = message ? take_number(text, '@') : std::nullopt;
    if (!number || text != Proof::domain) {
        return std::nullopt;
    }
    return Recipient{*message, *number};
}

bool is_delivered(const smtp::Verdict& verdict) {
    return verdict.kind == smtp::VerdictKind::delivered;
}

bool is_in_doubt(const smtp::Verdict& verdict) {
    return verdict.kind == smtp::VerdictKind::in_doubt;
}

bool is_permanent(const smtp::Verdict& verdict) {
    return verdict.kind == smtp::VerdictKind::permanent;
}

}  // namespace

Proof::Proof(std::string siding_name, std::size_t messages)
    : siding_name_{std::move(siding_name)}, records_(messages) {}

std::string Proof::address_of(std::size_t number, std::size_t recipient) {
    return fmt::format("m{}.{}@{}", number, recipient, domain);
}

void Proof::on_sending(std::size_t number, const RehearsalMail& mail) {
    Record& record = records_[number];
    if (!record.digest.empty()) {
        return;
    }
    const std::string stored = as_stored(mail.octets);
    record.digest = sha256(stored);
    record.octets = mail.octets.size();
    record.bare_newlines = stored != mail.octets;
    record.reverse_path = mail.reverse_path;
    record.copies.resize(mail.recipients);
}

void Proof::on_answer(std::size_t number, std::span<const smtp::Verdict> verdicts) {
    ++events_;
    Record& record = records_[number];
    if (std::ranges::all_of(verdicts, is_delivered)) {
        record.acknowledged = true;
        ++acknowledged_;
        acknowledged_recipients_ += record.copies.size();
        acknowledged_octets_ += record.octets;
        return;
    }
    if (std::ranges::any_of(verdicts, is_in_doubt)) {
        ++record.doubtful_tries;
        doubtful_recipients_ += record.copies.size();
        return;
    }
    // Sent again, a message that was taken for some recipients would be a duplicate for them.
    const bool in_part = std::ranges::any_of(verdicts, is_delivered);
    const auto is_refusal = [in_part](const smtp::Verdict& verdict) {
        return in_part ? !is_delivered(verdict) : is_permanent(verdict);
    };
    const auto refusal = std::ranges::find_if(verdicts, is_refusal);
    if (refusal != verdicts.end()) {
        record.refusal = refusal->text;
    }
}

void Proof::on_unreadable(std::size_t number, const Error& error) {
    ++events_;
    records_[number].refusal = error.message();
}

bool Proof::is_open(std::size_t number) const {
    return !records_[number].acknowledged && records_[number].refusal.empty();
}

void Proof::on_arrival(NextHop hop, const Arrival& arrival) {
    ++events_;
    last_arrival_ = std::chrono::steady_clock::now();
    std::optional<std::size_t> checked;
    for (const std::string& address : arrival.recipients) {
        const auto recipient = parse_recipient(address);
        if (!recipient || recipient->message >= records_.size() ||
            recipient->number >= records_[recipient->message].copies.size()) {
            add_problem(fmt::format("mail for {} arrived, which nobody sent", escape(address)));
            continue;
        }
        ++arrivals_[index(hop)];
        ++records_[recipient->message].copies[recipient->number][index(hop)];
        if (checked != recipient->message) {
            checked = recipient->message;
            if (!check_copy(*checked, arrival)) {
                ++changed_;
            }
        }
    }
}

bool Proof::check_copy(std::size_t number, const Arrival& arrival) {
    const Record& record = records_[number];
    if (arrival.reverse_path != record.reverse_path) {
        add_problem(fmt::format(
            "message {} was sent by <{}> and arrived from <{}>",
            number,
            escape(record.reverse_path),
            escape(arrival.reverse_path)
        ));
        return false;
    }
    const auto octets = without_trace(arrival.octets, siding_name_);
    if (octets && sha256(*octets) == record.digest) {
        return true;
    }
    if (!octets) {
        add_problem(fmt::format("message {} arrived without our Received line", number));
    }
    if (changed_copies_.size() < changed_copies_max &&
        changed_octets_kept_ + arrival.octets.size() <= changed_octets_max) {
        changed_octets_kept_ += arrival.octets.size();
        changed_copies_.push_back({number, arrival.octets});
    }
    return false;
}

void Proof::add_problem(std::string text) {
    if (problems_.size() < problems_max) {
        problems_.push_back(std::move(text));
    }
}

ProofSummary Proof::summary() const {
    ProofSummary summary;
    summary.messages = acknowledged_;
    summary.recipients = acknowledged_recipients_;
    summary.octets = acknowledged_octets_;
    summary.changed = changed_;
    summary.problems = problems_;
    for (std::size_t number = 0; number < records_.size(); ++number) {
        judge(number, records_[number], summary);
    }
    return summary;
}

void Proof::judge(std::size_t number, const Record& record, ProofSummary& summary) const {
    const auto note = [&](std::string text) {
        if (summary.problems.size() < problems_max) {
            summary.problems.push_back(fmt::format("message {}: {}", number, text));
        }
    };
    if (!record.refusal.empty()) {
        ++summary.refused;
        note("refused: " + escape(record.refusal));
    } else if (!record.acknowledged) {
        note("never acknowledged");
    }
    summary.bare_newlines += record.bare_newlines ? 1 : 0;
    for (std::size_t recipient = 0; recipient < record.copies.size(); ++recipient) {
        const auto& copies = record.copies[recipient];
        const std::uint32_t right = copies[index(record.belongs_at)];
        const std::uint32_t wrong = copies[0] + copies[1] - right;
        const std::uint32_t allowed = record.doubtful_tries + (record.acknowledged ? 1 : 0);
        if (record.acknowledged && right + wrong == 0) {
            ++summary.lost;
            note(fmt::format("acknowledged, but {} got nothing", address_of(number, recipient)));
        }
        if (wrong > 0) {
            summary.misrouted += wrong;
            note(fmt::format("{} copies went to the wrong server", wrong));
        }
        if (right + wrong > allowed) {
            summary.surplus += right + wrong - allowed;
            note(fmt::format("{} arrived {} times", address_of(number, recipient), right + wrong));
        }
        if (right + wrong > 1) {
            summary.duplicates += std::min(right + wrong, std::max(allowed, 1U)) - 1;
        }
    }
}

std::string as_stored(std::string_view octets) {
    std::string out;
    out.reserve(octets.size());
    for (std::size_t i = 0; i < octets.size(); ++i) {
        out += octets[i];
        if (octets[i] == '\r' && (i + 1 == octets.size() || octets[i + 1] != '\n')) {
            out += '\n';
        }
    }
    return out;
}

std::optional<std::string_view> without_trace(
    std::string_view octets, std::string_view siding_name
) {
    // Three lines: who from, who by, and the date, with the recipient where there is one.
    const std::string by = fmt::format("\tby {} (Siding) with ", siding_name);
    const std::array<std::string_view, 3> lines{"Received: from ", by, "\t"};
    for (const std::string_view start : lines) {
        const auto end = octets.find("\r\n");
        if (!octets.starts_with(start) || end == octets.npos) {
            return std::nullopt;
        }
        octets.remove_prefix(end + 2);
    }
    return octets;
}

std::string describe_difference(std::string_view arrived, std::string_view sent) {
    const auto first = std::ranges::mismatch(arrived, sent).in1;
    const auto at = static_cast<std::size_t>(first - arrived.begin());
    const std::size_t from = at - std::min(at, difference_context);
    const auto around = [from](std::string_view octets) {
        return escape(octets.substr(from, 2 * difference_context));
    };
    return fmt::format(
        "{} octets instead of {}, the first difference at octet {}: \"{}\" instead of \"{}\"",
        arrived.size(),
        sent.size(),
        at,
        around(arrived),
        around(sent)
    );
}

}  // namespace siding::cutover
