// An answer of DNS, any octets behind the one that chooses the type: what is understood is of that
// type and printable, and what stands behind the last record changes nothing.
#include "base/check.hpp"
#include "dns/message.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using namespace siding::dns;

bool is_printable(std::string_view text) {
    return std::ranges::all_of(text, [](unsigned char c) { return c >= 0x20 && c < 0x7F; });
}

bool is_of(const Record& record, RecordType type) {
    switch (type) {
    case RecordType::a:
    case RecordType::aaaa:
        return std::holds_alternative<Address>(record);
    case RecordType::mx:
        return std::holds_alternative<Mx>(record);
    case RecordType::tlsa:
        return std::holds_alternative<siding::net::TlsaRecord>(record);
    }
    return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::array types{RecordType::a, RecordType::aaaa, RecordType::mx, RecordType::tlsa};
    if (size == 0) {
        return 0;
    }
    const RecordType type = types[data[0] % types.size()];
    // A copy of its own, so that the sanitizer sees where it ends.
    const std::string octets{reinterpret_cast<const char*>(data + 1), size - 1};
    const auto answer = parse_answer(octets, "a.example", type);
    if (!answer) {
        SIDING_CHECK(!answer.error().context.empty(), "no reason");
        return 0;
    }
    SIDING_CHECK(is_printable(answer->name), "a name with a control");
    SIDING_CHECK(answer->ttl.count() >= 0, "a negative time");
    for (const Record& record : answer->records) {
        SIDING_CHECK(is_of(record, type), "a record of another type");
    }
    for (const Mx& mx : answer->all<Mx>()) {
        SIDING_CHECK(is_printable(mx.host), "a host with a control");
    }
    for (const auto& tlsa : answer->all<siding::net::TlsaRecord>()) {
        SIDING_CHECK(!tlsa.is_usable() || !tlsa.data.empty(), "usable without data");
    }
    const auto longer = parse_answer(octets + "tail", "a.example", type);
    SIDING_CHECK(longer && longer->records == answer->records, "looked beyond the end");
    return 0;
}
