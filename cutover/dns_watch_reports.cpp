// What whoever asks hears of the watch: dns_watch.hpp.
#include "cutover/dns_watch.hpp"

#include <fmt/format.h>

namespace siding::cutover {
namespace {

using net::awaitable;
using std::chrono::milliseconds;

constexpr milliseconds look_patience = std::chrono::seconds{50};  // of whoever asks for one
constexpr milliseconds poll_interval{20};

awaitable<bool> is_cancelled() {
    const auto state = co_await net::asio::this_coro::cancellation_state;
    co_return state.cancelled() != net::asio::cancellation_type::none;
}

}  // namespace

std::vector<DnsWatch::Report> DnsWatch::reports() const {
    const std::lock_guard lock{reports_mutex_};
    std::vector<Report> reports;
    for (const auto& [domain, report] : reports_) {
        reports.push_back(report);
    }
    return reports;
}

DnsWatch::Report DnsWatch::report_of(const Domain& domain) const {
    const std::lock_guard lock{reports_mutex_};
    const auto found = reports_.find(domain);
    return found == reports_.end() ? nullptr : found->second;
}

void DnsWatch::look_soon(const Domain& domain) {
    schedule_.hurry(domain, clock_.now());
    timer_.cancel();
}

awaitable<Result<DnsWatch::Report>> DnsWatch::look_now(Domain domain) {
    const auto found = entries_.find(domain);
    if (found == entries_.end()) {
        co_return Error{
            Errc::not_found, fmt::format("the MX of {} is not watched here", domain.text())};
    }
    const EntryPtr entry = found->second;
    // One that is under way has begun before the question.
    const std::uint64_t wanted = entry->looks + (schedule_.is_busy(domain) ? 2 : 1);
    look_soon(domain);
    net::asio::steady_timer poll{executor_};
    const auto deadline = std::chrono::steady_clock::now() + look_patience;
    while (entry->looks < wanted) {
        if (std::chrono::steady_clock::now() >= deadline || co_await is_cancelled()) {
            co_return Error{
                Errc::unavailable,
                fmt::format(
                    "the look at {} takes too long; see `siding dns status`", domain.text()
                )};
        }
        poll.expires_after(poll_interval);
        static_cast<void>(co_await poll.async_wait(net::use_result));
    }
    Report report = report_of(domain);
    if (report == nullptr) {
        co_return Error{Errc::not_found, domain.text() + " is no longer watched"};
    }
    co_return report;
}

}  // namespace siding::cutover
