#include "cutover/flip.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace siding::cutover {
namespace {

using boost::asio::awaitable;

std::string name_of(const queue::PhaseMove& move) {
    return move.wave == "default" ? move.domain.text()
                                  : fmt::format("{}/{}", move.domain.text(), move.wave);
}

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
                "{} is not configured; 'siding phase' lists the domains and waves", name_of(move)
            )};
    }
    if (*from != move.to && !is_legal_move(*from, move.to)) {
        return Error{
            Errc::conflict,
            fmt::format(
                "{} is in phase {} and cannot go to {}; {}",
                name_of(move),
                format_phase(*from),
                format_phase(move.to),
                legal_moves_text(*from)
            )};
    }
    return *from;
}

// Phase `release` drains what the wave holds. Not pinned: should the wave go back to `hold`, the
// phase decides again about what has not left yet.
awaitable<Result<void>> release_backlog(
    relay::Mover& mover, queue::PhaseMove move, std::string who
) {
    queue::ReleaseJob job;
    job.server = std::string{server_of(move.to).value_or("new")};
    job.filter.domain = std::move(move.domain);
    job.filter.wave = std::move(move.wave);
    job.filter.state = queue::State::held;
    job.pinned = false;
    job.who = std::move(who);
    const auto ordered = co_await mover.order_release(std::move(job));
    if (ordered.has_error()) {
        co_return ordered.error();
    }
    co_return Result<void>{};
}

}  // namespace

awaitable<Result<Flip>> flip(
    queue::Queue& queue,
    relay::Mover& mover,
    std::vector<queue::PhaseMove> moves,
    std::string who,
    std::string why
) {
    Flip done;
    const auto table = queue.phases();
    for (const queue::PhaseMove& move : moves) {
        SIDING_CO_ASSIGN(const Phase from, check_move(*table, move));
        done.from.push_back(from);
    }
    queue::Change change = queue::SetPhases{moves, who, std::move(why)};
    const auto applied = co_await queue.commit(std::move(change));
    SIDING_CO_TRY(applied);
    done.epoch = applied->epoch;

    for (const queue::PhaseMove& move : moves) {
        if (move.to != Phase::release) {
            continue;
        }
        const auto ordered = co_await release_backlog(mover, move, who);
        if (ordered.has_error()) {
            co_return with_context(
                ordered.error(),
                fmt::format(
                    "{} is in phase release now, but its backlog was not released; run 'siding "
                    "release --domain {} --wave {}'",
                    name_of(move),
                    move.domain.text(),
                    move.wave
                )
            );
        }
    }
    co_return done;
}

}  // namespace siding::cutover
