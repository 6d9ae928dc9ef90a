#include "base/domain.hpp"

#include "base/bytes.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <idn2.h>
#include <memory>
#include <optional>

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

constexpr std::size_t utf8_octets_max = 1024;

struct IdnFree {
    void operator()(std::uint8_t* name) const { idn2_free(name); }
};

// RFC 5891 §5, with the mapping of UTS 46 (case, width); letters of today's registries (ß) stay.
std::optional<std::string> to_a_labels(std::string_view text) {
    if (text.size() > utf8_octets_max || text.find('\0') != std::string_view::npos) {
        return std::nullopt;
    }
    const std::string terminated{text};
    std::uint8_t* raw = nullptr;
    const int failure = idn2_lookup_u8(
        reinterpret_cast<const std::uint8_t*>(terminated.c_str()),
        &raw,
        IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL
    );
    const std::unique_ptr<std::uint8_t, IdnFree> name{raw};
    if (failure != IDN2_OK) {
        return std::nullopt;
    }
    return std::string{reinterpret_cast<const char*>(name.get())};
}

bool is_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](unsigned char c) { return c < 0x80; });
}

}  // namespace

Result<Domain> Domain::parse(std::string_view text) {
    const std::string_view relative = text.ends_with('.') ? text.substr(0, text.size() - 1) : text;
    std::string name = to_lower(is_ascii(relative) ? relative : to_a_labels(relative).value_or(""));
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
