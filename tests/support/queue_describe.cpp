#include "tests/support/queue_describe.hpp"

#include "base/bytes.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace siding::test {

using namespace queue;

namespace {

std::string describe_row(const Recipient& row) {
    return fmt::format(
        "{} {} {}/{} to={} from={} size={} lane={} pin={} due={} attempts={} last={} reply={} "
        "maybe={} release={} kept={} tags={} copy={} cause={} ended={}\n",
        row.id.text(),
        format_state(row.state),
        row.domain.text(),
        row.wave,
        escape(row.address),
        escape(row.sender),
        row.size_octets,
        row.lane,
        row.pinned_server,
        format_time(row.due_at),
        row.attempts,
        format_time(row.last_attempt_at),
        escape(row.last_reply),
        row.maybe_delivered,
        row.release_id,
        row.kept,
        escape(fmt::format("{}", fmt::join(row.tags, ","))),
        row.copy,
        row.cause,
        format_time(row.ended_at)
    );
}

std::string describe_message(const Envelope& envelope, const Digest& body) {
    std::string out = fmt::format(
        "message {} at={} from={} client={} helo={} trace={} mid={} size={} chunks={} bare={} "
        "8bit={} binary={} name={} proxy={} listener={} tls={} peer={} tags={} score={} claimed={} "
        "stored={}",
        envelope.id.text(),
        format_time(envelope.received_at),
        escape(envelope.reverse_path),
        envelope.client_address,
        escape(envelope.helo),
        escape(envelope.trace_header),
        escape(envelope.message_id_header),
        envelope.body.size_octets,
        envelope.body.chunks,
        envelope.body.bare_newlines,
        envelope.body.declared_8bit,
        envelope.body.binary,
        escape(envelope.client_name),
        envelope.proxy_address,
        envelope.listener,
        envelope.tls,
        envelope.tls_peer,
        escape(fmt::format("{}", fmt::join(envelope.tags, ","))),
        envelope.spam_score.value_or(-1),
        to_hex(envelope.body.sha256),
        to_hex(body)
    );
    for (const std::string& parameter : envelope.mail_parameters) {
        out += " " + escape(parameter);
    }
    for (const EnvelopeRecipient& to : envelope.recipients) {
        out += fmt::format(
            " <{}> ({}) {}/{} copy={}",
            escape(to.address),
            escape(to.original),
            to.domain.text(),
            to.wave,
            to.copy
        );
        for (const std::string& parameter : to.parameters) {
            out += " " + escape(parameter);
        }
    }
    return out + "\n";
}

std::string describe_line(const LedgerEntry& line) {
    std::string out = fmt::format(
        "ledger {} {} {} {} {} server={} peer={} reply={} who={} {}>{} epoch={} from={} client={} "
        "mid={} size={} sha={} bare={} tls={} tags={} reason={} count={} cause={} as={} copy={}>{} "
        "undoes={}",
        line.sequence,
        format_time(line.at),
        format_ledger_kind(line.kind),
        line.recipient.text(),
        escape(line.address),
        line.server,
        line.peer,
        escape(line.reply),
        line.who,
        line.from_state,
        line.to_state,
        line.epoch,
        escape(line.sender),
        line.client_address,
        escape(line.message_id_header),
        line.size_octets,
        to_hex(line.sha256),
        line.bare_newlines,
        line.tls,
        escape(fmt::format("{}", fmt::join(line.tags, ","))),
        line.reason,
        line.count,
        line.cause,
        escape(line.sent_as),
        line.copy_from,
        line.copy_to,
        line.undoes
    );
    for (const AcceptedRecipient& to : line.recipients) {
        out += fmt::format(
            " <{}> ({}) {}/{} copy={}",
            escape(to.address),
            escape(to.original),
            to.domain,
            to.wave,
            to.copy
        );
    }
    return out + "\n";
}

std::string describe_counts(const std::string& name, const StateCounts& counts) {
    if (counts.total() == 0) {
        return {};
    }
    std::string out = "counts " + name;
    for (const State state : all_states) {
        out += fmt::format(" {}={}", format_state(state), counts.of(state));
    }
    return out + fmt::format(
                     " octets={} kept={} retained={} of {} replayed={}\n",
                     counts.held_octets,
                     counts.kept,
                     counts.retained,
                     counts.retained_octets,
                     counts.replayed
                 );
}

std::string describe_facts(
    const Counters& counters,
    const PhaseTable& phases,
    const std::vector<ReleaseJob>& releases,
    MessageId last_id
) {
    std::string out;
    for (const auto& [wave, counts] : counters.waves) {
        out += describe_counts(wave.first + "/" + wave.second, counts);
    }
    for (const auto& [release, counts] : counters.releases) {
        out += describe_counts(fmt::format("release {}", release), counts);
    }
    out += fmt::format("epoch {}\n", phases.epoch);
    for (const auto& [wave, phase] : phases.phases) {
        out += fmt::format("phase {}/{} {}\n", wave.first, wave.second, format_phase(phase));
    }
    for (const auto& [wave, server] : phases.copies) {
        out += fmt::format("copy {}/{} {}\n", wave.first, wave.second, server);
    }
    out += fmt::format("retained {} of {}\n", counters.retained.messages, counters.retained.octets);
    for (const ReleaseJob& job : releases) {
        out += fmt::format(
            "release {} to={} pinned={} at={} who={} chosen={} state={}\n",
            job.id,
            job.server,
            job.pinned,
            format_time(job.ordered_at),
            job.who,
            job.chosen,
            format_release_state(job.state)
        );
    }
    return out + "last_id " + last_id.text() + "\n";
}

std::string describe_value(std::string_view key, std::string_view value) {
    return fmt::format("value {} = {}\n", escape(key), escape(value));
}

Result<std::string> describe_values(const Store& store) {
    std::string out;
    std::string cursor;
    do {
        SIDING_ASSIGN(const ValuePage page, store.list_values("", cursor, 7));
        for (const StoredValue& one : page.values) {
            SIDING_ASSIGN(const auto value, store.read_value(one.key));
            if (value != one.value) {
                return Error{Errc::internal, "a value is listed that cannot be read: " + one.key};
            }
            out += describe_value(one.key, one.value);
        }
        cursor = page.cursor;
    } while (!cursor.empty());
    return out;
}

Result<Digest> digest_of_body(const Store& store, const Envelope& envelope) {
    Sha256 hash;
    for (std::uint32_t chunk = 0; chunk < envelope.body.chunks; ++chunk) {
        SIDING_ASSIGN(const std::string octets, store.read_body_chunk(envelope.id, chunk));
        hash.update(octets);
    }
    return hash.finish();
}

std::string describe_flip(const FlipRecord& flip) {
    std::string out = fmt::format(
        "flip {} at={} who={} why={} undone_by={} undoes={}",
        flip.epoch,
        format_time(flip.at),
        flip.who,
        flip.why,
        flip.undone_by,
        flip.undoes
    );
    for (const FlipMove& move : flip.moves) {
        out += fmt::format(
            " {}/{} {}>{} {}>{}",
            move.domain.text(),
            move.wave,
            format_phase(move.from),
            format_phase(move.to),
            move.copy_from,
            move.copy_to
        );
    }
    return out + "\n";
}

// The live part of the counters, from the rows and nothing else.
Result<void> check_counters(const std::vector<Recipient>& rows, Counters counters) {
    Counters scanned;
    for (const Recipient& row : rows) {
        if (is_final(row.state)) {
            StateCounts& counts = scanned.waves[{row.domain.text(), row.wave}];
            counts.retained += 1;
            counts.retained_octets += row.size_octets;
            continue;
        }
        const auto add = [&](StateCounts& counts) {
            counts.of(row.state) += 1;
            counts.held_octets += row.state == State::held ? row.size_octets : 0;
            counts.kept += row.state == State::held && row.kept ? 1 : 0;
        };
        add(scanned.waves[{row.domain.text(), row.wave}]);
        if (row.release_id != 0) {
            add(scanned.releases[row.release_id]);
        }
    }
    const auto compare = [](auto& counted, auto& found) {
        for (auto& [name, counts] : counted) {
            counts.of(State::delivered) = counts.of(State::discarded) = counts.replayed = 0;
            static_cast<void>(found[name]);
        }
        return counted == found;
    };
    if (!compare(counters.waves, scanned.waves) || !compare(counters.releases, scanned.releases)) {
        return Error{Errc::internal, "the counters differ from a scan"};
    }
    return {};
}

Result<void> check_ended(const Store& store, const QueueModel& known) {
    for (const auto& [id, message] : known.messages) {
        const auto envelope = store.read_envelope(id);
        if (envelope || !envelope.error().is(Errc::not_found)) {
            continue;  // there, and described; or unreadable, and told
        }
        for (std::uint32_t chunk = 0; chunk < message.envelope.body.chunks; ++chunk) {
            if (store.read_body_chunk(id, chunk)) {
                return Error{Errc::internal, "a body without its message: " + id.text()};
            }
        }
    }
    return {};
}

}  // namespace

Result<std::vector<Recipient>> list_all(
    const Store& store, const Filter& filter, std::size_t page_rows
) {
    std::vector<Recipient> rows;
    std::string cursor;
    do {
        SIDING_ASSIGN(ListPage page, store.list(filter, cursor, page_rows));
        std::ranges::move(page.rows, std::back_inserter(rows));
        cursor = std::move(page.cursor);
    } while (!cursor.empty());
    return rows;
}

std::string describe(const QueueModel& model) {
    std::string out;
    for (const auto& [id, row] : model.recipients) {
        out += model.has_row(id) ? describe_row(row) : "";
    }
    for (const auto& [id, message] : model.messages) {
        if (model.has_message(id)) {
            out += describe_message(message.envelope, sha256(message.body));
        }
    }
    for (const LedgerEntry& line : model.ledger) {
        out += describe_line(line);
    }
    std::vector<ReleaseJob> releases;
    for (const auto& [id, job] : model.releases) {
        releases.push_back(job);
    }
    for (const auto& [epoch, flip] : model.flips) {
        out += describe_flip(flip);
    }
    for (const auto& [key, value] : model.values) {
        out += describe_value(key, value);
    }
    return out + describe_facts(model.counters(), model.phases, releases, model.last_id);
}

Result<std::string> describe(const Store& store, const QueueModel& known) {
    std::string out;
    std::vector<Recipient> rows;
    std::string cursor;
    do {
        SIDING_ASSIGN(ListPage page, store.rows(cursor, 97));
        std::ranges::move(page.rows, std::back_inserter(rows));
        cursor = std::move(page.cursor);
    } while (!cursor.empty());
    std::set<MessageId> messages;
    for (const Recipient& row : rows) {
        out += describe_row(row);
        messages.insert(row.id.message);
    }
    for (const MessageId id : messages) {
        SIDING_ASSIGN(const Envelope envelope, store.read_envelope(id));
        SIDING_ASSIGN(const Digest digest, digest_of_body(store, envelope));
        out += describe_message(envelope, digest);
    }
    SIDING_ASSIGN(const auto ledger, store.read_ledger(1, SIZE_MAX));
    for (const LedgerEntry& line : ledger) {
        out += describe_line(line);
    }
    SIDING_ASSIGN(auto flips, store.flips(SIZE_MAX));
    std::ranges::reverse(flips);
    for (const FlipRecord& flip : flips) {
        out += describe_flip(flip);
    }
    SIDING_ASSIGN(const std::string values, describe_values(store));
    out += values;
    SIDING_ASSIGN(const auto releases, store.releases());
    SIDING_TRY(check_counters(rows, store.counters()));
    SIDING_TRY(check_ended(store, known));
    SIDING_ASSIGN(auto listed, list_all(store, {}, 89));
    Filter ended;
    ended.state = State::delivered;
    SIDING_ASSIGN(auto retained, list_all(store, ended, 83));
    std::ranges::move(retained, std::back_inserter(listed));
    if (listed.size() != rows.size()) {
        return Error{
            Errc::internal,
            fmt::format("the indexes lead to {} rows of {}", listed.size(), rows.size())};
    }
    return out + describe_facts(store.counters(), store.phases(), releases, store.last_id());
}

}  // namespace siding::test
