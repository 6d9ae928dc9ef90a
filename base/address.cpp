#include "base/address.hpp"

#include "base/bytes.hpp"

#include <fmt/format.h>

namespace siding {

Result<Address> Address::parse(std::string_view text) {
    const auto at = text.rfind('@');
    if (at == std::string_view::npos || at == 0) {
        return Error{
            Errc::invalid_argument,
            fmt::format("'{}' is not an address; write user@example.com", escape(text))};
    }
    SIDING_ASSIGN(Domain domain, Domain::parse(text.substr(at + 1)));
    return Address{std::string{text}, at, std::move(domain)};
}

std::string Address::key() const {
    return to_lower(local_part()) + "@" + domain_.text();
}

}  // namespace siding
