#include "backfill/final_words.hpp"

#include "base/bytes.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <vector>

namespace siding::backfill {
namespace {

constexpr std::size_t mailboxes_named_max = 5;

std::string messages(std::uint64_t number) {
    return fmt::format("{} message{}", number, number == 1 ? "" : "s");
}

std::uint64_t arrived(const PassCounts& counts) {
    return counts.copied + counts.moved + counts.refused + counts.unreadable;
}

std::string words_of(const std::string& mailbox, const PassCounts& counts) {
    const std::string name = escape(mailbox);
    if (const std::uint64_t fresh = arrived(counts); fresh > 0) {
        return fmt::format("{} new message{} in {}", fresh, fresh == 1 ? "" : "s", name);
    }
    if (counts.gone > 0) {
        return fmt::format("{} expunged in {}", messages(counts.gone), name);
    }
    return fmt::format("{} with other flags in {}", messages(counts.flags), name);
}

}  // namespace

std::string words_of_changes(const std::map<std::string, PassCounts>& found, WallTime since) {
    std::vector<std::pair<std::string, PassCounts>> mailboxes{found.begin(), found.end()};
    std::ranges::stable_sort(mailboxes, [](const auto& a, const auto& b) {
        return arrived(a.second) > arrived(b.second);
    });
    const bool grows = arrived(mailboxes.front().second) > 0;
    std::string text = grows ? "the source still grows: " : "the source is still in use: ";
    for (std::size_t at = 0; at < std::min(mailboxes.size(), mailboxes_named_max); ++at) {
        text += at == 0 ? "" : ", ";
        text += words_of(mailboxes[at].first, mailboxes[at].second);
    }
    if (mailboxes.size() > mailboxes_named_max) {
        text += fmt::format(", and more in {} mailboxes", mailboxes.size() - mailboxes_named_max);
    }
    text += " since " + format_time(since);
    text += grows ? "; it is copied, but stop what delivers to the old server"
                  : "; it is copied, but let nobody use the old server";
    return text + ", then order the final pass again";
}

}  // namespace siding::backfill
