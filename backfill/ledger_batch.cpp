#include "backfill/ledger_batch.hpp"

#include "backfill/ledger_codec.hpp"
#include "base/log.hpp"

namespace siding::backfill {
namespace {

const Logger log{"backfill"};

bool has_destination(const CopyRecord& row) {
    return row.destination_uid != 0;
}

bool is_twin(const CopyRecord& row) {
    return row.state == CopyState::copied && !row.digests.raw.empty();
}

bool has_email(const CopyRecord& row) {
    return row.state == CopyState::copied && !row.email_id.empty();
}

bool is_intent(const CopyRecord& row) {
    return row.state == CopyState::intent;
}

}  // namespace

Result<std::optional<CopyRecord>> LedgerBatch::load(std::uint64_t uid) {
    if (const auto staged = after_.find(uid); staged != after_.end()) {
        return staged->second;
    }
    const std::string key = keys::message(of_, uid);
    SIDING_ASSIGN(const auto stored, database_.get(LedgerFamily::message, key));
    if (!stored) {
        return before_[uid] = std::nullopt;
    }
    auto row = read_row(of_, uid, *stored);
    if (!row) {
        // Its entries in the indices stay: who finds one looks at the row.
        log.error("record_quarantined", {{"record", row.error().context}});
        put(LedgerFamily::quarantine, key, *stored);
        erase(LedgerFamily::intent, key);
        must_count_ = true;
        return before_[uid] = std::nullopt;
    }
    return before_[uid] = std::move(*row);
}

Result<void> LedgerBatch::put(const CopyRecord& row) {
    SIDING_ASSIGN(const auto before, load(row.uid));
    put(LedgerFamily::message, keys::message(of_, row.uid), encode(row));
    put_indices(before ? &*before : nullptr, row);
    after_[row.uid] = row;
    return {};
}

void LedgerBatch::put_indices(const CopyRecord* before, const CopyRecord& after) {
    const auto keep = [&](LedgerFamily family, auto is_in, auto key_of) {
        const bool was = before != nullptr && is_in(*before);
        const std::string old_key = was ? key_of(*before) : std::string{};
        const std::string new_key = is_in(after) ? key_of(after) : std::string{};
        if (!old_key.empty() && old_key != new_key) {
            erase(family, old_key);
        }
        if (!new_key.empty() && new_key != old_key) {
            put(family, new_key, "");
        }
    };
    keep(LedgerFamily::intent, is_intent, [this](const CopyRecord& row) {
        return keys::message(of_, row.uid);
    });
    keep(LedgerFamily::destination, has_destination, [this](const CopyRecord& row) {
        return keys::destination(of_, row);
    });
    keep(LedgerFamily::digest, is_twin, [this](const CopyRecord& row) {
        return keys::digest(of_, row);
    });
    keep(LedgerFamily::digest, has_email, [this](const CopyRecord& row) {
        return keys::email(of_, row);
    });
}

void LedgerBatch::put(const MailboxRecord& mailbox) {
    put(LedgerFamily::records, keys::mailbox(of_.account, mailbox.id), encode(mailbox));
}

Result<MailboxTotals> LedgerBatch::new_totals() {
    SIDING_ASSIGN(
        MailboxTotals totals, must_count_ ? count_rows(database_, of_) : read_totals(database_, of_)
    );
    for (const auto& [uid, row] : before_) {
        if (row) {
            add_to(totals, *row, -1);
        }
    }
    for (const auto& [uid, row] : after_) {
        add_to(totals, row, +1);
    }
    return totals;
}

Result<void> LedgerBatch::write() {
    if (!after_.empty()) {
        SIDING_ASSIGN(const MailboxTotals totals, new_totals());
        put(LedgerFamily::records, keys::totals(of_), encode(totals));
    }
    return database_.write(batch_);
}

void LedgerBatch::put(LedgerFamily family, std::string_view key, std::string_view value) {
    batch_.Put(database_.handle(family), to_slice(key), to_slice(value));
}

void LedgerBatch::erase(LedgerFamily family, std::string_view key) {
    batch_.Delete(database_.handle(family), to_slice(key));
}

}  // namespace siding::backfill
