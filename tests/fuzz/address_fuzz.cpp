// A path of any octets: what is accepted is clean, within bounds, routed by a domain that is one,
// and the same when it is read again from where we would write it.
#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/check.hpp"
#include "base/limits.hpp"
#include "smtp/address.hpp"

#include <algorithm>
#include <cstdint>

namespace {

using namespace siding;

bool has_control(std::string_view text) {
    return std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

void check_domain(const Domain& domain) {
    const auto again = Domain::parse(domain.text());
    SIDING_CHECK(again && *again == domain, "not the same domain");
    SIDING_CHECK(domain.text() == to_lower(domain.text()), "not in lower case");
    SIDING_CHECK(
        domain.text().find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.") ==
            std::string::npos,
        "no name for the DNS"
    );
}

void check_path(const smtp::Path& path) {
    SIDING_CHECK(path.text.size() <= limits::path_octets_max, "not bounded");
    SIDING_CHECK(!has_control(path.text) && is_utf8(path.text), "an octet got in");
    if (path.address) {
        check_domain(path.address->domain());
        SIDING_CHECK(path.address->text() == path.text, "another address");
        SIDING_CHECK(path.text.starts_with(path.address->local_part()), "another local part");
        SIDING_CHECK(
            path.address->local_part().starts_with('"') ||
                path.address->local_part().find('@') == std::string_view::npos,
            "two domains"
        );
    } else {
        SIDING_CHECK(
            path.is_null() || path.is_postmaster() || path.text.ends_with(']'), "an unknown form"
        );
    }
}

void check_both(std::string_view text) {
    for (const auto parse : {smtp::parse_reverse_path, smtp::parse_forward_path}) {
        const auto parsed = parse(text);
        if (!parsed) {
            SIDING_CHECK(parsed.error().code == 501, "another refusal");
            continue;
        }
        check_path(parsed->path);
        const std::string wire = "<" + parsed->path.text + "> REST=1";
        const auto again = parse(wire);
        SIDING_CHECK(again && again->path == parsed->path, "not the same again");
        SIDING_CHECK(again->rest == "REST=1", "the end is elsewhere");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    check_both(text);
    check_both("<" + std::string{text} + ">");
    if (const auto domain = Domain::parse(text)) {
        check_domain(*domain);
    }
    if (const auto address = Address::parse(text)) {
        check_domain(address->domain());
    }
    return 0;
}
