#include "backfill/email_claims.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace siding::backfill {

EmailClaims::EmailClaims(net::asio::any_io_executor executor)
    : changed_{std::move(executor), net::asio::steady_timer::time_point::max()} {}

EmailClaims::Claim::Claim(EmailClaims& claims) : claims_{claims} {
    claims_.open_.push_back(this);
}

EmailClaims::Claim::~Claim() {
    std::erase(claims_.open_, this);
    claims_.changed_.cancel();
}

std::vector<bool> EmailClaims::Claim::take(std::span<const std::string> email_ids) {
    std::vector<bool> are_ours;
    std::vector<std::uint64_t> more;
    for (const std::string& id : email_ids) {
        const std::uint64_t hash = std::hash<std::string>{}(id);
        const bool is_ours = !claims_.is_taken(hash, *this);
        are_ours.push_back(is_ours);
        if (is_ours) {
            more.push_back(hash);
        }
    }
    std::ranges::sort(more);
    const auto middle = static_cast<std::ptrdiff_t>(hashes_.size());
    hashes_.insert(hashes_.end(), more.begin(), more.end());
    std::ranges::inplace_merge(hashes_, hashes_.begin() + middle);
    return are_ours;
}

net::awaitable<void> EmailClaims::wait() {
    if (!open_.empty()) {
        static_cast<void>(co_await changed_.async_wait(net::use_result));
    }
}

bool EmailClaims::is_taken(std::uint64_t hash, const Claim& mine) const {
    return std::ranges::any_of(open_, [&](const Claim* each) {
        return each != &mine && std::ranges::binary_search(each->hashes_, hash);
    });
}

}  // namespace siding::backfill
