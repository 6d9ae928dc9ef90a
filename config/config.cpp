#include "config/config.hpp"

#include "base/check.hpp"
#include "base/limits.hpp"
#include "config/schema.hpp"
#include "config/units.hpp"

#include <algorithm>

namespace siding::config {

std::vector<std::string> all_extensions() {
    const Key* key = find_key("extensions");
    SIDING_CHECK(key != nullptr, "extensions");
    const auto words = split_choices(key->choices);
    return {words.begin(), words.end()};
}

bool is_name(std::string_view text) {
    constexpr std::size_t name_max = 32;
    return !text.empty() && text.size() <= name_max && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
}

std::vector<std::string> new_mx_hosts(const MxMove& mx, const std::string& hostname) {
    return mx.new_hosts.empty() ? std::vector{hostname} : mx.new_hosts;
}

std::string default_probe_sender(const std::string& hostname) {
    return "double-bounce@" + hostname;
}

std::uint64_t DiskReserve::bytes(std::uint64_t disk_size_bytes) const {
    const auto wanted = [&]() -> std::uint64_t {
        switch (kind_) {
        case Kind::automatic:
            return std::max(std::uint64_t{2} << 30, disk_size_bytes / 20);
        case Kind::bytes:
            return amount_;
        case Kind::percent:
            return disk_size_bytes / 100 * amount_;
        }
        SIDING_UNREACHABLE("disk reserve");
    };
    return std::max(wanted(), limits::disk_reserve_octets_min);
}

Result<DiskReserve> DiskReserve::parse(std::string_view text) {
    if (text == "auto") {
        return automatic();
    }
    if (text.ends_with('%')) {
        SIDING_ASSIGN(const unsigned percent, parse_percent(text));
        return of_percent(percent);
    }
    SIDING_ASSIGN(const std::uint64_t size_bytes, parse_size(text));
    return of_bytes(size_bytes);
}

std::string DiskReserve::text() const {
    switch (kind_) {
    case Kind::automatic:
        return "auto";
    case Kind::bytes:
        return format_size(amount_);
    case Kind::percent:
        return format_percent(static_cast<unsigned>(amount_));
    }
    SIDING_UNREACHABLE("disk reserve");
}

}  // namespace siding::config
