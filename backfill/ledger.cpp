// The ledger's accounts, mailboxes, twins and values.
#include "backfill/ledger.hpp"

#include "backfill/ledger_codec.hpp"
#include "backfill/ledger_impl.hpp"
#include "base/check.hpp"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <system_error>
#include <unistd.h>

namespace siding::backfill {
namespace {

constexpr MailboxId no_mailbox = 0;

std::string account_words(AccountId id) {
    return fmt::format("of account {} in the backfill's ledger", id);
}

std::string mailbox_words(AccountId account, MailboxId id) {
    return fmt::format("of mailbox {} of account {} in the backfill's ledger", id, account);
}

Result<void> sync_directory(const std::filesystem::path& directory) {
    const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool synced = fd >= 0 && ::fsync(fd) == 0;
    const int code = errno;
    if (fd >= 0) {
        ::close(fd);
    }
    if (!synced) {
        return Error{
            boost::system::error_code{code, boost::system::system_category()},
            "sync " + directory.string()};
    }
    return {};
}

Result<void> write_one(LedgerDatabase& database, std::string_view key, std::string_view value) {
    rocksdb::WriteBatch batch;
    batch.Put(database.handle(LedgerFamily::records), to_slice(key), to_slice(value));
    return database.write(batch);
}

// Ids of a kind are the tails of its keys, and none is ever taken back.
Result<std::uint32_t> last_id(const LedgerDatabase& database, const std::string& prefix) {
    const auto last = database.scan(LedgerFamily::records, prefix);
    last->SeekForPrev(to_slice(keys::after_prefix(prefix)));
    if (!last->status().ok()) {
        return database.read_error(last->status(), "read of the ledger's ids");
    }
    const bool has_one = last->Valid() && last->key().starts_with(prefix);
    return has_one ? keys::tail_u32(last->key().ToStringView()) : 0;
}

Result<std::optional<AccountRecord>> find_account(
    const LedgerDatabase& database, std::string_view name
) {
    SIDING_ASSIGN(
        const auto stored_id, database.get(LedgerFamily::records, keys::account_name(name))
    );
    if (!stored_id) {
        return std::nullopt;
    }
    SIDING_ASSIGN(const AccountId id, decode_id(*stored_id, "of an account's name"));
    SIDING_ASSIGN(const auto stored, database.get(LedgerFamily::records, keys::account(id)));
    SIDING_ASSIGN(
        AccountRecord account, decode_account(stored.value_or(""), id, account_words(id))
    );
    return account;
}

Result<std::optional<MailboxRecord>> find_mailbox(
    const LedgerDatabase& database, AccountId account, std::string_view name
) {
    const std::string name_key = keys::mailbox_name(account, name);
    SIDING_ASSIGN(const auto stored_id, database.get(LedgerFamily::records, name_key));
    if (!stored_id) {
        return std::nullopt;
    }
    SIDING_ASSIGN(const MailboxId id, decode_id(*stored_id, "of a mailbox's name"));
    SIDING_ASSIGN(
        const auto stored, database.get(LedgerFamily::records, keys::mailbox(account, id))
    );
    SIDING_ASSIGN(
        MailboxRecord mailbox, decode_mailbox(stored.value_or(""), id, mailbox_words(account, id))
    );
    return mailbox;
}

template <typename Take>
Result<void> for_each_record(
    const LedgerDatabase& database, const std::string& prefix, const Take& take
) {
    const auto records = database.scan(LedgerFamily::records, prefix);
    for (; records->Valid(); records->Next()) {
        SIDING_TRY(take(records->key().ToStringView(), records->value().ToStringView()));
    }
    if (!records->status().ok()) {
        return database.read_error(records->status(), "read of the ledger's records");
    }
    return {};
}

}  // namespace

Ledger::Ledger(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
Ledger::~Ledger() = default;

Result<std::unique_ptr<Ledger>> Ledger::open(const std::filesystem::path& directory) {
    std::error_code failure;
    std::filesystem::create_directories(directory, failure);
    if (failure) {
        return Error{boost::system::error_code{failure}, "create " + directory.string()};
    }
    SIDING_ASSIGN(auto database, LedgerDatabase::open(directory / "db"));
    // The names of what was just made: without them the ledger is an empty one.
    SIDING_TRY(sync_directory(directory));
    SIDING_TRY(sync_directory(directory / ".."));
    return std::unique_ptr<Ledger>{new Ledger{std::make_unique<Impl>(std::move(database))}};
}

Result<std::unique_ptr<Ledger>> Ledger::open_read_only(const std::filesystem::path& directory) {
    SIDING_ASSIGN(auto database, LedgerDatabase::open(directory / "db", true));
    return std::unique_ptr<Ledger>{new Ledger{std::make_unique<Impl>(std::move(database))}};
}

bool Ledger::failed() const {
    return impl_->database->failed();
}

Result<AccountRecord> Ledger::account(std::string_view name) {
    LedgerDatabase& database = *impl_->database;
    const std::lock_guard lock{impl_->lock_of(0, no_mailbox)};
    SIDING_ASSIGN(auto known, find_account(database, name));
    if (known) {
        return std::move(*known);
    }
    SIDING_ASSIGN(const AccountId last, last_id(database, keys::account_prefix()));
    AccountRecord account;
    account.id = last + 1;
    account.name = name;
    account.phase = "new";
    rocksdb::WriteBatch batch;
    rocksdb::ColumnFamilyHandle* const records = database.handle(LedgerFamily::records);
    batch.Put(records, keys::account_name(name), encode_id(account.id));
    batch.Put(records, keys::account(account.id), encode(account));
    SIDING_TRY(database.write(batch));
    return account;
}

Result<void> Ledger::put(const AccountRecord& account) {
    SIDING_CHECK(account.id != 0, "an account that the ledger has not given");
    return write_one(*impl_->database, keys::account(account.id), encode(account));
}

Result<std::vector<AccountRecord>> Ledger::accounts() const {
    std::vector<AccountRecord> out;
    SIDING_TRY(for_each_record(
        *impl_->database,
        keys::account_prefix(),
        [&](std::string_view key, std::string_view value) -> Result<void> {
            const AccountId id = keys::tail_u32(key);
            SIDING_ASSIGN(AccountRecord account, decode_account(value, id, account_words(id)));
            out.push_back(std::move(account));
            return {};
        }
    ));
    return out;
}

Result<MailboxRecord> Ledger::mailbox(AccountId account, std::string_view source_name) {
    const std::string name{source_name};
    SIDING_ASSIGN(auto found, mailboxes(account, {&name, 1}));
    return std::move(found.front());
}

Result<std::vector<MailboxRecord>> Ledger::mailboxes(
    AccountId account, std::span<const std::string> source_names
) {
    SIDING_CHECK(account != 0, "an account that the ledger has not given");
    LedgerDatabase& database = *impl_->database;
    const std::lock_guard lock{impl_->lock_of(account, no_mailbox)};
    SIDING_ASSIGN(MailboxId last, last_id(database, keys::mailbox_prefix(account)));
    std::vector<MailboxRecord> out;
    std::map<std::string_view, MailboxRecord> fresh;
    rocksdb::WriteBatch batch;
    rocksdb::ColumnFamilyHandle* const records = database.handle(LedgerFamily::records);
    for (const std::string& name : source_names) {
        SIDING_ASSIGN(auto known, find_mailbox(database, account, name));
        if (!known && !fresh.contains(name)) {
            MailboxRecord& mailbox = fresh[name];
            mailbox.id = ++last;
            mailbox.source = name;
            batch.Put(records, keys::mailbox_name(account, name), encode_id(mailbox.id));
            batch.Put(records, keys::mailbox(account, mailbox.id), encode(mailbox));
        }
        out.push_back(known ? std::move(*known) : fresh[name]);
    }
    if (!fresh.empty()) {
        SIDING_TRY(database.write(batch));
    }
    return out;
}

Result<void> Ledger::put(AccountId account, const MailboxRecord& mailbox) {
    SIDING_CHECK(account != 0 && mailbox.id != 0, "a mailbox that the ledger has not given");
    return write_one(*impl_->database, keys::mailbox(account, mailbox.id), encode(mailbox));
}

Result<std::vector<MailboxRecord>> Ledger::mailboxes(AccountId account) const {
    std::vector<MailboxRecord> out;
    SIDING_TRY(for_each_record(
        *impl_->database,
        keys::mailbox_prefix(account),
        [&](std::string_view key, std::string_view value) -> Result<void> {
            const MailboxId id = keys::tail_u32(key);
            SIDING_ASSIGN(
                MailboxRecord mailbox, decode_mailbox(value, id, mailbox_words(account, id))
            );
            out.push_back(std::move(mailbox));
            return {};
        }
    ));
    return out;
}

Result<std::vector<Twin>> Ledger::twins(AccountId account, const Digest& raw, std::size_t twins_max)
    const {
    const LedgerDatabase& database = *impl_->database;
    std::vector<Twin> out;
    std::map<MailboxId, keys::Epoch> present;
    const auto found = database.scan(LedgerFamily::digest, keys::digest_prefix(account, raw));
    for (; found->Valid() && out.size() < twins_max; found->Next()) {
        const keys::DigestTail tail = keys::digest_tail(found->key().ToStringView());
        if (!present.contains(tail.mailbox)) {
            SIDING_ASSIGN(
                const auto stored,
                database.get(LedgerFamily::records, keys::mailbox(account, tail.mailbox))
            );
            SIDING_ASSIGN(
                const MailboxRecord mailbox,
                decode_mailbox(
                    stored.value_or(""), tail.mailbox, mailbox_words(account, tail.mailbox)
                )
            );
            present[tail.mailbox] = keys::to_epoch(mailbox.source_uid_validity);
        }
        if (present[tail.mailbox] != tail.epoch) {
            continue;
        }
        SIDING_ASSIGN(
            const auto row, find_row(database, {account, tail.mailbox, tail.epoch}, tail.uid)
        );
        if (row && row->state == CopyState::copied && row->digests.raw == raw) {
            out.push_back({tail.mailbox, tail.uid});
        }
    }
    if (!found->status().ok()) {
        return database.read_error(found->status(), "read of the ledger's digests");
    }
    return out;
}

Result<MailboxRecord> Ledger::begin_epoch(
    AccountId account, MailboxRecord mailbox, std::string_view now
) {
    mailbox.source_uid_validity = now;
    mailbox.uid_next = 0;
    mailbox.modseq = 0;
    mailbox.messages = 0;
    mailbox.copied_below = 0;
    mailbox.pass = 0;
    mailbox.finished_at = {};
    SIDING_TRY(put(account, mailbox));
    return mailbox;
}

Result<void> Ledger::put_value(AccountId account, std::string_view key, std::string_view text) {
    return write_one(*impl_->database, keys::value(account, key), encode_value(text));
}

Result<void> Ledger::put_values(
    AccountId account, const std::map<std::string, std::string>& values
) {
    LedgerDatabase& database = *impl_->database;
    rocksdb::WriteBatch batch;
    for (const auto& [key, text] : values) {
        batch.Put(
            database.handle(LedgerFamily::records),
            to_slice(keys::value(account, key)),
            to_slice(encode_value(text))
        );
    }
    return database.write(batch);
}

Result<std::optional<std::string>> Ledger::value(AccountId account, std::string_view key) const {
    SIDING_ASSIGN(
        const auto stored, impl_->database->get(LedgerFamily::records, keys::value(account, key))
    );
    if (!stored) {
        return std::nullopt;
    }
    SIDING_ASSIGN(std::string text, decode_value(*stored, key));
    return text;
}

Result<std::map<std::string, std::string>> Ledger::values(
    AccountId account, std::string_view prefix
) const {
    std::map<std::string, std::string> out;
    SIDING_TRY(for_each_record(
        *impl_->database,
        keys::value(account, prefix),
        [&](std::string_view key, std::string_view stored) -> Result<void> {
            const std::string_view name = key.substr(keys::value_head_octets);
            SIDING_ASSIGN(std::string text, decode_value(stored, name));
            out.emplace(name, std::move(text));
            return {};
        }
    ));
    return out;
}

}  // namespace siding::backfill
