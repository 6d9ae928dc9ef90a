// Keys of the backfill's store: the only place that knows them.
//
//   records      'n' account-name                         → its id
//                'a' account                              → AccountRecord
//                'b' account mailbox-name                 → its id
//                'm' account mailbox                      → MailboxRecord
//                't' account mailbox epoch                → totals
//                'v' account key                          → value
//   message      account mailbox epoch uid                → CopyRecord
//   intent       account mailbox epoch uid                → (empty)   rows in state `intent`
//   destination  account mailbox epoch destination-uid uid → (empty)  rows with a destination UID
//   digest       account digest mailbox epoch uid         → (empty)   rows in state `copied`, by
//                                                           raw digest, and by that of email_id
//   quarantine   the key of the message                   → the octets that could not be read
//
// Numbers are big-endian, so that octet order is number order. Indices have no checksum of their
// own: whoever finds something there looks at the row.
#pragma once

#include "backfill/copy_record.hpp"
#include "queue/key_octets.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace siding::backfill::keys {

using queue::keys::after_prefix;

// A source UIDVALIDITY as a number: the front of its text's SHA-256, as the text may be anything.
using Epoch = std::uint64_t;
Epoch to_epoch(std::string_view source_uid_validity);

struct EpochKey {  // one epoch of one mailbox
    AccountId account = 0;
    MailboxId mailbox = 0;
    Epoch epoch = 0;
};

std::string account_name(std::string_view name);
std::string account(AccountId id);
std::string account_prefix();
std::string mailbox_name(AccountId account, std::string_view name);
std::string mailbox(AccountId account, MailboxId id);
std::string mailbox_prefix(AccountId account);
std::string totals(const EpochKey& of);
std::string value(AccountId account, std::string_view key);
inline constexpr std::size_t value_head_octets = 5;  // in front of the key

std::string epoch(const EpochKey& of);
std::string message(const EpochKey& of, std::uint64_t uid);  // and in `intent`
std::string destination_prefix(const EpochKey& of, std::uint64_t destination_uid);
std::string destination(const EpochKey& of, const CopyRecord& row);
// Of the digest its first octets stand in the key: all rows of one account with it.
inline constexpr std::size_t digest_prefix_octets = 4 + 16;
std::string digest_prefix(AccountId account, std::string_view digest);
std::string digest(const EpochKey& of, const CopyRecord& row);
// The same for CopyRecord::email_id.
std::string email_prefix(AccountId account, std::string_view email_id);
std::string email(const EpochKey& of, const CopyRecord& row);

std::uint64_t tail_u64(std::string_view key);
std::uint32_t tail_u32(std::string_view key);
struct DigestTail {
    MailboxId mailbox = 0;
    Epoch epoch = 0;
    std::uint64_t uid = 0;
};
DigestTail digest_tail(std::string_view digest_key);

}  // namespace siding::backfill::keys
