// Servers as a table of replies to RCPT, for tests of the verifier. It notes what it was asked and
// can keep its answers back until it is told to give them.
#pragma once

#include "net/asio.hpp"
#include "relay/prober.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace siding::relay {

class ScriptedProber {
public:
    struct Call {
        std::string server;
        std::string sender;
        std::vector<std::string> recipients;
    };

    explicit ScriptedProber(net::asio::any_io_executor executor) : gate_{std::move(executor)} {
        gate_.expires_at(std::chrono::steady_clock::time_point::max());
    }

    // Of an address, or of every other one ("*").
    void says(const std::string& server, const std::string& address, smtp::Reply reply) {
        dead_.erase(server);
        replies_[{server, address}] = std::move(reply);
    }
    // Kept from the server, with this verdict.
    void cannot_take(const std::string& server, const std::string& address, smtp::Verdict verdict) {
        kept_back_[{server, address}] = std::move(verdict);
    }
    void dies(const std::string& server) { dead_.insert(server); }

    void hold(const std::string& server) { held_.insert(server); }
    void release() {
        held_.clear();
        gate_.cancel();
    }

    Prober prober() {
        return [this](std::string server, std::string sender, std::vector<std::string> recipients) {
            Call call{std::move(server), std::move(sender), std::move(recipients)};
            return answer(std::move(call));
        };
    }

    std::size_t calls_to(const std::string& server) const {
        std::size_t count = 0;
        for (const Call& call : calls) {
            count += call.server == server ? 1U : 0U;
        }
        return count;
    }

    std::vector<Call> calls;
    std::size_t under_way = 0;
    std::size_t cut_off = 0;

private:
    net::awaitable<ProbeAnswer> answer(Call call) {
        calls.push_back(call);
        ++under_way;
        while (held_.contains(call.server)) {
            static_cast<void>(co_await gate_.async_wait(net::use_result));
            const auto state = co_await net::asio::this_coro::cancellation_state;
            if (state.cancelled() != net::asio::cancellation_type::none) {
                ++cut_off;
                break;
            }
        }
        --under_way;
        ProbeAnswer out;
        for (const std::string& recipient : call.recipients) {
            out.verdicts.push_back(verdict_on(call.server, recipient));
        }
        co_return out;
    }

    smtp::Verdict verdict_on(const std::string& server, const std::string& recipient) const {
        if (const auto kept = kept_back_.find({server, recipient}); kept != kept_back_.end()) {
            return kept->second;
        }
        auto found = replies_.find({server, recipient});
        if (found == replies_.end()) {
            found = replies_.find({server, "*"});
        }
        if (dead_.contains(server) || found == replies_.end()) {
            return smtp::judge_loss(smtp::Stage::connect, "connection refused");
        }
        smtp::Verdict verdict = smtp::judge_reply(smtp::Stage::rcpt, found->second);
        if (found->second.is_positive()) {
            verdict.kind = smtp::VerdictKind::delivered;
        }
        return verdict;
    }

    std::map<std::pair<std::string, std::string>, smtp::Reply> replies_;
    std::map<std::pair<std::string, std::string>, smtp::Verdict> kept_back_;
    std::set<std::string> dead_;
    std::set<std::string> held_;
    net::asio::steady_timer gate_;
};

inline const smtp::Reply taken{250, {2, 1, 5}, "Ok"};
inline const smtp::Reply no_such_user{550, {5, 1, 1}, "no such user"};
inline const smtp::Reply not_now{451, {4, 3, 0}, "directory is down"};

}  // namespace siding::relay
