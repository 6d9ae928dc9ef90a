#include "cutover/doctor.hpp"

#include "base/domain.hpp"
#include "config/config.hpp"
#include "cutover/doctor_collect.hpp"
#include "cutover/doctor_facts.hpp"
#include "cutover/recursive_lookup.hpp"
#include "dns/resolver.hpp"
#include "net/run_on.hpp"
#include "net/task_group.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace siding::cutover {
namespace {

// What a run of checks writes to; after the deadline nobody does.
struct Run {
    const DoctorFacts& facts;
    std::vector<const Check*> checks;
    std::vector<std::optional<CheckOutcome>> outcomes;
    bool is_over = false;
};

net::awaitable<void> run_check(Run& run, std::size_t index) {
    CheckOutcome outcome = co_await run.checks[index]->function(run.facts);
    if (!run.is_over) {
        run.outcomes[index] = std::move(outcome);
    }
}

dns::ResolverOptions resolver_options(const DoctorOptions& options) {
    dns::ResolverOptions result;
    result.servers = options.resolvers;
    result.timeout = std::chrono::seconds{2};
    return result;
}

}  // namespace

void take_from(const std::shared_ptr<const config::Config>& config, DoctorOptions& options) {
    options.config = config;
    if (config == nullptr) {
        return;
    }
    for (const config::Endpoint& server : config->dns.servers) {
        options.resolvers.emplace_back(server.host, server.port);
    }
    options.roots.port = config->dns.port;
    if (!config->dns.roots.empty()) {
        options.roots.servers.clear();
        for (const config::Endpoint& server : config->dns.roots) {
            options.roots.servers.emplace_back(server.host, server.port);
        }
    }
}

class Doctor::Impl {
public:
    Impl(
        net::asio::any_io_executor executor,
        net::asio::any_io_executor files,
        const Clock& clock,
        DoctorOptions options,
        Checks checks
    )
        : options_{std::move(options)},
          checks_{std::move(checks)},
          executor_{std::move(executor)},
          files_{std::move(files)},
          clock_{clock},
          prober_{executor_, clock},
          resolver_{executor_, resolver_options(options_)},
          authority_{prober_, resolver_, options_.roots},
          lookup_{prober_, options_.resolvers, files_} {}

    net::awaitable<Result<std::vector<CheckResult>>> examine(std::string domain);

private:
    bool is_wanted(const Check& check) const;
    net::awaitable<void> load_roots(DoctorFacts& facts);
    net::awaitable<void> run_all(Run& run);

    const DoctorOptions options_;
    const Checks checks_;
    net::asio::any_io_executor executor_;
    net::asio::any_io_executor files_;
    const Clock& clock_;
    dns::Prober prober_;
    dns::Resolver resolver_;
    dns::Authority authority_;
    RecursiveLookup lookup_;
    std::optional<net::TrustedRoots> trusted_;
};

// A check that is asked for by name runs in every phase.
bool Doctor::Impl::is_wanted(const Check& check) const {
    if (!options_.only.empty()) {
        return std::ranges::find(options_.only, check.id) != options_.only.end();
    }
    return check.applies_in(options_.phase);
}

net::awaitable<void> Doctor::Impl::load_roots(DoctorFacts& facts) {
    if (!trusted_) {
        const auto load = [file = options_.ca_file] { return net::TrustedRoots::load(file); };
        auto loaded = co_await net::run_on(files_, load);
        if (loaded.has_error()) {
            facts.no_roots = loaded.error().message();
            co_return;
        }
        trusted_ = std::move(*loaded);
    }
    facts.trusted = trusted_;
}

net::awaitable<void> Doctor::Impl::run_all(Run& run) {
    net::TaskGroup tasks{executor_, "doctor checks", run.checks.size() + 1};
    for (std::size_t i = 0; i < run.checks.size(); ++i) {
        auto admitted = tasks.spawn(run_check(run, i));
        if (admitted.has_error()) {
            run.outcomes[i] = hindered(admitted.error().message());
        }
    }
    auto in_time = co_await tasks.join(options_.check_timeout);
    run.is_over = true;
    if (in_time.has_error()) {
        tasks.abort();
        co_await tasks.join();
    }
}

net::awaitable<Result<std::vector<CheckResult>>> Doctor::Impl::examine(std::string domain) {
    auto parsed = Domain::parse(dns::plain_name(domain));
    SIDING_CO_ASSIGN(const Domain name, std::move(parsed));
    DoctorFacts facts{options_, clock_, prober_, authority_, lookup_, files_};
    facts.domain = name.text();
    facts.config = options_.config;
    co_await load_roots(facts);
    co_await collect_facts(facts);
    Run run{facts, {}, {}, false};
    for (const Check& check : checks_) {
        if (is_wanted(check)) {
            run.checks.push_back(&check);
        }
    }
    run.outcomes.resize(run.checks.size());
    co_await run_all(run);
    std::vector<CheckResult> results;
    const auto seconds = std::chrono::duration<double>{options_.check_timeout}.count();
    for (std::size_t i = 0; i < run.checks.size(); ++i) {
        CheckOutcome outcome =
            run.outcomes[i].value_or(hindered(fmt::format("it did not end within {:g} s", seconds))
            );
        results.push_back(make_result(*run.checks[i], std::move(outcome)));
    }
    co_return results;
}

Doctor::Doctor(
    net::asio::any_io_executor executor,
    net::asio::any_io_executor files,
    const Clock& clock,
    DoctorOptions options,
    Checks checks
)
    : impl_{std::make_unique<Impl>(
          std::move(executor), std::move(files), clock, std::move(options), std::move(checks)
      )} {}
Doctor::~Doctor() = default;

net::awaitable<Result<std::vector<CheckResult>>> Doctor::examine(std::string domain) {
    return impl_->examine(std::move(domain));
}

}  // namespace siding::cutover
