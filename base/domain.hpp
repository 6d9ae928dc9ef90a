// A DNS domain as a value: lower case, no trailing dot, letters, digits, hyphens and underscores.
// An internationalised name is its A-labels (xn--…), in whichever form it was written.
#pragma once

#include "base/result.hpp"

#include <compare>
#include <string>
#include <string_view>

namespace siding {

class Domain {
public:
    // Errc::invalid_argument for an empty name, a label over 63 octets, a name over 253, and for
    // what IDNA 2008 does not allow.
    static Result<Domain> parse(std::string_view text);

    const std::string& text() const { return text_; }
    auto operator<=>(const Domain&) const = default;

private:
    explicit Domain(std::string text) : text_{std::move(text)} {}
    std::string text_;
};

}  // namespace siding

template <>
struct std::hash<siding::Domain> {
    std::size_t operator()(const siding::Domain& domain) const noexcept {
        return std::hash<std::string>{}(domain.text());
    }
};
