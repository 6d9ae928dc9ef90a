#include "relay/verifier.hpp"

#include "base/limits.hpp"
#include "relay/run_in.hpp"
#include "relay/wakeup.hpp"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <utility>

namespace siding::relay {
namespace {

Existence combine(const std::vector<ServerReport>& reports) {
    const auto says = [](Existence what) {
        return [what](const ServerReport& report) { return report.existence == what; };
    };
    if (std::ranges::any_of(reports, says(Existence::exists))) {
        return Existence::exists;
    }
    if (!reports.empty() && std::ranges::all_of(reports, says(Existence::unknown))) {
        return Existence::unknown;
    }
    return Existence::undecided;
}

VerifyAnswer answer_of(const std::vector<ServerReport>& reports) {
    VerifyAnswer answer;
    answer.existence = combine(reports);
    bool proven = false;
    bool asked = false;
    for (const ServerReport& report : reports) {
        if (report.existence == answer.existence) {
            asked = asked || !report.from_cache;
            proven = proven || !report.catch_all;
        }
        answer.detail += fmt::format(
            "{}{}: {}{} ({})",
            answer.detail.empty() ? "" : "; ",
            report.server,
            to_text(report.existence),
            report.last_known ? ", last known" : "",
            report.reply
        );
    }
    answer.from_cache = !asked && !reports.empty();
    answer.catch_all = answer.existence == Existence::exists && !proven;
    return answer;
}

}  // namespace

// One question to one server, for everybody who has it meanwhile.
struct Verifier::Ask {
    std::optional<ServerReport> outcome;
    std::vector<std::weak_ptr<Wakeup>> waiting;
};

Verifier::Verifier(
    queue::Queue& queue,
    const config::Live& config,
    Prober prober,
    Metrics& metrics,
    net::asio::any_io_executor executor
)
    : config_{config},
      tasks_{std::move(executor), "verify", limits::verify_tasks_max},
      oracle_{queue, config, std::move(prober), metrics, tasks_} {}

Verifier::~Verifier() = default;

net::awaitable<VerifyAnswer> Verifier::verify(Address address, std::vector<std::string> servers) {
    Reports known;
    for (const std::string& server : servers) {
        if (auto report = oracle_.recall(server, address)) {
            known.push_back(std::move(*report));
        }
    }
    const bool complete = known.size() == servers.size();
    if (complete || combine(known) == Existence::exists) {
        co_return answer_of(known);
    }
    const Reports reports = co_await ask(std::move(address), std::move(servers), Until::decided);
    co_return answer_of(reports);
}

net::awaitable<RecipientReport> Verifier::report(Address address) {
    RecipientReport out;
    out.address = address.text();
    const auto config = config_.get();
    const auto domain = config->domains.find(address.domain());
    if (domain == config->domains.end()) {
        co_return out;
    }
    const config::Recipients& recipients = domain->second.recipients;
    out.accepts_any = recipients.any;
    if (!recipients.verify.empty()) {
        std::vector<std::string> servers = recipients.verify;
        out.servers = co_await ask(std::move(address), std::move(servers), Until::all);
        out.existence = combine(out.servers);
    }
    co_return out;
}

net::awaitable<Result<std::uint64_t>> Verifier::flush(std::string what) {
    auto filter = parse_flush(what);
    if (!filter) {
        co_return std::move(filter).error();
    }
    Result<std::uint64_t> stopped = Error{Errc::unavailable, "recipient verification is stopping"};
    auto work = forget(std::move(*filter));
    auto count = co_await run_in(tasks_, std::move(work), std::move(stopped));
    co_return count;
}

net::awaitable<void> Verifier::stop() {
    stopping_ = true;
    tasks_.abort();
    co_await tasks_.join();
}

net::awaitable<Result<std::uint64_t>> Verifier::forget(KeyFilter filter) {
    asks_.clear();  // who asks from now on is not answered by an older probe
    co_return co_await oracle_.forget(std::move(filter));
}

net::awaitable<Verifier::Reports> Verifier::ask(
    Address address, std::vector<std::string> servers, Until until
) {
    Reports stopped;
    auto work = question(std::move(address), std::move(servers), until);
    co_return co_await run_in(tasks_, std::move(work), std::move(stopped));
}

net::awaitable<Verifier::Reports> Verifier::question(
    Address address, std::vector<std::string> servers, Until until
) {
    const auto deadline = std::chrono::steady_clock::now() + config_.get()->verify.timeout;
    const auto wakeup = std::make_shared<Wakeup>(tasks_.executor());
    std::vector<std::shared_ptr<Ask>> asks;
    for (const std::string& server : servers) {
        asks.push_back(join(server, address));
        asks.back()->waiting.push_back(wakeup);
    }
    const auto is_over = [&asks, until] {
        const auto exists = [](const auto& one) {
            return one->outcome && one->outcome->existence == Existence::exists;
        };
        const auto ended = [](const auto& one) { return one->outcome.has_value(); };
        return std::ranges::all_of(asks, ended) ||
               (until == Until::decided && std::ranges::any_of(asks, exists));
    };
    while (!is_over() && !stopping_) {
        const auto left = deadline - std::chrono::steady_clock::now();
        if (left <= left.zero()) {
            break;
        }
        co_await wakeup->wait(std::chrono::ceil<std::chrono::milliseconds>(left));
    }
    Reports reports;
    for (std::size_t i = 0; i < asks.size(); ++i) {
        ServerReport report;
        report.server = servers[i];
        report.reply = "no answer in time";
        if (asks[i]->outcome) {
            report = *asks[i]->outcome;
        }
        const bool open = report.existence == Existence::undecided;
        reports.push_back(open ? oracle_.last_known(address, std::move(report)) : report);
    }
    co_return reports;
}

std::shared_ptr<Verifier::Ask> Verifier::join(const std::string& server, const Address& address) {
    const std::string key = verify_key(server, address);
    if (const auto found = asks_.find(key); found != asks_.end()) {
        return found->second;
    }
    auto ask = std::make_shared<Ask>();
    if (tasks_.spawn(run_ask(ask, server, address))) {
        asks_.emplace(key, ask);
    } else {
        ask->outcome.emplace();
        ask->outcome->server = server;
        ask->outcome->reply = "too many questions at once";
    }
    return ask;
}

net::awaitable<void> Verifier::run_ask(
    std::shared_ptr<Ask> ask, std::string server, Address address
) {
    const std::string key = verify_key(server, address);
    const auto give_up_at = std::chrono::steady_clock::now() + config_.get()->verify.timeout;
    auto report = co_await oracle_.ask(std::move(server), std::move(address), give_up_at);
    ask->outcome = std::move(report);
    if (const auto found = asks_.find(key); found != asks_.end() && found->second == ask) {
        asks_.erase(found);
    }
    for (const auto& one : ask->waiting) {
        if (const auto wakeup = one.lock()) {
            wakeup->nudge();
        }
    }
}

}  // namespace siding::relay
