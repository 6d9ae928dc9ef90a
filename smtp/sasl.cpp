#include "smtp/sasl.hpp"

#include "base/base64.hpp"
#include "base/bytes.hpp"
#include "base/check.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace siding::smtp {
namespace {

constexpr std::array all_mechanisms = {
    SaslMechanism::plain, SaslMechanism::login, SaslMechanism::xoauth2};

// Cuts the word at the front of `text` off; empty at the end.
std::string_view take_word(std::string_view& text) {
    constexpr std::string_view separators = " \t=";
    text.remove_prefix(std::min(text.find_first_not_of(separators), text.size()));
    const std::string_view word = text.substr(0, text.find_first_of(separators));
    text.remove_prefix(word.size());
    return word;
}

}  // namespace

std::string_view to_text(SaslMechanism mechanism) {
    switch (mechanism) {
    case SaslMechanism::plain:
        return "PLAIN";
    case SaslMechanism::login:
        return "LOGIN";
    case SaslMechanism::xoauth2:
        return "XOAUTH2";
    }
    SIDING_UNREACHABLE("no such mechanism");
}

std::vector<SaslMechanism> parse_auth_offer(const Reply& ehlo) {
    std::vector<SaslMechanism> offered;
    for (std::size_t i = 1; i < ehlo.lines.size(); ++i) {
        std::string_view line = ehlo.lines[i];
        if (!equals_ignoring_case(take_word(line), "AUTH")) {
            continue;
        }
        for (auto word = take_word(line); !word.empty(); word = take_word(line)) {
            for (const SaslMechanism mechanism : all_mechanisms) {
                if (equals_ignoring_case(word, to_text(mechanism)) &&
                    std::ranges::find(offered, mechanism) == offered.end()) {
                    offered.push_back(mechanism);
                }
            }
        }
    }
    return offered;
}

std::optional<SaslMechanism> choose_mechanism(
    const Credentials& credentials, const std::vector<SaslMechanism>& offered
) {
    const auto is_offered = [&](SaslMechanism mechanism) {
        return std::ranges::find(offered, mechanism) != offered.end();
    };
    if (credentials.mechanism) {
        return is_offered(*credentials.mechanism) ? credentials.mechanism : std::nullopt;
    }
    // A token is no password: XOAUTH2 must be asked for.
    for (const SaslMechanism mechanism : {SaslMechanism::plain, SaslMechanism::login}) {
        if (is_offered(mechanism)) {
            return mechanism;
        }
    }
    return std::nullopt;
}

std::string SaslExchange::start() {
    const auto& [user, secret, wanted] = credentials_;
    const std::string nul(1, '\0');
    switch (mechanism_) {
    case SaslMechanism::plain:  // RFC 4616 §2
        return "AUTH PLAIN " + to_base64(nul + user + nul + secret) + "\r\n";
    case SaslMechanism::login:
        return "AUTH LOGIN\r\n";
    case SaslMechanism::xoauth2:
        return "AUTH XOAUTH2 " +
               to_base64(
                   "user=" + user +
                   "\x01"
                   "auth=Bearer " +
                   secret + "\x01\x01"
               ) +
               "\r\n";
    }
    SIDING_UNREACHABLE("no such mechanism");
}

std::string SaslExchange::on_challenge() {
    challenges_ += 1;
    switch (mechanism_) {
    case SaslMechanism::plain:  // asked again for what stood in the first line
        break;
    case SaslMechanism::login:
        if (challenges_ <= 2) {
            return to_base64(challenges_ == 1 ? credentials_.user : credentials_.secret) + "\r\n";
        }
        break;
    case SaslMechanism::xoauth2:
        if (challenges_ == 1) {  // what is wrong, as JSON; then comes the refusal
            return "\r\n";
        }
        break;
    }
    return "*\r\n";
}

}  // namespace siding::smtp
