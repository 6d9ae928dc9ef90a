// An answer of DNS, any octets behind the one that chooses the type: what is understood is of that
// type and printable, and what stands behind the last record changes nothing. A whole response is
// read twice as one value, every record of it can be shown, and equal data is shown as equal.
#include "base/check.hpp"
#include "dns/message.hpp"
#include "dns/panel.hpp"
#include "dns/response.hpp"
#include "dns/sample_state.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace {

using namespace siding::dns;

bool is_printable(std::string_view text) {
    return std::ranges::all_of(text, [](unsigned char c) { return c >= 0x20 && c < 0x7F; });
}

bool is_of(const Record& record, RecordType type) {
    if (type == RecordType::mx) {
        return std::holds_alternative<Mx>(record);
    }
    if (type == RecordType::tlsa) {
        return std::holds_alternative<siding::net::TlsaRecord>(record);
    }
    return std::holds_alternative<Address>(record);
}

void check_records(const std::vector<ResourceRecord>& records) {
    for (const ResourceRecord& record : records) {
        SIDING_CHECK(is_printable(record.owner), "an owner with a control");
        SIDING_CHECK(record.ttl.count() >= 0, "a negative time");
        const std::string shown = format_rdata(record);
        SIDING_CHECK(!shown.empty() && is_printable(shown), "data that cannot be shown");
        const ResourceRecord copy = record;
        SIDING_CHECK(copy == record && format_rdata(copy) == shown, "shown in two ways");
    }
}

void check_response(const std::string& octets, RecordType type) {
    const Question question{"a.example", type};
    const auto response = parse_response(octets, question);
    if (!response) {
        SIDING_CHECK(!response.error().context.empty(), "no reason");
        return;
    }
    check_records(response->answers);
    check_records(response->authority);
    check_records(response->additional);
    SIDING_CHECK(is_printable(response->nsid), "an NSID with a control");
    SIDING_CHECK(response->rcode >= 0 && response->rcode < 0x1000, "an impossible code");
    SIDING_CHECK(response->octets == octets.size(), "another size");
    const RrSet set = rrset_of(*response, "A.Example.", type);
    SIDING_CHECK(std::ranges::is_sorted(set.data), "a set without order");
    SIDING_CHECK(set.data.size() <= response->answers.size(), "a set from nowhere");
    Sample sample;
    sample.question = question;
    sample.kind = Sample::Kind::answered;
    sample.response = *response;
    const auto state = judge(sample, Expected{{"mx.example"}, {"old.example"}});
    SIDING_CHECK(state != SampleState::timed_out, "an answer that is none");
}

// The text of a panel file: what is understood can be written and is understood again.
void check_panel(const std::string& text) {
    const auto panel = parse_panel(text);
    if (panel) {
        const auto again = parse_panel(format_panel(*panel));
        SIDING_CHECK(again && again->size() == panel->size(), "a panel that cannot be written");
    }
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
    constexpr std::array more{RecordType::mx, RecordType::txt, RecordType::soa, RecordType::caa};
    check_response(octets, data[0] < 0x80 ? type : more[data[0] % more.size()]);
    check_panel(octets);
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
