// The history of flips: record.hpp.
#include "queue/record.hpp"
#include "queue/record_codec.hpp"

namespace siding::queue {

std::string encode(const FlipRecord& flip) {
    pb::FlipRecord out;
    out.set_epoch(flip.epoch);
    out.set_at_ms(to_millis(flip.at));
    out.set_who(flip.who);
    out.set_why(flip.why);
    for (const FlipMove& move : flip.moves) {
        pb::FlipMove& row = *out.add_moves();
        row.set_domain(move.domain.text());
        row.set_wave(move.wave);
        row.set_from(std::string{format_phase(move.from)});
        row.set_to(std::string{format_phase(move.to)});
        row.set_copy_from(move.copy_from);
        row.set_copy_to(move.copy_to);
    }
    out.set_undone_by(flip.undone_by);
    out.set_undoes(flip.undoes);
    return seal_record(out);
}

Result<FlipRecord> decode_flip(std::string_view stored) {
    SIDING_ASSIGN(const pb::FlipRecord in, parse_record<pb::FlipRecord>(stored, "meta/flip"));
    FlipRecord flip;
    flip.epoch = in.epoch();
    flip.at = from_millis(in.at_ms());
    flip.who = in.who();
    flip.why = in.why();
    for (const pb::FlipMove& row : in.moves()) {
        SIDING_ASSIGN(Domain domain, Domain::parse(row.domain()));
        SIDING_ASSIGN(const Phase from, parse_phase(row.from()));
        SIDING_ASSIGN(const Phase to, parse_phase(row.to()));
        flip.moves.push_back(
            {std::move(domain), row.wave(), from, to, row.copy_from(), row.copy_to()}
        );
    }
    flip.undone_by = in.undone_by();
    flip.undoes = in.undoes();
    return flip;
}

}  // namespace siding::queue
