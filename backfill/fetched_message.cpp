#include "backfill/fetched_message.hpp"

#include "backfill/limits.hpp"

#include <utility>

namespace siding::backfill {
namespace {

constexpr std::size_t file_piece_octets = 256 * 1024;

}  // namespace

OctetProducer octets_of(const FetchedMessage& message) {
    return [&message](const OctetSink& sink) -> Result<void> {
        if (!message.file) {
            return sink(message.body);
        }
        for (std::uint64_t at = 0; at < message.file->octets();) {
            SIDING_ASSIGN(const std::string piece, message.file->read(at, file_piece_octets));
            if (piece.empty()) {
                return Error{Errc::storage_failure, "a large message on disk has become shorter"};
            }
            at += piece.size();
            SIDING_TRY(sink(piece));
        }
        return {};
    };
}

Result<void> repair_message(
    FetchedMessage& message, const Repairs& repairs, const std::filesystem::path& spool
) {
    std::string body;
    std::optional<SpoolFile> file;
    MessageDigester digester;
    const auto take = [&](std::string_view octets) -> Result<void> {
        digester.update(octets);
        body += octets;
        if (!file && body.size() <= limits::message_in_memory_octets_max) {
            return {};
        }
        if (!file) {
            SIDING_ASSIGN(file, SpoolFile::create(spool));
        }
        SIDING_TRY(file->append(body));
        body.clear();
        return {};
    };
    SIDING_TRY(repair(octets_of(message), repairs, take));
    const std::uint64_t octets = digester.octets();
    MessageDigests digests = digester.finish();
    if (digests.raw == message.digests.raw) {
        return {};
    }
    message.source_octets = message.octets;
    message.octets = octets;
    message.body = std::move(body);
    message.file = std::move(file);
    message.repaired = std::move(digests);
    message.repairs = repairs;
    return {};
}

}  // namespace siding::backfill
