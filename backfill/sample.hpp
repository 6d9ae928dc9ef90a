// A verification that looks at some messages of each mailbox and says what that proves. Pure; the
// same seed chooses the same messages.
#pragma once

#include "backfill/imap_set.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace siding::backfill {

// "5%": that share of each mailbox; "600": so many of each, and all of a smaller one.
class SampleSize {
public:
    // Errc::invalid_argument. From 0.01% to 100%, with two digits behind the point; from 1.
    static Result<SampleSize> parse(std::string_view text);

    // Rounded up.
    std::uint64_t of(std::uint64_t messages) const;
    std::string text() const;

    bool operator==(const SampleSize&) const = default;

private:
    std::uint64_t per_ten_thousand_ = 0;  // 0: a number
    std::uint64_t messages_ = 0;
};

// `size` of them, each choice as likely as any other.
ImapSet choose(const ImapSet& from, std::uint64_t size, std::uint64_t seed);

// Clopper and Pearson: the largest share that leaves at least 5 % chance to find no more than
// `wrong` among `looked_at`. One for 0 of 0.
double wrong_share_max(std::uint64_t wrong, std::uint64_t looked_at);

// What was looked at in one mailbox.
struct Sampled {
    std::uint64_t messages = 0;
    std::uint64_t looked_at = 0;
};

// As many as a sample of all mailboxes together must have to prove no more than these do: of each
// mailbox only the share counts that was looked at in the one where it was smallest.
std::uint64_t effective_sample(const std::vector<Sampled>& mailboxes);

}  // namespace siding::backfill
