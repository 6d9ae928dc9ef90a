#include "cutover/flip.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace siding::cutover {
namespace {

using boost::asio::awaitable;

std::string legal_moves_text(Phase from) {
    std::vector<std::string_view> names;
    for (const Phase to : legal_moves(from)) {
        names.push_back(format_phase(to));
    }
    return names.empty() ? std::string{"it stays there"}
                         : fmt::format("it may go to {}", fmt::join(names, ", "));
}

// The committer decides in the end; this check only has the better words.
Result<Phase> check_move(const queue::PhaseTable& table, const queue::PhaseMove& move) {
    const auto from = table.find(move.domain, move.wave);
    if (!from) {
        return Error{
            Errc::not_found,
            fmt::format(
                "{} is not configured; 'siding phase' lists the domains and waves",
                format_wave(move.domain, move.wave)
            )};
    }
    if (*from != move.to && !is_legal_move(*from, move.to)) {
        return Error{
            Errc::conflict,
            fmt::format(
                "{} is in phase {} and cannot go to {}; {}",
                format_wave(move.domain, move.wave),
                format_phase(*from),
                format_phase(move.to),
                legal_moves_text(*from)
            )};
    }
    return *from;
}

}  // namespace

std::string format_wave(const Domain& domain, const std::string& wave) {
    return wave == config::default_wave ? domain.text() : fmt::format("{}/{}", domain.text(), wave);
}

awaitable<Result<Flip>> flip(
    queue::Queue& queue, std::vector<queue::PhaseMove> moves, std::string who, std::string why
) {
    Flip done;
    const auto table = queue.phases();
    for (const queue::PhaseMove& move : moves) {
        SIDING_CO_ASSIGN(const Phase from, check_move(*table, move));
        done.from.push_back(from);
        done.copy_from.push_back(table->copy_of(move.domain, move.wave));
    }
    queue::Change change = queue::SetPhases{std::move(moves), std::move(who), std::move(why)};
    const auto applied = co_await queue.commit(std::move(change));
    SIDING_CO_TRY(applied);
    done.epoch = applied->epoch;
    co_return done;
}

}  // namespace siding::cutover
