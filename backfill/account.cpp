#include "backfill/account.hpp"

#include "base/bytes.hpp"

#include <algorithm>
#include <array>

namespace siding::backfill {
namespace {

// In the order of the enum.
constexpr std::array<std::string_view, 6> mechanism_words{
    "auto", "plain", "login", "scram-sha-256", "xoauth2", "oauthbearer"};

}  // namespace

bool Login::needs_token() const {
    const bool takes_one = mechanism == Mechanism::automatic || mechanism == Mechanism::xoauth2 ||
                           mechanism == Mechanism::oauthbearer;
    return tokens && takes_one && secret.kind != Secret::Kind::token;
}

std::string_view format_mechanism(Mechanism mechanism) {
    return mechanism_words.at(static_cast<std::size_t>(mechanism));
}

std::optional<Mechanism> parse_mechanism(std::string_view word) {
    const auto found = std::ranges::find(mechanism_words, to_lower(word));
    return found == mechanism_words.end()
               ? std::nullopt
               : std::optional{static_cast<Mechanism>(found - mechanism_words.begin())};
}

}  // namespace siding::backfill
