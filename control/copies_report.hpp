// A parallel run, compared: for each recipient that had a copy, what the first server said and what
// the other one did. Read from the ledger, so that it is known long after both have the mail.
//
// What both have taken is only counted; of the rest at most copies_pairs_max are remembered, and
// the oldest are counted as they stand when there are more.
#pragma once

#include "queue/store.hpp"

#include <boost/json/object.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace siding::control {

inline constexpr std::size_t copies_pairs_max = 100'000;

class CopiesReport {
public:
    enum class Show { differing, waiting, all };

    // Of the filter all that is known of accepted mail counts: not state, cause, server or copy.
    // Its limit bounds the rows that are shown, newest last, not what is counted.
    CopiesReport(queue::Filter filter, Show show);

    // Reads on; true at the end of the ledger. Blocks.
    Result<bool> step(const queue::Store& store);

    void on_line(const queue::LedgerEntry& line);

    // docs/control-api.md, GET /v1/copies.
    boost::json::object document();

private:
    struct Answer {
        queue::LedgerKind kind = queue::LedgerKind::accepted;  // accepted: none yet
        std::string server;
        std::string reply;
        std::string cause;
        WallTime at{};
    };
    struct Pair {
        MessageId message;
        WallTime received_at{};
        std::string recipient;
        std::string sender;
        Answer first;
        Answer copy;
    };
    struct Difference {
        std::uint64_t recipients = 0;
        std::vector<Pair> examples;
    };
    enum class Comparison { agree, differ, waiting };
    using PairKey = std::pair<MessageId, std::uint32_t>;  // number of the copy

    Result<std::uint64_t> find_start(const queue::Store& store) const;
    void on_accepted(const queue::LedgerEntry& line);
    void add_pair(const queue::LedgerEntry& line, std::uint32_t first, std::uint32_t copy);
    void on_answer(const queue::LedgerEntry& line);
    void settle(std::map<PairKey, Pair>::iterator pair);
    void count(Pair pair);
    static Comparison compare(const Pair& pair);
    static boost::json::object answer_json(const Answer& answer);
    static boost::json::object pair_json(const Pair& pair);

    queue::Filter filter_;
    Show show_;
    std::size_t rows_max_;
    std::uint64_t next_sequence_ = 0;  // 0: not begun

    std::map<PairKey, Pair> pairs_;
    std::map<RecipientId, std::vector<PairKey>> pairs_of_;  // by the recipients of both sides
    MessageId last_message_;
    std::uint64_t messages_ = 0;
    std::uint64_t agree_ = 0;
    std::uint64_t differ_ = 0;
    std::uint64_t waiting_ = 0;
    std::map<std::pair<std::string, std::string>, Difference> differences_;  // (how, cause)
    std::deque<Pair> rows_;
};

}  // namespace siding::control
