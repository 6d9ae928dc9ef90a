#include "base/bytes.hpp"
#include "cli/commands.hpp"
#include "cli/doctor_report.hpp"
#include "cli/table.hpp"
#include "config/load.hpp"
#include "cutover/doctor.hpp"
#include "cutover/outage_cost.hpp"
#include "net/runtime.hpp"
#include "net/task_group.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <cmath>
#include <fmt/ostream.h>
#include <unistd.h>

namespace siding::cli {
namespace {

namespace json = boost::json;

constexpr const char* default_config = "/etc/siding/siding.yaml";

// The file that the operator names; else the usual one, if it can be read.
std::optional<std::filesystem::path> config_path(const Examine& action) {
    if (action.config || ::access(default_config, R_OK) != 0) {
        return action.config;
    }
    return default_config;
}

// Nothing: the file's mistakes are on `err`.
Result<std::optional<cutover::DoctorOptions>> make_options(
    const Examine& action, const Terminal& terminal
) {
    cutover::DoctorOptions options;
    if (const auto path = config_path(action)) {
        auto loaded = config::load_file(path->string());
        if (loaded.has_error()) {
            for (const config::ConfigError& error : loaded.error().list) {
                fmt::print(terminal.err, "{}\n", escape(error.text(), 2000));
            }
            return std::optional<cutover::DoctorOptions>{};
        }
        cutover::take_from(std::make_shared<const config::Config>(std::move(*loaded)), options);
        options.config_file = path->string();
    }
    options.phase = action.phase;
    options.only = action.only;
    options.resolver = action.resolver;
    options.recipients = action.recipients;
    options.selectors = action.selectors;
    options.ca_file = action.ca_file;
    options.smtp_port = action.smtp_port;
    options.https_port = action.https_port;
    return std::optional{std::move(options)};
}

Result<std::vector<std::string>> domains_of(
    const Examine& action, const cutover::DoctorOptions& options
) {
    std::vector<std::string> domains = action.domains;
    if (domains.empty() && options.config != nullptr) {
        for (const auto& [domain, settings] : options.config->domains) {
            domains.push_back(domain.text());
        }
    }
    if (domains.empty()) {
        return Error{
            Errc::invalid_argument, "which domain? Name one, or a configuration with --config"};
    }
    for (const std::string& domain : domains) {
        SIDING_ASSIGN(const Domain checked, Domain::parse(domain));
        static_cast<void>(checked);
    }
    return domains;
}

net::awaitable<void> examine_all(
    cutover::Doctor& doctor,
    const std::vector<std::string>& domains,
    std::vector<Examination>& examinations
) {
    for (const std::string& domain : domains) {
        auto results = co_await doctor.examine(domain);
        Examination one;
        one.domain = domain;
        if (results.has_error()) {
            one.problem = results.error().context;
        } else {
            one.results = std::move(*results);
        }
        examinations.push_back(std::move(one));
    }
}

Result<std::vector<Examination>> examine(
    const std::vector<std::string>& domains, cutover::DoctorOptions options, const Clock& clock
) {
    net::Runtime runtime{{.io_threads = 1, .blocking_threads = 1}};
    net::asio::io_context context{1};
    cutover::Doctor doctor{context.get_executor(), runtime.blocking(), clock, std::move(options)};
    std::vector<Examination> examinations;
    net::TaskGroup tasks{context.get_executor(), "doctor", 1};
    SIDING_TRY(tasks.spawn(examine_all(doctor, domains, examinations)));
    while (tasks.count() > 0) {
        context.run_one();
    }
    return examinations;
}

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

void print_outage(double hours, std::chrono::minutes outage, const Terminal& terminal) {
    Table table{{{"MAIL FROM"}, {"AFTER"}, {"EFFECT"}, {"TRIES AGAIN", Align::left, 20, true}}};
    std::size_t lost = 0;
    for (const cutover::SenderPatience& sender : cutover::sender_patience()) {
        const auto effect = cutover::effect_of(sender, outage);
        lost += effect >= cutover::OutageEffect::some_lost;
        table.add({
            sender.sender,
            hours_text(sender.gives_up_min, sender.gives_up_max),
            {cutover::format_effect(effect), colour_of(effect)},
            sender.schedule,
        });
    }
    fmt::print(terminal.out, "When nobody answers for {:g} h:\n\n", hours);
    table.print(terminal);
    fmt::print(
        terminal.out,
        "\n{}\nAFTER is when a sender gives up and returns the mail. A hold that accepts costs "
        "nothing, however long.\n",
        lost == 0 ? "Nobody gives up; mail comes late." : "Mail is lost from those that gave up."
    );
}

json::object outage_json(double hours, std::chrono::minutes outage) {
    json::array senders;
    for (const cutover::SenderPatience& sender : cutover::sender_patience()) {
        senders.push_back(json::object{
            {"sender", sender.sender},
            {"schedule", sender.schedule},
            {"gives_up_after_hours", sender.gives_up_min.count()},
            {"gives_up_after_hours_latest", sender.gives_up_max.count()},
            {"effect", cutover::format_effect(cutover::effect_of(sender, outage))},
        });
    }
    return {{"hours", hours}, {"senders", std::move(senders)}};
}

}  // namespace

Result<Exit> run(const Examine& action, Context& context) {
    SIDING_ASSIGN(auto options, make_options(action, context.terminal));
    if (!options) {
        return Exit::usage;
    }
    SIDING_ASSIGN(const std::vector<std::string> domains, domains_of(action, *options));
    SIDING_ASSIGN(
        const std::vector<Examination> all, examine(domains, std::move(*options), context.clock)
    );
    if (context.json) {
        context.terminal.out << json::serialize(examinations_json(all)) << "\n";
        return exit_of(all);
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
        context.terminal.out << (i > 0 ? "\n" : "");
        print_examination(all[i], action.all, context.terminal);
    }
    return exit_of(all);
}

Result<Exit> run(const ShowOutageCost& action, Context& context) {
    const std::chrono::minutes outage{std::lround(action.hours * 60)};
    if (context.json) {
        context.terminal.out << json::serialize(outage_json(action.hours, outage)) << "\n";
    } else {
        print_outage(action.hours, outage, context.terminal);
    }
    return Exit::done;
}

}  // namespace siding::cli
