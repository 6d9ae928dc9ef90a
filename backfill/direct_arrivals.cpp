#include "backfill/direct_arrivals.hpp"

#include "backfill/internal_date.hpp"

#include <charconv>
#include <fmt/format.h>
#include <utility>

namespace siding::backfill {
namespace {

constexpr std::string_view prefix = "direct/";
constexpr char gap = '\n';  // no field has one: header texts are unfolded

std::string take_line(std::string_view& text) {
    const auto end = text.find(gap);
    std::string line{text.substr(0, end)};
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    return line;
}

}  // namespace

std::optional<DirectArrival> direct_arrival(
    const std::string& mailbox, const FetchedMessage& message, WallTime switched_at
) {
    const auto date = parse_internal_date(message.internal_date);
    if (!date || date->time < switched_at || message.facts.siding_id) {
        return std::nullopt;
    }
    DirectArrival arrival;
    arrival.mailbox = mailbox;
    arrival.uid = message.uid;
    arrival.date = message.internal_date;
    arrival.from = message.facts.from;
    arrival.received = message.facts.top_received;
    return arrival;
}

Result<void> keep_direct_arrival(Ledger& ledger, AccountId account, const DirectArrival& arrival) {
    const std::string key = fmt::format("{}{:020}/{}", prefix, arrival.uid, arrival.mailbox);
    const std::string value = arrival.date + gap + arrival.from + gap + arrival.received;
    return ledger.put_value(account, key, value);
}

Result<std::vector<DirectArrival>> direct_arrivals(const Ledger& ledger, AccountId account) {
    SIDING_ASSIGN(const auto values, ledger.values(account, prefix));
    std::vector<DirectArrival> arrivals;
    for (const auto& [key, value] : values) {
        const std::string_view rest = std::string_view{key}.substr(prefix.size());
        const auto slash = rest.find('/');
        if (slash == std::string_view::npos) {
            continue;
        }
        DirectArrival arrival;
        std::from_chars(rest.data(), rest.data() + slash, arrival.uid);
        arrival.mailbox = rest.substr(slash + 1);
        std::string_view text = value;
        arrival.date = take_line(text);
        arrival.from = take_line(text);
        arrival.received = take_line(text);
        arrivals.push_back(std::move(arrival));
    }
    return arrivals;
}

}  // namespace siding::backfill
