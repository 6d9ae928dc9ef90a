// A mailbox address: the local part verbatim, the domain as sent, and one key to compare by.
// Syntax on the wire is smtp/address.hpp's business; here an address is already split.
#pragma once

#include "base/domain.hpp"
#include "base/result.hpp"

#include <string>
#include <string_view>

namespace siding {

class Address {
public:
    // Splits at the last '@'. Errc::invalid_argument without one, with an empty side, or where the
    // right side is no domain.
    static Result<Address> parse(std::string_view text);

    const std::string& text() const { return text_; }  // verbatim: "Joe@Example.COM"
    std::string_view local_part() const { return std::string_view{text_}.substr(0, at_); }
    const Domain& domain() const { return domain_; }

    // What listings, filters and recipient files compare: both sides in lower case. RFC 5321 §2.4
    // lets local parts differ by case; no server that people migrate between does.
    std::string key() const;

    bool operator==(const Address&) const = default;

private:
    Address(std::string text, std::size_t at, Domain domain)
        : text_{std::move(text)}, at_{at}, domain_{std::move(domain)} {}

    std::string text_;
    std::size_t at_;
    Domain domain_;
};

}  // namespace siding
