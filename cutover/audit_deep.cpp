#include "cutover/audit_deep.hpp"

#include "base/bytes.hpp"

#include <fmt/format.h>

namespace siding::cutover {
namespace {

using Problem = std::optional<std::string>;

bool is_of_the_record(const Error& error) {
    return error.is(Errc::corrupt) || error.is(Errc::not_found);
}

// Without a list of what was read: the lowest recipient whose row is still there stands for its
// message. One that ends meanwhile was read by the attempt that ended it.
Result<bool> stands_for_its_message(const queue::Store& store, RecipientId id) {
    for (RecipientId lower{id.message, 0}; lower.number < id.number; ++lower.number) {
        const auto row = store.read_recipient(lower);
        if (row.has_value()) {
            return false;
        }
        if (row.has_error() && !is_of_the_record(row.error())) {
            return row.error();
        }
    }
    return true;
}

Result<Problem> check_body(const queue::Store& store, const queue::Envelope& envelope) {
    Sha256 hash;
    std::uint64_t size_octets = 0;
    for (std::uint32_t chunk = 0; chunk < envelope.body.chunks; ++chunk) {
        const auto octets = store.read_body_chunk(envelope.id, chunk);
        if (octets.has_error()) {
            if (!is_of_the_record(octets.error())) {
                return octets.error();
            }
            return Problem{fmt::format(
                "message {}: piece {} of {} of its octets cannot be read: {}",
                envelope.id.text(),
                chunk + 1,
                envelope.body.chunks,
                octets.error().message()
            )};
        }
        hash.update(*octets);
        size_octets += octets->size();
    }
    if (size_octets != envelope.body.size_octets) {
        return Problem{fmt::format(
            "message {}: {} octets were received, {} are stored",
            envelope.id.text(),
            envelope.body.size_octets,
            size_octets
        )};
    }
    if (hash.finish() != envelope.body.sha256) {
        return Problem{fmt::format(
            "message {}: the stored octets are not those that were received (SHA-256 differs)",
            envelope.id.text()
        )};
    }
    return Problem{};
}

Result<bool> is_gone(const queue::Store& store, RecipientId id) {
    const auto row = store.read_recipient(id);
    if (row.has_error()) {
        return row.error().is(Errc::not_found) ? Result<bool>{true} : Result<bool>{row.error()};
    }
    return false;
}

}  // namespace

Result<Problem> check_octets(const queue::Store& store, const queue::Recipient& row) {
    SIDING_ASSIGN(const bool first, stands_for_its_message(store, row.id));
    if (!first) {
        return Problem{};
    }
    Problem problem;
    const auto envelope = store.read_envelope(row.id.message);
    if (envelope.has_value()) {
        SIDING_ASSIGN(problem, check_body(store, *envelope));
    } else if (is_of_the_record(envelope.error())) {
        problem = fmt::format(
            "message {}: its envelope cannot be read: {}",
            row.id.message.text(),
            envelope.error().message()
        );
    } else {
        return envelope.error();
    }
    if (problem) {
        SIDING_ASSIGN(const bool gone, is_gone(store, row.id));
        if (gone) {
            problem.reset();
        }
    }
    return problem;
}

}  // namespace siding::cutover
