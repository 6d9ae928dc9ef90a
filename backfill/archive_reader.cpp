#include "backfill/archive_reader.hpp"

#include "backfill/limits.hpp"
#include "base/bytes.hpp"
#include "net/run_on.hpp"

#include <utility>

namespace siding::backfill {

using net::awaitable;

awaitable<Result<std::optional<FetchedMessage>>> ArchiveReader::next() {
    while (!uids_.empty()) {
        const std::uint64_t uid = uids_.take_front(1).first();
        auto take = [this, uid] { return read(uid); };
        auto message = co_await net::run_on(needs_.blocking, take);
        if (message) {
            std::optional<FetchedMessage> found{std::move(*message)};
            co_return found;
        }
        if (!message.error().is(Errc::corrupt)) {
            co_return std::move(message).error();
        }
        unread_.emplace(uid, "archive: " + escape(message.error().context));
    }
    co_return std::optional<FetchedMessage>{};
}

Result<FetchedMessage> ArchiveReader::read(std::uint64_t uid) const {
    SIDING_ASSIGN(const ArchiveEntry entry, needs_.messages.entry(uid));
    FetchedMessage message;
    message.uid = uid;
    message.flags = entry.flags;
    message.internal_date = entry.internal_date;
    message.octets = entry.octets;
    const bool is_large = entry.octets > limits::message_in_memory_octets_max;
    if (is_large) {
        SIDING_ASSIGN(message.file, SpoolFile::create(needs_.spool));
    }
    MessageDigester digester;
    const auto take = [&](std::string_view octets) -> Result<void> {
        digester.update(octets);
        if (digester.octets() > entry.octets) {
            return Error{Errc::corrupt, "longer than its entry says"};
        }
        if (is_large) {
            return message.file->append(octets);
        }
        message.body += octets;
        return {};
    };
    SIDING_TRY(needs_.store.read(entry.sha256, take));
    if (digester.octets() != entry.octets) {
        return Error{Errc::corrupt, "shorter than its entry says"};
    }
    message.digests = digester.finish();
    message.facts = digester.facts();
    return message;
}

}  // namespace siding::backfill
