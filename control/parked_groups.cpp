#include "control/parked_groups.hpp"

#include "base/bytes.hpp"
#include "base/limits.hpp"
#include "control/json.hpp"
#include "control/render.hpp"
#include "smtp/cause.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <functional>
#include <utility>

namespace siding::control {
namespace {

namespace json = boost::json;

constexpr std::size_t examples_max = 5;
constexpr std::size_t replies_shown_max = 5;
constexpr std::size_t mailboxes_shown_max = 10;
// Servers that put a number of their own into each reply must not fill the memory.
constexpr std::size_t replies_max = 1000;

// What was parked before causes were kept is judged by what was kept of it.
std::string cause_key(const queue::Recipient& row) {
    return row.cause.empty() ? std::string{smtp::to_text(smtp::cause_of_text(row.last_reply))}
                             : row.cause;
}

// A reply that names its recipient would be another one for each.
std::string common_reply(const queue::Recipient& row) {
    std::string reply = row.last_reply;
    const auto at = to_lower(reply).find(to_lower(row.address));
    if (!row.address.empty() && at != std::string::npos) {
        reply.replace(at, row.address.size(), "…");
    }
    return reply;
}

using Counts = std::map<std::string, std::uint64_t>;

json::array most_common(const Counts& counts, const char* name, std::size_t at_most) {
    std::vector<std::pair<std::uint64_t, std::string>> sorted;
    for (const auto& [text, count] : counts) {
        sorted.emplace_back(count, text);
    }
    std::ranges::stable_sort(sorted, std::ranges::greater{}, [](const auto& one) {
        return one.first;
    });
    json::array out;
    for (const auto& [count, text] : sorted) {
        if (out.size() == at_most) {
            break;
        }
        out.push_back(json::object{{name, json_text(text)}, {"recipients", count}});
    }
    return out;
}

}  // namespace

void ParkedGroups::add(const queue::Recipient& row) {
    Group& group = groups_[cause_key(row)];
    group.recipients += 1;
    group.octets += row.size_octets;
    group.oldest = std::min(group.oldest, row.id.message.time());
    std::string reply = common_reply(row);
    if (group.replies.size() >= replies_max && !group.replies.contains(reply)) {
        reply = "other answers";
    }
    group.replies[std::move(reply)] += 1;
    group.mailboxes[to_lower(row.address)] += 1;
    if (group.examples.size() < examples_max) {
        group.examples.push_back(row);
    }
}

json::object ParkedGroups::group_json(const std::string& cause, const Group& group) {
    const auto known = smtp::parse_cause(cause);
    const smtp::CauseDescription words = smtp::describe(known.value_or(smtp::Cause::other));
    json::array examples;
    for (const queue::Recipient& row : group.examples) {
        examples.push_back(recipient_json(row));
    }
    return {
        {"cause", json_text(cause)},
        {"what", words.sentence},
        {"hint", words.hint},
        {"recipients", group.recipients},
        {"octets", group.octets},
        {"oldest_at", json_time(group.oldest)},
        {"replies", most_common(group.replies, "reply", replies_shown_max)},
        {"mailboxes", group.mailboxes.size()},
        {"busiest", most_common(group.mailboxes, "recipient", mailboxes_shown_max)},
        {"examples", std::move(examples)},
    };
}

json::object ParkedGroups::document() const {
    std::vector<std::pair<std::uint64_t, const std::string*>> order;
    std::uint64_t recipients = 0;
    std::uint64_t octets = 0;
    for (const auto& [cause, group] : groups_) {
        order.emplace_back(group.recipients, &cause);
        recipients += group.recipients;
        octets += group.octets;
    }
    std::ranges::stable_sort(order, std::ranges::greater{}, [](const auto& one) {
        return one.first;
    });
    json::array groups;
    for (const auto& [count, cause] : order) {
        groups.push_back(group_json(*cause, groups_.at(*cause)));
    }
    return {{"recipients", recipients}, {"octets", octets}, {"groups", std::move(groups)}};
}

Result<json::object> read_parked(const queue::Store& store, queue::Filter filter) {
    filter.state = queue::State::parked;
    std::uint64_t left = std::exchange(filter.limit, std::nullopt).value_or(UINT64_MAX);
    ParkedGroups groups;
    std::string cursor;
    do {
        SIDING_ASSIGN(
            const queue::ListPage page, store.list(filter, cursor, limits::list_page_rows_max)
        );
        for (const queue::Recipient& row : page.rows) {
            if (left > 0) {
                groups.add(row);
                --left;
            }
        }
        cursor = page.cursor;
    } while (!cursor.empty() && left > 0);
    return groups.document();
}

}  // namespace siding::control
