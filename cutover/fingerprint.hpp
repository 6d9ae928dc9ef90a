// Are two multisets of recipients the same, in memory that does not grow with them? Each recipient
// is a 64-bit hash in one of a fixed number of buckets; one side adds it, the other removes it, the
// order does not matter, and a bucket whose sum is not zero has a difference in it.
//
// Mail moves on while it is counted. A recipient that moved during the count is `open`: it may have
// been seen or not, so a bucket is also good if some choice among its open ones makes it zero.
#pragma once

#include "base/id.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace siding::cutover {

class Fingerprint {
public:
    Fingerprint();

    void add(RecipientId id);
    void remove(RecipientId id);

    enum class Side {
        added,    // add() was called, the matching remove() may be missing
        removed,  // add() was not called, remove() may have been
    };

    class Open {
    public:
        Open(RecipientId id, Side side);

    private:
        friend class Fingerprint;
        std::uint64_t hash_;
        Side side_;
    };

    // Buckets with a difference, ascending.
    std::vector<std::size_t> differences(std::vector<Open> open) const;

    static std::size_t bucket_of(RecipientId id);

private:
    std::vector<std::uint64_t> sums_;
};

}  // namespace siding::cutover
