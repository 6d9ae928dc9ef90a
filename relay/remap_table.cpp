#include "relay/remap_table.hpp"

#include "base/bytes.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "relay/address_key.hpp"

#include <fmt/format.h>
#include <mutex>
#include <utility>

namespace siding::relay {
namespace {

const Logger logger{"remap"};

constexpr std::string_view prefix = "remap/";

std::string with_tag(const Address& target, const std::string& tag) {
    return fmt::format(
        "{}@{}",
        quote_local_part(unquote_local_part(std::string{target.local_part()}) + tag),
        target.domain().text()
    );
}

// The local part verbatim, the domain as A-labels: an ASCII mailbox stays one.
std::string target_text(const Address& address) {
    return fmt::format("{}@{}", address.local_part(), address.domain().text());
}

// `target` is empty for a remap that ends.
queue::PutValues make_change(const std::string& key, const std::string& target, std::string who) {
    queue::PutValues put;
    put.values.push_back(
        {std::string{prefix} + key, target.empty() ? std::nullopt : std::optional{target}}
    );
    put.remaps.push_back({key, target, std::move(who)});
    return put;
}

}  // namespace

Result<void> RemapTable::load() {
    std::map<std::string, std::string, std::less<>> found;
    std::string cursor;
    do {
        SIDING_ASSIGN(
            const auto page, queue_.store().list_values(prefix, cursor, limits::list_page_rows_max)
        );
        for (const queue::StoredValue& value : page.values) {
            found.emplace(value.key.substr(prefix.size()), value.value);
        }
        cursor = page.cursor;
    } while (!cursor.empty());
    const std::unique_lock lock{mutex_};
    remaps_ = std::move(found);
    return {};
}

std::optional<std::string> RemapTable::find_key(const std::string& key) const {
    const std::shared_lock lock{mutex_};
    const auto found = remaps_.find(key);
    return found == remaps_.end() ? std::nullopt : std::optional{found->second};
}

std::optional<std::string> RemapTable::find(std::string_view address) const {
    {
        const std::shared_lock lock{mutex_};
        if (remaps_.empty()) {
            return std::nullopt;
        }
    }
    const auto parsed = Address::parse(address);
    if (!parsed) {
        return std::nullopt;
    }
    const LookupKeys keys{*parsed, config_.get()->recipient_delimiter};
    if (auto exact = find_key(keys.full)) {
        return exact;
    }
    const auto untagged = keys.tag.empty() ? std::nullopt : find_key(keys.untagged);
    if (!untagged) {
        return std::nullopt;
    }
    const auto target = Address::parse(*untagged);
    return target ? with_tag(*target, keys.tag) : *untagged;
}

std::vector<Remap> RemapTable::list() const {
    const std::shared_lock lock{mutex_};
    std::vector<Remap> out;
    out.reserve(remaps_.size());
    for (const auto& [from, to] : remaps_) {
        out.push_back({from, to});
    }
    return out;
}

Result<void> RemapTable::check_new(const Address& from, const Address& to) const {
    // What no server could be told: a space, a control octet, a quote that does not close.
    KeyReader reader{BareNames::refused};
    SIDING_TRY(reader.read(from.text()));
    SIDING_TRY(reader.read(to.text()));
    if (from.key() == to.key()) {
        return Error{
            Errc::invalid_argument,
            fmt::format("{} would be remapped to itself", escape(from.text()))};
    }
    const std::string key = LookupKeys{from, ""}.full;
    if (prefix.size() + key.size() > limits::value_key_octets_max ||
        to.text().size() > limits::path_octets_max) {
        return Error{
            Errc::invalid_argument, fmt::format("the address {} is too long", escape(from.text()))};
    }
    const std::shared_lock lock{mutex_};
    if (remaps_.size() >= limits::remaps_max && !remaps_.contains(key)) {
        return Error{
            Errc::limit_exceeded,
            fmt::format(
                "{} addresses are remapped already; use the domain's rewrite map",
                limits::remaps_max
            )};
    }
    return {};
}

boost::asio::awaitable<Result<void>> RemapTable::add(Address from, Address to, std::string who) {
    SIDING_CO_TRY(check_new(from, to));
    const std::string key = LookupKeys{from, ""}.full;
    const std::string target = target_text(to);
    queue::Change change{make_change(key, target, who)};
    const auto applied = co_await queue_.commit(std::move(change));
    SIDING_CO_TRY(applied);
    {
        const std::unique_lock lock{mutex_};
        remaps_.insert_or_assign(key, target);
    }
    logger.info("remapped", {{"from", key}, {"to", target}, {"who", who}});
    co_return Result<void>{};
}

boost::asio::awaitable<Result<void>> RemapTable::remove(Address from, std::string who) {
    const std::string key = LookupKeys{from, ""}.full;
    if (!find_key(key)) {
        co_return Error{Errc::not_found, fmt::format("{} is not remapped", escape(from.text()))};
    }
    queue::Change change{make_change(key, {}, who)};
    const auto applied = co_await queue_.commit(std::move(change));
    SIDING_CO_TRY(applied);
    {
        const std::unique_lock lock{mutex_};
        remaps_.erase(key);
    }
    logger.info("remap_removed", {{"from", key}, {"who", who}});
    co_return Result<void>{};
}

}  // namespace siding::relay
