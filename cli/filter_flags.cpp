#include "cli/filter_flags.hpp"

#include "base/bytes.hpp"
#include "base/limits.hpp"
#include "config/units.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace siding::cli {
namespace {

Result<WallTime> parse_moment(std::string_view text, WallTime now) {
    if (const auto duration = config::parse_duration(text); duration.has_value()) {
        return now - *duration;
    }
    if (auto time = parse_time(text); time.has_value()) {
        return time;
    }
    return Error{
        Errc::invalid_argument,
        fmt::format(
            "'{}' is neither a time like 2026-11-21T14:07:30Z nor a duration like 2h", escape(text)
        )};
}

Result<void> set_id(queue::Filter& filter, std::string_view text) {
    if (const auto recipient = RecipientId::parse(text); recipient.has_value()) {
        filter.message = recipient->message;
        filter.recipient_number = recipient->number;
        return {};
    }
    SIDING_ASSIGN(filter.message, MessageId::parse(text));
    return {};
}

Result<void> set_sender(queue::Filter& filter, std::string_view text) {
    if (text == "<>") {
        text = "";
    }
    if (!text.empty() && text.find('@') == std::string_view::npos) {
        return Error{
            Errc::invalid_argument,
            fmt::format(
                "'{}' is not an address; write joe@example.com, or <> for bounces", escape(text)
            )};
    }
    filter.sender = to_lower(text);
    return {};
}

Result<void> set_recipient(queue::Filter& filter, const std::string& text) {
    const auto domain = filter.domain;
    SIDING_TRY(queue::set_recipient(filter, text));
    if (domain && *domain != filter.domain) {
        return Error{
            Errc::invalid_argument,
            fmt::format("{} is not in --domain {}; leave one of them out", text, domain->text())};
    }
    return {};
}

Result<void> set_times(
    const CLI::App& verb, queue::Filter& filter, const FilterFlags& flags, WallTime now
) {
    if (verb.count("--since") > 0) {
        SIDING_ASSIGN(filter.since, parse_moment(flags.since, now));
    }
    if (verb.count("--before") > 0) {
        SIDING_ASSIGN(filter.before, parse_moment(flags.before, now));
    }
    if (filter.since && filter.before && *filter.since >= *filter.before) {
        return Error{
            Errc::invalid_argument,
            fmt::format(
                "--since {} is not before --before {}: nothing can match", flags.since, flags.before
            )};
    }
    return {};
}

}  // namespace

void add_filter_flags(CLI::App& verb, FilterFlags& flags) {
    const auto add = [&](const char* name, std::string& text, const char* type, const char* help) {
        verb.add_option(name, text, help)->type_name(type)->group("Filter");
    };
    add("--domain", flags.domain, "DOMAIN", "mail for this domain");
    add("--wave", flags.wave, "WAVE", "mail for this wave");
    add("--recipient", flags.recipient, "ADDRESS", "one mailbox, or @domain");
    add("--sender", flags.sender, "ADDRESS", "one sender, or <> for bounces");
    add("--state", flags.state, "STATE", "held, due, in_flight or parked");
    add("--since", flags.since, "WHEN", "received at or after: 2h, 3d, or a UTC time");
    add("--before", flags.before, "WHEN", "received before: 2h, 3d, or a UTC time");
    add("--larger", flags.larger, "SIZE", "larger than: 10MiB");
    add("--id", flags.id, "ID", "one message, or one of its recipients");
    add("--limit", flags.limit, "N", "at most N recipients");
}

Result<queue::Filter> make_filter(const CLI::App& verb, const FilterFlags& flags, WallTime now) {
    queue::Filter filter;
    const auto given = [&](const char* flag) { return verb.count(flag) > 0; };
    if (given("--domain")) {
        SIDING_ASSIGN(filter.domain, Domain::parse(flags.domain));
    }
    if (given("--wave")) {
        filter.wave = flags.wave;
    }
    if (given("--recipient")) {
        SIDING_TRY(set_recipient(filter, flags.recipient));
    }
    if (given("--sender")) {
        SIDING_TRY(set_sender(filter, flags.sender));
    }
    if (given("--state")) {
        SIDING_ASSIGN(filter.state, queue::parse_state(flags.state));
    }
    SIDING_TRY(set_times(verb, filter, flags, now));
    if (given("--larger")) {
        SIDING_ASSIGN(filter.larger_octets, config::parse_size(flags.larger));
    }
    if (given("--id")) {
        SIDING_TRY(set_id(filter, flags.id));
    }
    if (given("--limit")) {
        SIDING_ASSIGN(filter.limit, config::parse_count(flags.limit));
    }
    return filter;
}

}  // namespace siding::cli
