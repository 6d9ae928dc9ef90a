#include "cutover/dns_watch.hpp"

#include "base/log.hpp"
#include "net/run_on.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace siding::cutover {
namespace {

using net::awaitable;
using std::chrono::milliseconds;

const Logger log{"dns"};

constexpr std::size_t looks_max = 8;  // at once: some 100 questions each at most
constexpr std::size_t fetches_max = 4;
constexpr std::size_t tasks_max = 4;
constexpr milliseconds tick_max = std::chrono::seconds{1};
constexpr milliseconds tick_min{20};
constexpr milliseconds keep_interval = std::chrono::minutes{15};  // of a history without news
constexpr auto history_kept = std::chrono::days{90};
constexpr unsigned questions_per_minute = 600;  // to one resolver, for all domains

std::string history_key(const Domain& domain) {
    return "dns/history/" + domain.text();
}

std::string state_key(const Domain& domain) {
    return "dns/state/" + domain.text();
}

awaitable<bool> is_cancelled() {
    const auto state = co_await net::asio::this_coro::cancellation_state;
    co_return state.cancelled() != net::asio::cancellation_type::none;
}

struct Stored {
    std::optional<std::string> history;
    std::optional<std::string> state;
};

Result<Stored> read_stored(const queue::Store& store, const Domain& domain) {
    Stored stored;
    SIDING_ASSIGN(stored.history, store.read_value(history_key(domain)));
    SIDING_ASSIGN(stored.state, store.read_value(state_key(domain)));
    return stored;
}

}  // namespace

DnsWatch::DnsWatch(Parts parts)
    : queue_{parts.queue},
      config_{parts.config},
      clock_{parts.queue.clock()},
      executor_{parts.executor},
      blocking_{parts.blocking},
      resolver_{parts.executor},
      prober_{parts.executor, parts.queue.clock()},
      names_{prober_, parts.blocking},
      senders_{parts.queue, parts.config, prober_, parts.blocking},
      metrics_{parts.metrics},
      timer_{parts.executor},
      tasks_{parts.executor, "dns", tasks_max},
      looks_{parts.executor, "dns_looks", looks_max},
      fetches_{parts.executor, "dns_policies", fetches_max} {}

DnsWatch::~DnsWatch() = default;

Result<void> DnsWatch::start() {
    SIDING_TRY(tasks_.spawn(run(*this)));
    return tasks_.spawn(SenderWatch::run(senders_));
}

awaitable<void> DnsWatch::stop() {
    looks_.cancel();
    fetches_.cancel();
    tasks_.cancel();
    co_await looks_.join();
    co_await fetches_.join();
    co_await tasks_.join();
    co_await senders_.keep();
}

awaitable<void> DnsWatch::run(DnsWatch& self) {
    while (!co_await is_cancelled()) {
        co_await self.follow_configuration();
        self.start_looks();
        const WallTime now = self.clock_.now();
        const milliseconds wait = self.schedule_.first().value_or(now + tick_max) - now;
        // A full house is looked at again soon; those whose time has come wait for a seat.
        self.timer_.expires_after(
            std::clamp(wait, self.looks_.full() ? tick_max / 4 : tick_min, tick_max)
        );
        static_cast<void>(co_await self.timer_.async_wait(net::use_result));
    }
}

awaitable<void> DnsWatch::follow_configuration() {
    const auto config = config_.get();
    if (config == followed_) {
        co_return;
    }
    const auto before = std::exchange(followed_, config);
    const config::Dns& dns = config->dns;
    resolver_.configure(resolver_options(dns));
    if (!authority_ || before->dns.roots != dns.roots || before->dns.port != dns.port) {
        authority_ = std::make_shared<dns::Authority>(prober_, resolver_, roots_of(dns));
    }
    co_await load_panel(dns);
    follow_domains(*config);
}

awaitable<void> DnsWatch::load_panel(const config::Dns& dns) {
    auto read = [dns] { return read_panel(dns); };
    auto panel = co_await net::run_on(blocking_, std::move(read));
    if (panel.has_error()) {
        log.warn("dns_panel_unreadable", {{"reason", panel.error()}});
    } else {
        panel_ = std::move(*panel);
    }
    panel_near_ = dns::panel_interval(panel_, dns.watch_near);
    budget_ = std::make_unique<dns::ProbeBudget>(panel_near_ / 2, questions_per_minute);
}

void DnsWatch::follow_domains(const config::Config& config) {
    std::vector<Domain> domains;
    if (config.dns.enabled) {
        for (const auto& [domain, settings] : config.domains) {
            domains.push_back(domain);
        }
    }
    const WallTime now = clock_.now();
    schedule_.set_domains(domains, now, config.dns.watch);
    std::erase_if(entries_, [&](const auto& entry) {
        const bool is_gone = !schedule_.contains(entry.first);
        if (is_gone) {
            metrics_.forget(entry.first.text());
        }
        return is_gone;
    });
    for (const Domain& domain : domains) {
        const bool is_known = entries_.contains(domain);
        EntryPtr& entry = entries_[domain];
        entry = is_known ? entry : std::make_shared<Entry>(domain);
        if (is_known) {
            schedule_.hurry(domain, now);  // its plan may be another one
        }
    }
    const std::lock_guard lock{reports_mutex_};
    std::erase_if(reports_, [&](const auto& entry) { return !entries_.contains(entry.first); });
    for (const Domain& domain : domains) {
        if (!reports_.contains(domain)) {
            auto report = std::make_shared<DomainDnsReport>();
            report->domain = domain.text();
            report->has_panel = config.dns.panel;
            report->judgement.reason = "not looked at yet";
            reports_.emplace(domain, std::move(report));
        }
    }
}

void DnsWatch::start_looks() {
    const std::size_t seats = looks_max - std::min(looks_max, looks_.count());
    for (const Domain& domain : schedule_.take_due(clock_.now(), seats)) {
        if (!looks_.spawn(look(*this, entries_.at(domain)))) {
            schedule_.done(domain, clock_.now() + tick_max);  // also at the end
        }
    }
}

awaitable<void> DnsWatch::look(DnsWatch& self, EntryPtr entry) {
    const Domain domain = entry->state.domain();
    if (!entry->is_loaded) {
        co_await self.load(entry);
    }
    const auto authority = self.authority_;
    auto view = co_await authority->look(domain.text());
    if (co_await is_cancelled()) {
        co_return;
    }
    const auto book = co_await self.senders_.book(domain);
    if (entry->state.on_look(std::move(view), self.clock_.now())) {
        entry->has_news = true;
    }
    const DomainDnsReport found =
        entry->state.report(self.plan_of(domain), *book, self.clock_.now());
    book->set_learning(found.authority && !found.judgement.published_at);
    if (found.error.empty()) {
        co_await self.ask_names(entry, found);
        if (co_await is_cancelled()) {
            co_return;
        }
    }
    if (found.has_panel && found.permit.allowed) {
        co_await self.ask_panel(entry);
        if (co_await is_cancelled()) {
            co_return;
        }
    }
    ++entry->looks;
    const Report report = self.publish(*entry, *book);
    self.start_fetch(entry);
    co_await self.keep(entry);
    // At the deadline the verdict may change, and not only at the next look after it.
    WallTime next = report->next_at.value_or(self.clock_.now());
    if (const auto& mx = report->judgement.mx; mx && mx->at > self.clock_.now()) {
        next = std::min(next, mx->at);
    }
    self.schedule_.done(domain, next);
}

DnsPlan DnsWatch::plan_of(const Domain& domain) const {
    return make_dns_plan(*config_.get(), domain, panel_near_);
}

awaitable<void> DnsWatch::load(EntryPtr entry) {
    auto read = [domain = entry->state.domain()](const queue::Store& store) {
        return read_stored(store, domain);
    };
    const auto stored = co_await queue_.read(std::move(read));
    entry->is_loaded = true;
    const auto history = stored && stored->history ? dns::History::load(*stored->history)
                                                   : Result<dns::History>{dns::History{}};
    if (stored.has_error() || history.has_error()) {
        log.warn(
            "dns_history_unreadable",
            {{"domain", entry->state.domain()},
             {"reason", stored.has_error() ? stored.error() : history.error()}}
        );
        co_return;
    }
    entry->kept = stored->state.value_or("");
    entry->state.resume(*history, entry->kept);
}

awaitable<void> DnsWatch::ask_panel(EntryPtr entry) {
    const auto config = config_.get();
    const Domain domain = entry->state.domain();
    const DnsPlan plan = plan_of(domain);
    const WallTime now = clock_.now();
    std::vector<dns::PanelOperator> operators;
    for (dns::PanelOperator each : panel_) {
        std::erase_if(each.addresses, [&](const net::HostPort& address) {
            return !budget_->take(address.text(), domain.text(), config->dns.samples, now);
        });
        if (!each.addresses.empty()) {
            operators.push_back(std::move(each));
        }
    }
    if (operators.empty() || operators.size() < panel_.size() / 2) {
        co_return;  // other domains have used up the budget; the next look tries again
    }
    const PanelTarget target = entry->state.panel_target(plan, now);
    dns::PanelRound round = co_await dns::run_round(
        prober_,
        operators,
        domain.text(),
        target.expected,
        config->dns.samples,
        target.mx_ttl,
        target.left
    );
    if (!co_await is_cancelled()) {
        entry->state.on_round(std::move(round), plan);
    }
}

DnsWatch::Report DnsWatch::publish(const Entry& entry, const SenderBook& book) {
    const Domain& domain = entry.state.domain();
    auto report = std::make_shared<const DomainDnsReport>(
        entry.state.report(plan_of(domain), book, clock_.now())
    );
    Report before = report_of(domain);
    if (before == nullptr) {
        return report;  // the configuration dropped the domain meanwhile
    }
    if (!before->watched_at) {
        before = nullptr;
    }
    log_changes(before.get(), *report);
    metrics_.update(before.get(), *report);
    const std::lock_guard lock{reports_mutex_};
    reports_.insert_or_assign(domain, report);
    return report;
}

awaitable<void> DnsWatch::ask_names(EntryPtr entry, const DomainDnsReport& found) {
    std::vector<std::string> hosts;
    for (const dns::HostAddresses& host : found.hosts) {
        hosts.push_back(host.host);
    }
    // Half of the time to the next look: what another domain has asked for counts here, too.
    const WallTime now = clock_.now();
    const milliseconds age_max = (found.next_at.value_or(now) - now) / 2;
    const auto served =
        co_await names_.look(authority_, entry->state.domain(), std::move(hosts), age_max);
    if (entry->state.on_names(served)) {
        entry->has_news = true;
    }
}

void DnsWatch::start_fetch(const EntryPtr& entry) {
    const bool has_room = !fetches_.full();
    if (has_room && names_.take_turn(entry->state.domain(), entry->state.history())) {
        static_cast<void>(fetches_.spawn(fetch_policy(*this, entry)));  // refused only at the end
    }
}

awaitable<void> DnsWatch::fetch_policy(DnsWatch& self, EntryPtr entry) {
    const auto config = self.config_.get();
    const Domain domain = entry->state.domain();
    FetchedPolicy fetched = co_await self.names_.fetch(domain, config->dns);
    if (co_await is_cancelled()) {
        co_return;
    }
    bool is_news = !fetched.policy;
    if (fetched.policy) {
        is_news = entry->state.on_names({*fetched.policy});
        entry->has_news = entry->has_news || is_news;
    }
    entry->state.on_policy_problem(std::move(fetched.problem));
    if (is_news && self.schedule_.contains(domain)) {
        self.look_soon(domain);
    }
}

awaitable<void> DnsWatch::keep(EntryPtr entry) {
    const WallTime now = clock_.now();
    const Domain& domain = entry->state.domain();
    queue::PutValues values;
    const bool is_news = std::exchange(entry->has_news, false);
    if (is_news || now - entry->kept_at >= keep_interval) {
        entry->state.forget_before(now - history_kept);
        values.values.push_back({history_key(domain), entry->state.history().save()});
    }
    std::string kept = entry->state.save();
    if (kept != entry->kept) {
        values.values.push_back({state_key(domain), kept});
    }
    if (values.values.empty()) {
        co_return;
    }
    queue::Change change{std::move(values)};
    const auto done = co_await queue_.commit(std::move(change));
    if (done.has_error()) {
        entry->has_news = entry->has_news || is_news;
        log.warn("dns_history_not_kept", {{"domain", domain}, {"reason", done.error()}});
        co_return;
    }
    entry->kept = std::move(kept);
    entry->kept_at = now;
}

}  // namespace siding::cutover
