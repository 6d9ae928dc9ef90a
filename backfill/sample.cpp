#include "backfill/sample.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <optional>
#include <random>

namespace siding::backfill {
namespace {

constexpr double doubt = 0.05;
constexpr int halvings = 60;
constexpr std::uint64_t whole = 10'000;  // 100 %
constexpr std::uint64_t size_max = 1'000'000'000;

Error no_size(std::string_view text) {
    return {
        Errc::invalid_argument,
        fmt::format(
            "a sample is a share of each mailbox, '5%', or a number, '600'; not '{}'", text
        )};
}

std::optional<std::uint64_t> number_of(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool is_number = !text.empty() && failure == std::errc{} && end == text.end();
    return is_number && number <= size_max ? std::optional{number} : std::nullopt;
}

// "5", "0.5", "12.25" as hundredths.
std::optional<std::uint64_t> hundredths_of(std::string_view text) {
    const auto point = text.find('.');
    const auto units = number_of(text.substr(0, point));
    if (!units || point == std::string_view::npos) {
        return units ? std::optional{*units * 100} : std::nullopt;
    }
    const std::string_view digits = text.substr(point + 1);
    const auto rest = number_of(digits);
    if (!rest || digits.size() > 2) {
        return std::nullopt;
    }
    return *units * 100 + (digits.size() == 1 ? *rest * 10 : *rest);
}

// The chance of at most `wrong` among `looked_at` where the share `p` is wrong.
double chance_of_at_most(std::uint64_t wrong, std::uint64_t looked_at, double p) {
    const auto n = static_cast<double>(looked_at);
    double chance = 0;
    for (std::uint64_t i = 0; i <= wrong; ++i) {
        const auto k = static_cast<double>(i);
        chance += std::exp(
            std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) + k * std::log(p) +
            (n - k) * std::log1p(-p)
        );
    }
    return chance;
}

}  // namespace

Result<SampleSize> SampleSize::parse(std::string_view text) {
    SampleSize size;
    if (text.ends_with('%')) {
        const auto share = hundredths_of(text.substr(0, text.size() - 1));
        if (!share || *share == 0 || *share > whole) {
            return no_size(text);
        }
        size.per_ten_thousand_ = *share;
        return size;
    }
    const auto messages = number_of(text);
    if (!messages || *messages == 0) {
        return no_size(text);
    }
    size.messages_ = *messages;
    return size;
}

std::uint64_t SampleSize::of(std::uint64_t messages) const {
    if (per_ten_thousand_ == 0) {
        return std::min(messages, messages_);
    }
    // In this order it cannot overflow, and a part of a message is one.
    const std::uint64_t parts = messages / whole * per_ten_thousand_;
    return parts + (messages % whole * per_ten_thousand_ + whole - 1) / whole;
}

std::string SampleSize::text() const {
    if (per_ten_thousand_ == 0) {
        return std::to_string(messages_);
    }
    const std::uint64_t rest = per_ten_thousand_ % 100;
    return rest == 0 ? fmt::format("{}%", per_ten_thousand_ / 100)
                     : fmt::format("{}.{:02}%", per_ten_thousand_ / 100, rest);
}

// Knuth, The Art of Computer Programming, vol. 2, §3.4.2, algorithm S.
ImapSet choose(const ImapSet& from, std::uint64_t size, std::uint64_t seed) {
    std::uint64_t left = from.count();
    std::uint64_t wanted = std::min(size, left);
    std::mt19937_64 draw{seed};
    ImapSet chosen;
    for (const ImapSet::Range& range : from.ranges()) {
        for (std::uint64_t number = range.first; wanted > 0; ++number) {
            // Of 2^64 the remainder is one in a hundred thousand million for a million messages.
            if (draw() % left < wanted) {
                chosen.add(number);
                --wanted;
            }
            --left;
            if (number == range.last) {
                break;
            }
        }
    }
    return chosen;
}

double wrong_share_max(std::uint64_t wrong, std::uint64_t looked_at) {
    if (wrong >= looked_at) {
        return 1;
    }
    if (wrong == 0) {
        return 1 - std::pow(doubt, 1 / static_cast<double>(looked_at));
    }
    double low = static_cast<double>(wrong) / static_cast<double>(looked_at);
    double high = 1;
    for (int i = 0; i < halvings; ++i) {
        const double middle = (low + high) / 2;
        (chance_of_at_most(wrong, looked_at, middle) > doubt ? low : high) = middle;
    }
    return high;
}

std::uint64_t effective_sample(const std::vector<Sampled>& mailboxes) {
    std::uint64_t messages = 0;
    double share = 1;
    for (const Sampled& mailbox : mailboxes) {
        if (mailbox.messages > 0) {
            messages += mailbox.messages;
            const double own =
                static_cast<double>(mailbox.looked_at) / static_cast<double>(mailbox.messages);
            share = std::min(share, own);
        }
    }
    // A share that is none in binary must not cost a message.
    return static_cast<std::uint64_t>(static_cast<double>(messages) * share + 1e-6);
}

}  // namespace siding::backfill
