// Recipient files and rewrite maps in every format: what is taken can be looked up, an address of
// the plain format means the same to the parser of addresses, and a rewrite gives addresses.
#include "base/check.hpp"
#include "base/limits.hpp"
#include "relay/map_text.hpp"
#include "relay/recipient_import.hpp"
#include "relay/recipient_table.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace {

using namespace siding;
using namespace siding::relay;

constexpr std::string_view delimiter = "+";

Result<RecipientSet> read(std::uint8_t format, std::string_view text) {
    switch (format % 5) {
    case 0:
        return parse_recipient_list(text);
    case 1:
        return import_postfix_map(text);
    case 2:
        return import_aliases(text);
    case 3:
        return import_csv(text, "mail");
    default:
        return import_csv(text, "2");
    }
}

void check_counts(const RecipientSet& set) {
    std::size_t total = 0;
    for (const auto& [domain, count] : set.sizes()) {
        SIDING_CHECK(domain.empty() || Domain::parse(domain).has_value(), "no domain");
        total += count;
    }
    SIDING_CHECK(total == set.size() && total > 0, "counts");
}

// Each line of a good list is found again by its address.
void check_list(std::string_view text, RecipientSet set) {
    RecipientTable::Domains domains;
    const auto shared = std::make_shared<const RecipientSet>(std::move(set));
    for (const auto& [domain, count] : shared->sizes()) {
        domains[domain].recipients = {shared};
    }
    const RecipientTable table{std::move(domains)};
    MapLines lines{text};
    while (const auto line = lines.next()) {
        if (is_comment_or_blank(line->text)) {
            continue;
        }
        std::string_view rest = trim(line->text);
        const std::string_view word = take_word(rest);
        const auto address =
            Address::parse(word.starts_with('@') ? "x" + std::string{word} : std::string{word});
        SIDING_CHECK(address.has_value(), "a key without an address");
        SIDING_CHECK(
            table.find(*address, delimiter) == RecipientTable::Answer::known, "taken, not found"
        );
    }
}

void check_rewrites(std::string_view text) {
    auto map = RewriteMap::parse(text);
    if (!map) {
        return;
    }
    RecipientTable::Domains domains;
    domains["example.com"].rewrite = std::make_shared<const RewriteMap>(std::move(*map));
    const RecipientTable table{std::move(domains)};
    for (const char* local : {"joe", "joe+x", "\"j s\"", "\"j s+a \\\" b\"", "\"\"", "a@b"}) {
        const auto address = Address::parse(std::string{local} + "@example.com");
        for (const std::string& path : table.rewrite(*address, delimiter)) {
            SIDING_CHECK(Address::parse(path).has_value(), "not an address");
            SIDING_CHECK(path.find_first_of({"\0\r\n", 3}) == std::string::npos, "control octet");
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string_view text{reinterpret_cast<const char*>(data) + 1, size - 1};
    auto set = read(data[0], text);
    if (set) {
        check_counts(*set);
        if (data[0] % 5 == 0) {
            check_list(text, std::move(*set));
        }
    } else {
        SIDING_CHECK(!set.error().context.empty(), "refused without a reason");
    }
    check_rewrites(text);
    return 0;
}
