#include "control/filter_params.hpp"

#include "base/bytes.hpp"
#include "config/units.hpp"
#include "control/json.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <optional>

namespace siding::control {
namespace {

namespace json = boost::json;
using queue::Filter;

constexpr std::string_view keys_text =
    "domain, wave, recipient, sender, state, cause, server, copy, since, before, larger, tag, "
    "not_tag, id, limit";

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

Result<std::string> parse_sender(std::string_view text) {
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
    return to_lower(text);
}

Result<void> set_id(Filter& filter, std::string_view text) {
    SIDING_ASSIGN(const RecipientId id, RecipientId::parse(text));
    filter.message = id.message;
    if (text.find('.') != std::string_view::npos) {
        filter.recipient_number = id.number;
    }
    return {};
}

Result<std::string> parse_word(std::string_view text, std::string_view otherwise) {
    if (text.empty()) {
        return Error{
            Errc::invalid_argument, fmt::format("it is empty; leave it out to mean {}", otherwise)};
    }
    return std::string{text};
}

Result<bool> parse_yes_or_no(std::string_view text) {
    if (text == "yes" || text == "true") {
        return true;
    }
    if (text == "no" || text == "false") {
        return false;
    }
    return Error{Errc::invalid_argument, fmt::format("'{}' is neither yes nor no", escape(text))};
}

// Both narrow the domain: they must agree, whichever comes first.
Result<void> narrow_domain(Filter& filter, std::optional<Domain> before) {
    if (before && filter.domain && *before != *filter.domain) {
        return Error{
            Errc::invalid_argument,
            fmt::format(
                "it is in {}, the domain asked for is {}; leave one of them out",
                filter.domain->text(),
                before->text()
            )};
    }
    return {};
}

Result<void> set_key(Filter& filter, std::string_view key, std::string_view text, WallTime now) {
    if (key == "domain") {
        const auto before = filter.domain;
        SIDING_ASSIGN(filter.domain, Domain::parse(text));
        return narrow_domain(filter, before);
    }
    if (key == "recipient") {
        const auto before = filter.domain;
        SIDING_TRY(queue::set_recipient(filter, text));
        return narrow_domain(filter, before);
    }
    if (key == "wave") {
        SIDING_ASSIGN(filter.wave, parse_word(text, "every wave"));
    } else if (key == "tag") {
        SIDING_ASSIGN(filter.tag, parse_word(text, "any tag or none"));
    } else if (key == "not_tag") {
        SIDING_ASSIGN(filter.not_tag, parse_word(text, "any tag or none"));
    } else if (key == "sender") {
        SIDING_ASSIGN(filter.sender, parse_sender(text));
    } else if (key == "state") {
        SIDING_ASSIGN(filter.state, queue::parse_state(text));
    } else if (key == "cause") {
        SIDING_ASSIGN(filter.cause, parse_word(text, "any cause or none"));
    } else if (key == "server") {
        SIDING_ASSIGN(filter.server, parse_word(text, "every server"));
    } else if (key == "copy") {
        SIDING_ASSIGN(filter.copy, parse_yes_or_no(text));
    } else if (key == "since") {
        SIDING_ASSIGN(filter.since, parse_moment(text, now));
    } else if (key == "before") {
        SIDING_ASSIGN(filter.before, parse_moment(text, now));
    } else if (key == "larger") {
        SIDING_ASSIGN(filter.larger_octets, config::parse_count(text));
    } else if (key == "id") {
        return set_id(filter, text);
    } else if (key == "limit") {
        SIDING_ASSIGN(filter.limit, config::parse_count(text));
    } else {
        return Error{
            Errc::invalid_argument,
            fmt::format("this key is not known; the keys are {}", keys_text)};
    }
    return {};
}

Result<void> set_named(Filter& filter, std::string_view key, std::string_view text, WallTime now) {
    auto set = set_key(filter, key, text, now);
    if (set.has_error()) {
        return with_context(set.error(), fmt::format("'{}'", escape(key)));
    }
    return {};
}

// Only what is parked has a cause, so that nobody has to say so twice.
Result<void> complete(Filter& filter) {
    if (filter.cause && !filter.state) {
        filter.state = queue::State::parked;
    }
    if (filter.cause && *filter.state != queue::State::parked) {
        return Error{
            Errc::invalid_argument,
            fmt::format(
                "only parked recipients have a cause, not those that are {}",
                queue::format_state(*filter.state)
            )};
    }
    if (filter.since && filter.before && *filter.since >= *filter.before) {
        return Error{
            Errc::invalid_argument,
            fmt::format(
                "'since' {} is not before 'before' {}: nothing can match",
                format_time(*filter.since),
                format_time(*filter.before)
            )};
    }
    return {};
}

bool is_count(std::string_view key) {
    return key == "larger" || key == "limit";
}

}  // namespace

Result<Filter> filter_from_query(
    const net::HttpQuery& query, std::initializer_list<std::string_view> others, WallTime now
) {
    Filter filter;
    for (const auto& [key, text] : query) {
        if (std::ranges::find(others, std::string_view{key}) == others.end()) {
            SIDING_TRY(set_named(filter, key, text, now));
        }
    }
    SIDING_TRY(complete(filter));
    return filter;
}

Result<Filter> filter_from_json(const json::object& fields, WallTime now) {
    Filter filter;
    for (const auto& [name, value] : fields) {
        const std::string_view key{name.data(), name.size()};
        std::string text;
        if (value.is_string()) {
            text.assign(value.get_string().data(), value.get_string().size());
        } else if ((is_count(key) && value.is_number()) || (key == "copy" && value.is_bool())) {
            text = json::serialize(value);
        } else {
            return Error{
                Errc::invalid_argument,
                fmt::format(
                    "'{}' of the filter must be {}",
                    escape(key),
                    is_count(key)   ? "a number"
                    : key == "copy" ? "true or false"
                                    : "text"
                )};
        }
        SIDING_TRY(set_named(filter, key, text, now));
    }
    SIDING_TRY(complete(filter));
    return filter;
}

bool is_everything(const Filter& filter) {
    json::object fields = filter_json(filter);
    fields.erase("limit");
    return fields.empty();
}

json::object filter_json(const Filter& filter) {
    json::object out;
    if (filter.domain) {
        out["domain"] = filter.domain->text();
    }
    if (filter.wave) {
        out["wave"] = json_text(*filter.wave);
    }
    if (filter.recipient) {
        out["recipient"] = json_text(*filter.recipient);
    }
    if (filter.sender) {
        out["sender"] = json_text(*filter.sender);
    }
    if (filter.state) {
        out["state"] = queue::format_state(*filter.state);
    }
    if (filter.cause) {
        out["cause"] = json_text(*filter.cause);
    }
    if (filter.server) {
        out["server"] = json_text(*filter.server);
    }
    if (filter.copy) {
        out["copy"] = *filter.copy;
    }
    if (filter.since) {
        out["since"] = format_time(*filter.since);
    }
    if (filter.before) {
        out["before"] = format_time(*filter.before);
    }
    if (filter.larger_octets) {
        out["larger"] = *filter.larger_octets;
    }
    if (filter.tag) {
        out["tag"] = json_text(*filter.tag);
    }
    if (filter.not_tag) {
        out["not_tag"] = json_text(*filter.not_tag);
    }
    if (filter.message) {
        out["id"] = filter.recipient_number
                        ? RecipientId{*filter.message, *filter.recipient_number}.text()
                        : filter.message->text();
    }
    if (filter.limit) {
        out["limit"] = *filter.limit;
    }
    return out;
}

Result<std::uint64_t> parse_number(std::string_view key, std::string_view text) {
    const auto number = config::parse_count(text);
    if (number.has_error()) {
        return with_context(number.error(), fmt::format("'{}'", escape(key)));
    }
    return *number;
}

}  // namespace siding::control
