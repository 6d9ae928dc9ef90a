#include "cli/outage_report.hpp"

#include "cli/document.hpp"
#include "cli/table.hpp"
#include "cutover/outage_cost.hpp"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <fmt/ostream.h>

namespace siding::cli {
namespace {

namespace json = boost::json;

constexpr std::string_view assumption =
    "No running sidingd knows who sends to you, so this is of senders at large, whoever sends to "
    "you; `siding dns senders import` reads it from the old server's mail log.";

std::string hours_text(std::chrono::hours from, std::chrono::hours to) {
    const auto one = [](std::chrono::hours time) {
        return time.count() < 48 || time.count() % 12 != 0
                   ? fmt::format("{} h", time.count())
                   : fmt::format("{:g} days", static_cast<double>(time.count()) / 24);
    };
    return from == to ? one(from) : one(from) + " to " + one(to);
}

Colour colour_of(cutover::OutageEffect effect) {
    switch (effect) {
    case cutover::OutageEffect::none:
        return Colour::green;
    case cutover::OutageEffect::late:
        return Colour::none;
    case cutover::OutageEffect::some_lost:
        return Colour::yellow;
    case cutover::OutageEffect::all_lost:
        return Colour::red;
    }
    return Colour::none;
}

double hours_of(std::chrono::minutes outage) {
    return static_cast<double>(outage.count()) / 60;
}

std::string percent(double share) {
    return fmt::format("{:.1f} %", share * 100);
}

// What is lost for sure or in part, of those whose patience is known.
double share_lost(std::chrono::minutes outage, const OwnMail& own) {
    double lost = 0;
    for (const cutover::SenderPatience& sender : cutover::sender_patience()) {
        const bool is_lost = cutover::effect_of(sender, outage) >= cutover::OutageEffect::some_lost;
        lost += is_lost ? own.share_of(sender.sender) : 0;
    }
    return lost;
}

}  // namespace

double OwnMail::share_of(std::string_view sender) const {
    const auto found = by_sender.find(sender);
    return found == by_sender.end() || messages == 0
               ? 0
               : static_cast<double>(found->second) / static_cast<double>(messages);
}

double OwnMail::share_of_others() const {
    double others = 1;
    for (const auto& [sender, count] : by_sender) {
        others -= share_of(sender);
    }
    return std::max(others, 0.0);
}

OwnMail own_mail(const json::object& senders) {
    OwnMail own;
    for (const json::value& value : array_at(senders, "domains")) {
        if (!value.is_object()) {
            continue;
        }
        own.messages += number_at(value.get_object(), "messages");
        for (const json::value& row : array_at(value.get_object(), "providers")) {
            const auto* const provider = row.if_object();
            const auto* const sender =
                provider != nullptr ? cutover::patience_of(text_at(*provider, "name")) : nullptr;
            if (sender != nullptr) {
                own.by_sender[std::string{sender->sender}] += number_at(*provider, "messages");
            }
        }
    }
    return own;
}

void print_outage(std::chrono::minutes outage, const OwnMail& own, const Terminal& terminal) {
    std::vector<Column> columns{{"MAIL FROM"}, {"AFTER"}, {"EFFECT"}};
    if (own.is_known()) {
        columns.push_back({"OF YOUR MAIL", Align::right});
    }
    columns.push_back({"TRIES AGAIN", Align::left, 20, true});
    Table table{std::move(columns)};
    std::size_t lost = 0;
    for (const cutover::SenderPatience& sender : cutover::sender_patience()) {
        const auto effect = cutover::effect_of(sender, outage);
        lost += effect >= cutover::OutageEffect::some_lost;
        std::vector<Cell> row{
            sender.sender,
            hours_text(sender.gives_up_min, sender.gives_up_max),
            {cutover::format_effect(effect), colour_of(effect)}};
        if (own.is_known()) {
            row.push_back(sender.domains.empty() ? "" : percent(own.share_of(sender.sender)));
        }
        row.push_back(sender.schedule);
        table.add(std::move(row));
    }
    fmt::print(terminal.out, "When nobody answers for {:g} h:\n\n", hours_of(outage));
    table.print(terminal);
    fmt::print(
        terminal.out,
        "\n{}\nAFTER is when a sender gives up and returns the mail. A hold that accepts costs "
        "nothing, however long.\n",
        lost == 0 ? "Nobody gives up; mail comes late." : "Mail is lost from those that gave up."
    );
    if (!own.is_known()) {
        fmt::print(terminal.out, "{}\n", assumption);
        return;
    }
    fmt::print(
        terminal.out,
        "Of your usual mail ({} messages are known) {} comes from senders above that give up by "
        "then, and {} from others, of whom it is assumed that they are as patient as RFC 5321 asks "
        "for.\n",
        own.messages,
        percent(share_lost(outage, own)),
        percent(own.share_of_others())
    );
}

json::object outage_json(std::chrono::minutes outage, const OwnMail& own) {
    json::array senders;
    for (const cutover::SenderPatience& sender : cutover::sender_patience()) {
        const bool has_share = own.is_known() && !sender.domains.empty();
        senders.push_back(json::object{
            {"sender", sender.sender},
            {"schedule", sender.schedule},
            {"gives_up_after_hours", sender.gives_up_min.count()},
            {"gives_up_after_hours_latest", sender.gives_up_max.count()},
            {"effect", cutover::format_effect(cutover::effect_of(sender, outage))},
            {"share", has_share ? json::value(own.share_of(sender.sender)) : json::value(nullptr)},
        });
    }
    return {
        {"hours", hours_of(outage)},
        {"senders", std::move(senders)},
        {"own_messages", own.is_known() ? json::value(own.messages) : json::value(nullptr)},
        {"share_lost",
         own.is_known() ? json::value(share_lost(outage, own)) : json::value(nullptr)},
        {"share_of_others",
         own.is_known() ? json::value(own.share_of_others()) : json::value(nullptr)},
        {"assumed", own.is_known() ? std::string_view{} : assumption},
    };
}

}  // namespace siding::cli
