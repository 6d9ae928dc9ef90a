// The watch over the MX records of all configured domains: asks authoritative servers and, when it
// does no harm, the panel; keeps what was served in the queue's store; says in log and metrics what
// has changed. Looks are spread in time and few at once.
//
// Lives on one executor of the network. Mail does not wait for it: DNS that is away for hours is
// a word in its reports.
#pragma once

#include "base/metrics.hpp"
#include "config/live.hpp"
#include "cutover/dns_domain.hpp"
#include "cutover/dns_metrics.hpp"
#include "cutover/dns_names.hpp"
#include "cutover/dns_schedule.hpp"
#include "cutover/dns_sources.hpp"
#include "cutover/sender_watch.hpp"
#include "dns/authority.hpp"
#include "dns/pace.hpp"
#include "dns/prober.hpp"
#include "net/task_group.hpp"
#include "queue/queue.hpp"

#include <boost/asio/steady_timer.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace siding::cutover {

class DnsWatch {
public:
    using Report = std::shared_ptr<const DomainDnsReport>;

    // All of them outlive the watch.
    struct Parts {
        queue::Queue& queue;
        const config::Live& config;
        Metrics& metrics;
        net::asio::any_io_executor executor;
        net::asio::any_io_executor blocking;
    };

    explicit DnsWatch(Parts parts);
    ~DnsWatch();
    DnsWatch(const DnsWatch&) = delete;
    DnsWatch& operator=(const DnsWatch&) = delete;

    Result<void> start();
    net::awaitable<void> stop();

    // The newest of each domain, by name; from any thread. One without `watched_at` has not been
    // looked at since the start.
    std::vector<Report> reports() const;
    // nullptr: no such domain, or watching is switched off.
    Report report_of(const Domain& domain) const;

    // Asks the authoritative servers now and answers with what they say. On the executor.
    // Errc::not_found: not a domain that is watched.
    net::awaitable<Result<Report>> look_now(Domain domain);
    // The same without waiting for it.
    void look_soon(const Domain& domain);

    SenderWatch& senders() { return senders_; }

private:
    struct Entry {
        explicit Entry(Domain domain) : state{std::move(domain)} {}

        DnsDomain state;
        bool is_loaded = false;
        std::uint64_t looks = 0;
        bool has_news = false;  // that the store does not have yet
        std::string kept{};     // as it is in the store
        WallTime kept_at{};     // the history
    };
    using EntryPtr = std::shared_ptr<Entry>;

    static net::awaitable<void> run(DnsWatch& self);
    static net::awaitable<void> look(DnsWatch& self, EntryPtr entry);
    net::awaitable<void> follow_configuration();
    net::awaitable<void> load_panel(const config::Dns& dns);
    void follow_domains(const config::Config& config);
    void start_looks();
    net::awaitable<void> load(EntryPtr entry);
    net::awaitable<void> ask_panel(EntryPtr entry);
    net::awaitable<void> ask_names(EntryPtr entry, const DomainDnsReport& found);
    void start_fetch(const EntryPtr& entry);
    static net::awaitable<void> fetch_policy(DnsWatch& self, EntryPtr entry);
    net::awaitable<void> keep(EntryPtr entry);
    Report publish(const Entry& entry, const SenderBook& book);
    DnsPlan plan_of(const Domain& domain) const;

    queue::Queue& queue_;
    const config::Live& config_;
    const Clock& clock_;
    net::asio::any_io_executor executor_;
    net::asio::any_io_executor blocking_;
    dns::Resolver resolver_;  // for addresses of name servers
    dns::Prober prober_;
    std::shared_ptr<dns::Authority> authority_;  // a look that is under way keeps its own
    DnsNames names_;
    SenderWatch senders_;
    DnsMetrics metrics_;

    std::shared_ptr<const config::Config> followed_;  // the configuration that this goes by
    std::vector<dns::PanelOperator> panel_;
    std::chrono::milliseconds panel_near_{0};
    std::unique_ptr<dns::ProbeBudget> budget_;
    DnsSchedule schedule_;
    std::map<Domain, EntryPtr> entries_;
    net::asio::steady_timer timer_;
    net::TaskGroup tasks_;
    net::TaskGroup looks_;
    net::TaskGroup fetches_;  // of policies, which may take seconds

    mutable std::mutex reports_mutex_;
    std::map<Domain, Report> reports_;
};

}  // namespace siding::cutover
