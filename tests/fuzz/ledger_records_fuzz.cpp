// Any octets as a record of the backfill's ledger: without a frame they are refused, and what is
// understood inside of one is written and read again as the same.
#include "backfill/ledger_codec.hpp"
#include "base/check.hpp"
#include "queue/frame.hpp"

#include <cstdint>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace siding::backfill;
    const std::string_view octets{reinterpret_cast<const char*>(data), size};
    static_cast<void>(decode_row(octets, 1, "row"));
    const std::string stored = siding::queue::seal(octets);
    if (const auto row = decode_row(stored, 1, "row")) {
        SIDING_CHECK(decode_row(encode(*row), 1, "row").value() == *row, "another row");
    }
    if (const auto mailbox = decode_mailbox(stored, 2, "mailbox")) {
        SIDING_CHECK(
            decode_mailbox(encode(*mailbox), 2, "mailbox").value() == *mailbox, "another mailbox"
        );
    }
    if (const auto account = decode_account(stored, 3, "account")) {
        SIDING_CHECK(
            decode_account(encode(*account), 3, "account").value() == *account, "another account"
        );
    }
    static_cast<void>(decode_totals(stored, "totals"));
    static_cast<void>(decode_id(stored, "id"));
    return 0;
}
