// Records of the backfill's store and back, in the frame of queue/frame.hpp. `name` is what an
// operator reads when one is Errc::corrupt. Keys hold the ids, so records do not.
#pragma once

#include "backfill/copy_record.hpp"
#include "backfill/ledger.hpp"
#include "base/result.hpp"

#include <string>
#include <string_view>

namespace siding::backfill {

std::string encode(const CopyRecord& row);
Result<CopyRecord> decode_row(std::string_view stored, std::uint64_t uid, std::string_view name);

std::string encode(const MailboxRecord& mailbox);
Result<MailboxRecord> decode_mailbox(std::string_view stored, MailboxId id, std::string_view name);

std::string encode(const AccountRecord& account);
Result<AccountRecord> decode_account(std::string_view stored, AccountId id, std::string_view name);

std::string encode(const MailboxTotals& totals);
Result<MailboxTotals> decode_totals(std::string_view stored, std::string_view name);

std::string encode_id(std::uint32_t id);
Result<std::uint32_t> decode_id(std::string_view stored, std::string_view name);

std::string encode_value(std::string_view text);
Result<std::string> decode_value(std::string_view stored, std::string_view key);

}  // namespace siding::backfill
