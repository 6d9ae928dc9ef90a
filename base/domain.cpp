#include "base/domain.hpp"

#include "base/bytes.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace siding {
namespace {

bool is_label_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

// RFC 1035 §2.3.1 and §2.3.4; the underscore is common in practice and harmless.
bool is_label(std::string_view label) {
    return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
           std::ranges::all_of(label, is_label_char);
}

}  // namespace

Result<Domain> Domain::parse(std::string_view text) {
    std::string name = to_lower(text.ends_with('.') ? text.substr(0, text.size() - 1) : text);
    bool good = !name.empty() && name.size() <= 253;
    for (std::size_t start = 0; good && start <= name.size();) {
        const auto dot = std::min(name.find('.', start), name.size());
        good = is_label(std::string_view{name}.substr(start, dot - start));
        start = dot + 1;
    }
    if (!good) {
        return Error{
            Errc::invalid_argument,
            fmt::format(
                "'{}' is not a domain; write example.com, or xn--… for other scripts", escape(text)
            )};
    }
    return Domain{std::move(name)};
}

}  // namespace siding
