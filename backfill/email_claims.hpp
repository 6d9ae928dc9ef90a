// Which mailbox brings a message that the source shows in several, while more than one is copied at
// a time: whoever claims it first sends it; the others wait for that and copy it at the
// destination. Nobody waits while others may wait for it. Lives on one io thread.
//
// Identities are kept as hashes: two that collide make one mailbox wait for nothing, and no more.
#pragma once

#include "net/asio.hpp"

#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace siding::backfill {

class EmailClaims {
public:
    explicit EmailClaims(net::asio::any_io_executor executor);
    EmailClaims(const EmailClaims&) = delete;
    EmailClaims& operator=(const EmailClaims&) = delete;

    // Of one mailbox, until what is its is in the ledger, or will not be.
    class Claim {
    public:
        explicit Claim(EmailClaims& claims);
        ~Claim();
        Claim(const Claim&) = delete;
        Claim& operator=(const Claim&) = delete;

        // Takes those that nobody else has; says of each whether it is ours now.
        std::vector<bool> take(std::span<const std::string> email_ids);

    private:
        friend class EmailClaims;
        EmailClaims& claims_;
        std::vector<std::uint64_t> hashes_;  // sorted
    };

    // Until a claim ends; not at all where there is none.
    net::awaitable<void> wait();

private:
    bool is_taken(std::uint64_t hash, const Claim& mine) const;

    net::asio::steady_timer changed_;
    std::vector<Claim*> open_;
};

}  // namespace siding::backfill
