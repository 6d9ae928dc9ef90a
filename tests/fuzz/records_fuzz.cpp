// A stored record's octets: what decodes encodes to something that decodes to the same, and what
// does not is an error. The first octet chooses the record; the frame around the rest is made good,
// since its checksum would let nothing else through.
#include "base/check.hpp"
#include "queue/frame.hpp"
#include "queue/record.hpp"

#include <cstdint>

namespace {

using namespace siding;
using namespace siding::queue;

const RecipientId some_id{MessageId{0x0102030405060708}, 9};

template <typename Decode>
void check_round_trip(Decode decode, const std::string& stored) {
    const auto first = decode(stored);
    if (first.has_error()) {
        SIDING_CHECK(
            first.error().is(Errc::corrupt) || first.error().is(Errc::invalid_argument),
            "another kind of error"
        );
        return;
    }
    const std::string again = encode(*first);
    const auto second = decode(again);
    SIDING_CHECK(second.has_value(), "what was encoded does not decode");
    SIDING_CHECK(encode(*second) == again, "not the same after a round trip");
}

void check_ledger(const std::string& line) {
    const Digest genesis = ledger_genesis();
    std::string stored = line;
    stored += chain_of(genesis, line);
    auto first = decode_ledger(stored, 1, &genesis);
    if (first.has_error()) {
        SIDING_CHECK(first.error().is(Errc::corrupt), "another kind of error");
        return;
    }
    static_cast<void>(format_ledger_kind(first->kind));
    const std::string again = encode_ledger(*first, genesis);
    auto second = decode_ledger(again, 1, &genesis);
    SIDING_CHECK(second.has_value(), "what was encoded does not decode");
    SIDING_CHECK(encode_ledger(*second, genesis) == again, "not the same after a round trip");
}

void check_octets(const std::string& octets) {
    static_cast<void>(unseal(octets, "x"));
    static_cast<void>(decode_envelope(octets, "x"));
    static_cast<void>(decode_ledger(octets, 1, nullptr));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string_view payload{reinterpret_cast<const char*>(data) + 1, size - 1};
    switch (data[0]) {
    case 'e':
        check_round_trip(
            [](const std::string& stored) { return decode_envelope(stored, "x"); }, seal(payload)
        );
        break;
    case 'r':
        check_round_trip(
            [](const std::string& stored) { return decode_recipient(stored, some_id); },
            seal(payload)
        );
        break;
    case 'c':
        check_round_trip(
            [](const std::string& stored) { return decode_counts(stored, "x"); }, seal(payload)
        );
        break;
    case 't':
        check_round_trip(decode_tail, seal(payload));
        break;
    case 'j':
        check_round_trip(decode_release, seal(payload));
        break;
    case 'l':
        check_ledger(seal(payload));
        break;
    default:
        check_octets(std::string{payload});
        break;
    }
    return 0;
}
