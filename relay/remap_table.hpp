// Addresses that an operator has sent elsewhere (`siding remap add OLD NEW`): who was refused under
// one name is delivered under another. Kept in the queue as values "remap/ADDRESS", so that they
// count after a restart; asked whenever a transaction for a server is made.
//
// One pass: what a remap gives is not remapped again. find() from any thread, the rest on one
// executor.
#pragma once

#include "base/address.hpp"
#include "base/result.hpp"
#include "config/live.hpp"
#include "queue/queue.hpp"

#include <boost/asio/awaitable.hpp>

#include <map>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

namespace siding::relay {

struct Remap {
    std::string from;  // the key of an address: lower case, A-labels
    std::string to;    // the local part verbatim, the domain as A-labels

    bool operator==(const Remap&) const = default;
};

class RemapTable {
public:
    // Both outlive it.
    RemapTable(queue::Queue& queue, const config::Live& config) : queue_{queue}, config_{config} {}

    // Blocks; before the first mail goes out.
    Result<void> load();

    // Nothing: no remap. Exactly this address, or without its tag: then the new address gets the
    // tag, as a rewrite map does it.
    std::optional<std::string> find(std::string_view address) const;

    // By address.
    std::vector<Remap> list() const;

    // Durable when it answers; an older remap of `from` is replaced. Errc::invalid_argument where
    // both are the same, too long to keep or no mailbox that a server could be told of,
    // Errc::limit_exceeded beyond limits::remaps_max.
    boost::asio::awaitable<Result<void>> add(Address from, Address to, std::string who);

    // Errc::not_found without such a remap.
    boost::asio::awaitable<Result<void>> remove(Address from, std::string who);

private:
    std::optional<std::string> find_key(const std::string& key) const;
    Result<void> check_new(const Address& from, const Address& to) const;

    queue::Queue& queue_;
    const config::Live& config_;
    mutable std::shared_mutex mutex_;
    std::map<std::string, std::string, std::less<>> remaps_;
};

}  // namespace siding::relay
