#include "relay/next_hop.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"
#include "net/network_error.hpp"
#include "relay/next_hop_lookup.hpp"
#include "relay/own_address.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

namespace siding::relay {
namespace {

using net::awaitable;
using Candidates = std::vector<Candidate>;
using SteadyTime = std::chrono::steady_clock::time_point;

const Logger log{"relay"};

dns::ResolverOptions make_options(const config::Dns& dns) {
    dns::ResolverOptions options;
    for (const config::Endpoint& server : dns.servers) {
        options.servers.emplace_back(server.host, server.port);
    }
    options.timeout = dns.timeout;
    options.tries = dns.tries;
    return options;
}

std::vector<NextHopQuestion> make_questions(const config::Server& server) {
    NextHopQuestion question;
    question.endpoint = server.address;
    question.is_mx = server.mx;
    question.is_dane = server.tls == config::ServerTls::dane;
    std::vector<NextHopQuestion> questions{question};
    question.is_mx = false;
    for (const config::Endpoint& fallback : server.fallback) {
        question.endpoint = fallback;
        questions.push_back(question);
    }
    return questions;
}

bool is_ipv6(const std::string& address) {
    return address.find(':') != std::string::npos;
}

Result<Candidates> narrow(
    Candidates candidates, const config::Server& server, const config::Config& config
) {
    const std::string target = config::format_endpoint(server.address);
    const auto has_no_source = [&](const Candidate& candidate) {
        const auto fits = [&](const std::string& source) {
            return is_ipv6(source) == is_ipv6(candidate.address.address);
        };
        return !server.source.empty() && std::ranges::none_of(server.source, fits);
    };
    std::erase_if(candidates, has_no_source);
    if (candidates.empty()) {
        return Error{Errc::unavailable, target + " has no address that `source` can reach"};
    }
    const auto is_own = [&](const Candidate& candidate) {
        return is_own_address(config, candidate.address);
    };
    std::erase_if(candidates, is_own);
    if (candidates.empty()) {
        return Error{Errc::conflict, target + " leads back to our own listener"};
    }
    candidates.resize(std::min(candidates.size(), limits::next_hop_addresses_max));
    return candidates;
}

}  // namespace

// What was found, until its time is over.
class NextHops::Cache {
public:
    using Found = Result<Candidates>;

    // Whether the settings differ from those of the last call; then nothing is known any more.
    bool follow(const config::Dns& dns) {
        const std::lock_guard lock{mutex_};
        const bool is_new = dns_ != dns;
        if (is_new) {
            dns_ = dns;
            entries_.clear();
        }
        return is_new;
    }

    // Nothing where the caller is to look it up himself, and to say what came of it. While
    // somebody does so for what was known before, the others go on with that, so that DNS that does
    // not answer is waited for once; but not with DANE, where a withdrawn key must not live on.
    std::optional<Found> take(const NextHopQuestion& question) {
        const std::lock_guard lock{mutex_};
        const auto found = entries_.find(question);
        if (found == entries_.end()) {
            return std::nullopt;
        }
        Entry& entry = found->second;
        const bool is_fresh = std::chrono::steady_clock::now() < entry.expires_at;
        const bool is_good_for_now =
            entry.is_being_renewed && (!question.is_dane || entry.found.has_error());
        if (is_fresh || is_good_for_now) {
            return entry.found;
        }
        entry.is_being_renewed = true;
        return std::nullopt;
    }

    void put(const NextHopQuestion& question, Found found, std::chrono::seconds ttl) {
        const std::lock_guard lock{mutex_};
        if (entries_.size() >= limits::next_hops_kept_max) {
            entries_.clear();
        }
        const auto expires_at = std::chrono::steady_clock::now() + ttl;
        entries_.insert_or_assign(question, Entry{std::move(found), expires_at, false});
    }

    void give_up(const NextHopQuestion& question) {
        const std::lock_guard lock{mutex_};
        if (const auto found = entries_.find(question); found != entries_.end()) {
            found->second.is_being_renewed = false;
        }
    }

private:
    struct Entry {
        Found found;
        SteadyTime expires_at;
        bool is_being_renewed = false;
    };

    std::mutex mutex_;
    std::optional<config::Dns> dns_;
    std::map<NextHopQuestion, Entry> entries_;
};

NextHops::NextHops(const config::Live& config, dns::Resolver& resolver)
    : config_{config}, resolver_{resolver}, cache_{std::make_unique<Cache>()} {}

NextHops::~NextHops() = default;

awaitable<Result<Candidates>> NextHops::find(const config::Server& server) {
    const auto config = config_.get();
    if (cache_->follow(config->dns)) {
        resolver_.configure(make_options(config->dns));
    }
    Candidates candidates;
    std::optional<Error> failure;
    for (const NextHopQuestion& question : make_questions(server)) {
        auto found = co_await know(question, config);
        if (found.has_value()) {
            std::ranges::move(*found, std::back_inserter(candidates));
        } else if (net::is_cancelled(found.error())) {
            co_return found.error();
        } else {
            failure = failure ? failure : found.error();
        }
    }
    if (candidates.empty()) {
        co_return *failure;
    }
    co_return narrow(std::move(candidates), server, *config);
}

awaitable<Result<Candidates>> NextHops::know(
    NextHopQuestion question, std::shared_ptr<const config::Config> config
) {
    if (auto known = cache_->take(question)) {
        co_return std::move(*known);
    }
    NextHopLookup lookup{resolver_, config};
    auto answer = co_await lookup.run(question);
    if (answer.has_value()) {
        const auto ttl = std::clamp<std::chrono::seconds>(
            answer->ttl, limits::next_hop_ttl_min, limits::next_hop_ttl_max
        );
        cache_->put(question, answer->candidates, ttl);
        co_return std::move(answer->candidates);
    }
    if (net::is_cancelled(answer.error())) {
        cache_->give_up(question);
    } else {
        log.warn(
            "next_hop_unknown",
            {{"host", question.endpoint.host},
             {"port", question.endpoint.port},
             {"error", answer.error()}}
        );
        cache_->put(question, answer.error(), limits::next_hop_failure_ttl);
    }
    co_return answer.error();
}

}  // namespace siding::relay
