// Small values (PutValues, DeleteValues) in `meta`: what a batch does to them and how they are
// read.
#include "base/limits.hpp"
#include "queue/frame.hpp"
#include "queue/rocks_backend.hpp"

#include <fmt/format.h>
#include <set>

namespace siding::queue {
namespace {

Result<void> check_value(const Value& value) {
    if (value.key.empty() || value.key.size() > limits::value_key_octets_max) {
        return Error{
            Errc::invalid_argument,
            fmt::format("a value's key has 1 to {} octets", limits::value_key_octets_max)};
    }
    if (value.value && value.value->size() > limits::value_octets_max) {
        return Error{
            Errc::invalid_argument,
            fmt::format("a value has at most {} octets", limits::value_octets_max)};
    }
    return {};
}

// The key of a value as its user knows it.
std::string_view key_of(std::string_view meta_key) {
    return meta_key.substr(1);
}

}  // namespace

Result<Applied> RocksBatch::apply(const PutValues& change) {
    for (const Value& value : change.values) {
        SIDING_TRY(check_value(value));
    }
    for (const Value& value : change.values) {
        const std::string key = keys::meta_value(value.key);
        if (value.value) {
            put(Family::meta, key, seal(*value.value));
        } else {
            erase(Family::meta, key);
        }
        values_[value.key] = value.value.has_value();
    }
    for (const Remap& remap : change.remaps) {
        LedgerEntry line;
        line.kind = LedgerKind::remapped;
        line.address = remap.address;
        line.reply = remap.to;
        line.who = remap.who;
        note(std::move(line));
    }
    return Applied{.started = {}, .moved = change.values.size()};
}

Result<Applied> RocksBatch::apply(const DeleteValues& change) {
    // The first ones of what is stored, and all that this batch has put: the first of both are in.
    std::set<std::string> found;
    for (const auto& [key, is_there] : values_) {
        if (is_there && key.starts_with(change.prefix)) {
            found.insert(key);
        }
    }
    std::size_t left = change.values_max;
    SIDING_TRY(for_each(
        database_,
        Family::meta,
        keys::meta_value(change.prefix),
        [&](std::string_view meta_key, std::string_view) -> Result<bool> {
            std::string key{key_of(meta_key)};
            if (left > 0 && !values_.contains(key)) {
                found.insert(std::move(key));
                --left;
            }
            return left > 0;
        }
    ));
    Applied applied;
    for (const std::string& key : found) {
        if (applied.moved == change.values_max) {
            break;
        }
        erase(Family::meta, keys::meta_value(key));
        values_[key] = false;
        applied.moved += 1;
    }
    return applied;
}

Result<std::optional<std::string>> RocksStore::read_value(std::string_view key) const {
    SIDING_ASSIGN(const auto stored, database_->get(Family::meta, keys::meta_value(key)));
    if (!stored) {
        return std::optional<std::string>{};
    }
    SIDING_ASSIGN(const std::string_view octets, unseal(*stored, "meta/value"));
    return std::optional<std::string>{octets};
}

Result<ValuePage> RocksStore::list_values(
    std::string_view prefix, std::string_view cursor, std::size_t values_max
) const {
    ValuePage page;
    const std::string first = keys::meta_value(prefix);
    const std::string after = keys::meta_value(cursor);
    const auto values = database_->scan(Family::meta, keys::after_prefix(first));
    values->Seek(std::max(first, after));
    if (!cursor.empty() && values->Valid() && values->key() == after) {
        values->Next();
    }
    for (; values->Valid(); values->Next()) {
        if (page.values.size() >= values_max) {
            page.cursor = page.values.empty() ? std::string{cursor} : page.values.back().key;
            break;
        }
        const auto octets = unseal(values->value().ToStringView(), "meta/value");
        if (octets) {
            page.values.push_back(
                {std::string{key_of(values->key().ToStringView())}, std::string{*octets}}
            );
        }
    }
    if (!values->status().ok()) {
        return database_->read_error(values->status(), "values");
    }
    return page;
}

}  // namespace siding::queue
