// What Siding has accepted, from the ledger: pages of new `accepted` lines as mail seen. The
// client's name is in the envelope, which is there as long as the message is; addresses whose names
// were seen are remembered. Blocks; used by one thread at a time.
#pragma once

#include "base/domain.hpp"
#include "base/result.hpp"
#include "cutover/senders.hpp"
#include "queue/store.hpp"

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace siding::cutover {

struct FeedMail {
    std::string domain{};
    SeenMail mail{};
    std::string proxy_address{};  // who spoke XCLIENT or PROXY for the client
};

class SenderFeed {
public:
    struct Page {
        std::vector<FeedMail> mails{};  // one for each domain of a message
        bool at_end = false;
    };

    // From the line after `sequence` on.
    explicit SenderFeed(std::uint64_t sequence = 0) : sequence_{sequence} {}

    // The next limits::change_page_rows lines. `domains`: whose mail is wanted.
    Result<Page> read(const queue::Store& store, const std::set<std::string>& domains);

    // The last line read; to be kept as the value sender_cursor_key.
    std::uint64_t sequence() const { return sequence_; }

private:
    struct Name {
        std::string name;
        std::string helo;
    };

    std::uint64_t sequence_;
    std::unordered_map<std::string, Name> names_;  // by address
};

inline constexpr std::string_view sender_cursor_key = "dns/senders_cursor";

}  // namespace siding::cutover
