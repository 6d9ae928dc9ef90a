#include "base/bytes.hpp"
#include "cli/commands.hpp"
#include "cli/doctor_report.hpp"
#include "cli/document.hpp"
#include "cli/outage_report.hpp"
#include "cli/run_to_end.hpp"
#include "config/load.hpp"
#include "cutover/doctor.hpp"
#include "net/runtime.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

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

net::awaitable<Result<std::vector<Examination>>> examine_all(
    cutover::Doctor& doctor, const std::vector<std::string>& domains
) {
    std::vector<Examination> examinations;
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
    co_return examinations;
}

Result<std::vector<Examination>> examine(
    const std::vector<std::string>& domains, cutover::DoctorOptions options, const Clock& clock
) {
    net::asio::io_context context{1};
    net::Runtime runtime{{.io_threads = 1, .blocking_threads = 1}};
    cutover::Doctor doctor{context.get_executor(), runtime.blocking(), clock, std::move(options)};
    return run_to_end(context, examine_all(doctor, domains));
}

// Nothing where no daemon answers, or knows of any.
std::optional<cutover::UsualMail> usual_mail(const Api& api) {
    const auto document = api.get("/v1/dns/senders");
    if (!document) {
        return std::nullopt;
    }
    cutover::UsualMail usual;
    for (const json::value& value : array_at(document->value, "domains")) {
        const json::value* const weekend =
            value.is_object() ? value.get_object().if_contains("weekend") : nullptr;
        if (weekend != nullptr && weekend->is_number()) {
            usual.weekend_messages += weekend->to_number<double>();
            ++usual.domains;
        }
    }
    return usual.domains > 0 ? std::optional{usual} : std::nullopt;
}

}  // namespace

Result<Exit> run(const Examine& action, Context& context) {
    SIDING_ASSIGN(auto options, make_options(action, context.terminal));
    if (!options) {
        return Exit::usage;
    }
    SIDING_ASSIGN(const std::vector<std::string> domains, domains_of(action, *options));
    options->usual = usual_mail(context.api);
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
    const auto senders = context.api.get("/v1/dns/senders");
    const OwnMail own = senders ? own_mail(senders->value) : OwnMail{};
    if (context.json) {
        context.terminal.out << json::serialize(outage_json(outage, own)) << "\n";
    } else {
        print_outage(outage, own, context.terminal);
    }
    return Exit::done;
}

}  // namespace siding::cli
