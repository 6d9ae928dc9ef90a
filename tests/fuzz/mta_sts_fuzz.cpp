// An MTA-STS policy, its record, and the lists of tags beside it: what is understood is clean, and
// the same when said again.
#include "base/check.hpp"
#include "dns/mta_sts.hpp"
#include "dns/tag_list.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using namespace siding::dns;

bool is_plain(std::string_view text) {
    return std::ranges::all_of(text, [](unsigned char c) { return c > 0x20 && c < 0x7F; });
}

void check_tags(std::string_view text) {
    if (const auto list = parse_tag_list(text)) {
        for (const auto& [name, value] : list->tags) {
            SIDING_CHECK(is_plain(name) && !name.empty(), "no name");
            SIDING_CHECK(value.find(';') == std::string::npos, "two in one");
            SIDING_CHECK(list->find(name) == value, "not found");
        }
    }
    if (const auto key = parse_dkim_key(text)) {
        SIDING_CHECK(!key->is_revoked || key->bits == 0, "bits of nothing");
    }
    if (const auto dmarc = parse_dmarc(text)) {
        SIDING_CHECK(is_dmarc(text) && dmarc->percent >= 0 && dmarc->percent <= 100, "percent");
    }
    if (const auto reporting = parse_tls_reporting(text)) {
        SIDING_CHECK(!reporting->reports_to.empty(), "reports to nobody");
        for (const std::string& uri : reporting->reports_to) {
            const auto domain = mailto_domain(uri);
            SIDING_CHECK(!domain || domain->size() < uri.size(), "longer than itself");
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text{reinterpret_cast<const char*>(data), size};
    check_tags(text);
    if (const auto id = parse_sts_record(text)) {
        SIDING_CHECK(is_plain(*id) && !id->empty(), "no id");
    }
    const auto policy = parse_sts_policy(text);
    if (!policy) {
        SIDING_CHECK(!policy.error().context.empty(), "no reason");
        return 0;
    }
    SIDING_CHECK(policy->max_age.count() >= 0, "a negative time");
    for (const std::string& pattern : policy->mx) {
        SIDING_CHECK(is_plain(pattern), "an octet got in");
        SIDING_CHECK(
            policy->allows(pattern.starts_with("*.") ? "a" + pattern.substr(1) : pattern),
            "does not fit itself"
        );
    }
    const auto again = parse_sts_policy(format_sts_policy(*policy));
    SIDING_CHECK(again && again->mode == policy->mode && again->mx == policy->mx, "not the same");
    return 0;
}
