#include "base/bytes.hpp"
#include "cli/commands.hpp"
#include "cli/document.hpp"
#include "cli/quantities.hpp"
#include "cli/table.hpp"
#include "control/render_dns.hpp"
#include "cutover/sender_log_file.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <ctime>
#include <fmt/ostream.h>

namespace siding::cli {
namespace {

namespace json = boost::json;

// Logs without a zone are taken to be from ours.
std::chrono::minutes local_offset(WallTime now) {
    const std::time_t time = std::chrono::system_clock::to_time_t(now);
    std::tm local{};
    localtime_r(&time, &local);
    return std::chrono::duration_cast<std::chrono::minutes>(std::chrono::seconds{local.tm_gmtoff});
}

// "12.3 %"
std::string share_of(std::uint64_t part, std::uint64_t whole) {
    const double percent = 100.0 * static_cast<double>(part) / static_cast<double>(whole);
    return whole == 0 ? "-" : fmt::format("{:.3g} %", percent);
}

void print_domain(const json::object& domain, WallTime now, const Terminal& terminal) {
    const auto first = time_at(domain, "first");
    const auto last = time_at(domain, "last");
    fmt::print(
        terminal.out,
        "{}  {} from {}{}\n",
        terminal.paint(escape(text_at(domain, "domain")), Colour::bold),
        counted(number_at(domain, "messages"), "message"),
        counted(number_at(domain, "providers_known"), "sender"),
        first && last ? fmt::format(", {} to {}", human_time(*first), human_time(*last)) : ""
    );
    Table table{{
        {"SENDER", Align::left, 16},
        {"MESSAGES", Align::right},
        {"SHARE", Align::right},
        {"AT SIDING", Align::right},
        {"AT THE OLD SERVER", Align::right},
    }};
    for (const json::value& value : array_at(domain, "providers")) {
        if (value.is_object()) {
            const json::object& row = value.get_object();
            table.add({
                text_at(row, "name"),
                human_count(number_at(row, "messages")),
                share_of(number_at(row, "messages"), number_at(domain, "messages")),
                human_age(time_at(row, "seen_at_siding"), now),
                human_age(time_at(row, "seen_at_old"), now),
            });
        }
    }
    table.print(terminal);
}

}  // namespace

Result<Exit> run(const ImportSenders& action, Context& context) {
    const std::optional<cutover::LogFormat> format = cutover::parse_log_format(action.format);
    const WallTime now = context.clock.now();
    const cutover::LogTime time{now, local_offset(now)};
    cutover::SenderBaseline baseline;
    for (const auto& file : action.files) {
        const std::uint64_t before = baseline.messages;
        const auto sink = [&](const cutover::LoggedMail& mail) {
            baseline.add(mail, action.domain);
        };
        SIDING_ASSIGN(
            const cutover::LogSummary summary, cutover::read_sender_log(file, format, time, sink)
        );
        if (!context.json) {
            fmt::print(
                context.terminal.out,
                "{}: {}, {}, {} for {} from outside\n",
                escape(file.string(), 1000),
                cutover::format_log_format(summary.format),
                counted(summary.lines, "line"),
                counted(baseline.messages - before, "message"),
                action.domain.text()
            );
        }
    }
    if (baseline.messages == 0) {
        return Error{
            Errc::invalid_argument,
            fmt::format(
                "the logs tell of no mail from outside for {}; nothing is changed",
                action.domain.text()
            )};
    }
    baseline.trim();
    for (const json::object& body :
         control::baseline_bodies(action.domain, baseline, cutover::ImportMode::replace)) {
        SIDING_TRY(context.api.post("/v1/dns/senders", body));
    }
    if (context.json) {
        const json::object done{
            {"domain", action.domain.text()},
            {"messages", baseline.messages},
            {"providers", baseline.providers.size()}};
        context.terminal.out << json::serialize(done) << "\n";
    } else {
        fmt::print(
            context.terminal.out,
            "{}: {} from {} are the usual mail from now on\n",
            action.domain.text(),
            counted(baseline.messages, "message"),
            counted(baseline.providers.size(), "sender")
        );
    }
    return Exit::done;
}

Result<Exit> run(const ListSenders& action, Context& context) {
    net::HttpQuery query;
    if (action.domain) {
        query.emplace("domain", action.domain->text());
    }
    SIDING_ASSIGN(const Document found, context.api.get("/v1/dns/senders", std::move(query)));
    if (context.json) {
        context.terminal.out << found.text << "\n";
        return Exit::done;
    }
    bool is_first = true;
    for (const json::value& domain : array_at(found.value, "domains")) {
        if (domain.is_object()) {
            context.terminal.out << (is_first ? "" : "\n");
            print_domain(domain.get_object(), context.clock.now(), context.terminal);
            is_first = false;
        }
    }
    return Exit::done;
}

}  // namespace siding::cli
