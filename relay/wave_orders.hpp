// What operators order about waves: make one, put recipients into it, take them out, take it away.
// Durable when it answers, and counts from the next RCPT on; queued mail follows.
#pragma once

#include "config/live.hpp"
#include "queue/queue.hpp"
#include "relay/wave_tables.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace siding::relay {

struct WaveName {
    WaveName(Domain d, std::string w) : domain{std::move(d)}, wave{std::move(w)} {}

    Domain domain;
    std::string wave;

    std::string text() const { return domain.text() + "/" + wave; }
};

// The key of an address as an operator writes it for a domain: "joe" is joe of it.
// Errc::invalid_argument for what is no address of the domain.
Result<std::string> parse_member(const Domain& domain, std::string_view text);

// A glob on local parts, in lower case. Errc::invalid_argument for one with an @ or white space.
Result<std::string> parse_pattern(std::string_view text);

class WaveOrders {
public:
    // All outlive it.
    WaveOrders(queue::Queue& queue, const config::Live& config, WaveTables& tables)
        : queue_{queue}, config_{config}, tables_{tables} {}

    struct Addition {
        explicit Addition(WaveName n) : name{std::move(n)} {}

        WaveName name;
        WaveMembers members{};         // as parse_member() and parse_pattern() give them
        std::optional<Phase> phase{};  // of a new wave; nothing: as `default` is now, with its copy
        std::string copy{};            // of a new wave in a phase of its own
        std::string who{};
        std::string why{};
    };
    struct Added {
        bool created = false;
        std::uint64_t members = 0;  // that were not in it yet
        Phase phase = Phase::prep;
    };
    // Errc::not_found for a domain that is not ours, Errc::conflict for a phase where the wave is
    // there already, Errc::limit_exceeded beyond limits::wave_members_max.
    boost::asio::awaitable<Result<Added>> add(Addition order);

    // How many of them were in it. What files and the configuration say stays. Errc::not_found
    // without such a wave.
    boost::asio::awaitable<Result<std::uint64_t>> take_out(WaveName name, WaveMembers members);

    // The wave goes; its recipients, and what is queued for them, are in the waves that are left
    // for them. How many queued ones changed over. Errc::conflict for a wave of the configuration.
    boost::asio::awaitable<Result<std::uint64_t>> remove(WaveName name, std::string who);

    // A wave's recipients under another name, mostly of another domain: same local parts, same
    // patterns. They are copied as they are now, those of files as well.
    Result<WaveMembers> copy_members(const WaveName& from, const Domain& to) const;

private:
    Result<void> check_new(const Addition& order) const;
    boost::asio::awaitable<Result<void>> put_phase(const Addition& order);
    boost::asio::awaitable<Result<void>> commit_all(std::vector<queue::PutValues> changes);

    queue::Queue& queue_;
    const config::Live& config_;
    WaveTables& tables_;
};

}  // namespace siding::relay
