#include "backfill/ledger_keys.hpp"

#include "base/check.hpp"
#include "base/digest.hpp"

namespace siding::backfill::keys {
namespace {

using queue::keys::get_number;
using queue::keys::put_u32;
using queue::keys::put_u64;

std::string kind_and_account(char kind, AccountId account) {
    std::string out(1, kind);
    put_u32(out, account);
    return out;
}

void put_epoch(std::string& out, const EpochKey& of) {
    put_u32(out, of.account);
    put_u32(out, of.mailbox);
    put_u64(out, of.epoch);
}

std::string with_tail(std::string prefix, const EpochKey& of, std::uint64_t uid) {
    put_u32(prefix, of.mailbox);
    put_u64(prefix, of.epoch);
    put_u64(prefix, uid);
    return prefix;
}

constexpr std::size_t digest_octets = digest_prefix_octets - 4;
constexpr std::size_t digest_tail_octets = 4 + 8 + 8;

}  // namespace

Epoch to_epoch(std::string_view source_uid_validity) {
    return get_number(std::string_view{sha256(source_uid_validity)}.substr(0, 8));
}

std::string account_name(std::string_view name) {
    return std::string("n").append(name);
}

std::string account(AccountId id) {
    return kind_and_account('a', id);
}

std::string account_prefix() {
    return "a";
}

std::string mailbox_name(AccountId account, std::string_view name) {
    return kind_and_account('b', account).append(name);
}

std::string mailbox(AccountId account, MailboxId id) {
    std::string out = mailbox_prefix(account);
    put_u32(out, id);
    return out;
}

std::string mailbox_prefix(AccountId account) {
    return kind_and_account('m', account);
}

std::string totals(const EpochKey& of) {
    return "t" + epoch(of);
}

std::string value(AccountId account, std::string_view key) {
    return kind_and_account('v', account).append(key);
}

std::string epoch(const EpochKey& of) {
    std::string out;
    put_epoch(out, of);
    return out;
}

std::string message(const EpochKey& of, std::uint64_t uid) {
    std::string out = epoch(of);
    put_u64(out, uid);
    return out;
}

std::string destination_prefix(const EpochKey& of, std::uint64_t destination_uid) {
    return message(of, destination_uid);
}

std::string destination(const EpochKey& of, const CopyRecord& row) {
    std::string out = destination_prefix(of, row.destination_uid);
    put_u64(out, row.uid);
    return out;
}

std::string digest_prefix(AccountId account, std::string_view digest) {
    std::string out;
    put_u32(out, account);
    out.append(digest.substr(0, digest_octets));
    out.resize(digest_prefix_octets);
    return out;
}

std::string digest(const EpochKey& of, const CopyRecord& row) {
    return with_tail(digest_prefix(of.account, row.digests.raw), of, row.uid);
}

// No message can be made whose own digest is this one.
std::string email_prefix(AccountId account, std::string_view email_id) {
    return digest_prefix(account, sha256(std::string{"email id\0", 9}.append(email_id)));
}

std::string email(const EpochKey& of, const CopyRecord& row) {
    return with_tail(email_prefix(of.account, row.email_id), of, row.uid);
}

std::uint64_t tail_u64(std::string_view key) {
    SIDING_CHECK(key.size() >= 8, "key without a number");
    return get_number(key.substr(key.size() - 8));
}

std::uint32_t tail_u32(std::string_view key) {
    SIDING_CHECK(key.size() >= 4, "key without a number");
    return static_cast<std::uint32_t>(get_number(key.substr(key.size() - 4)));
}

DigestTail digest_tail(std::string_view digest_key) {
    SIDING_CHECK(digest_key.size() >= digest_tail_octets, "digest key without a message");
    const std::string_view tail = digest_key.substr(digest_key.size() - digest_tail_octets);
    return {tail_u32(tail.substr(0, 4)), get_number(tail.substr(4, 8)), tail_u64(tail)};
}

}  // namespace siding::backfill::keys
