#include "control/phase_order.hpp"

#include "base/bytes.hpp"
#include "base/log.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <ranges>

namespace siding::control {
namespace {

const Logger logger{"control"};

bool passes(Phase phase) {
    return phase == Phase::pass_old || phase == Phase::pass_new;
}

}  // namespace

void FlipOrder::add(
    const Domain& domain, const std::string& wave, const queue::PhaseTable& phases
) {
    queue::PhaseMove move{.domain = domain, .wave = wave};
    move.to = to;
    const bool stays = phases.find(domain, wave) == to;
    move.copy = copy.value_or(stays ? phases.copy_of(domain, wave) : "");
    moves.push_back(std::move(move));
}

Result<void> read_copy(const Body& body, FlipOrder& order) {
    if (body.has("copy")) {
        SIDING_ASSIGN(const std::string copy, body.text("copy"));
        order.copy = copy == "none" ? "" : copy;
    }
    return {};
}

Result<void> check_server(const Services& services, const std::string& server) {
    if (server.empty() || !services.config) {
        return {};
    }
    const auto config = services.config();
    if (config->servers.contains(server)) {
        return {};
    }
    return Error{
        Errc::invalid_argument,
        fmt::format(
            "there is no server '{}'; the configuration has {}",
            escape(server),
            fmt::join(std::views::keys(config->servers), ", ")
        )};
}

Result<void> check_servers(const Services& services, const FlipOrder& order) {
    const std::string copy = order.copy.value_or("");
    SIDING_TRY(check_server(services, copy));
    SIDING_TRY(check_server(services, order.release_held));
    if (const auto server = server_of(order.to)) {
        SIDING_TRY(check_server(services, std::string{*server}));
    }
    if (copy.empty()) {
        return {};
    }
    if (!passes(order.to)) {
        return Error{
            Errc::invalid_argument,
            fmt::format(
                "'copy' is for pass_old and pass_new; in phase {} nothing is passed on that could "
                "be copied",
                format_phase(order.to)
            )};
    }
    if (copy == server_of(order.to)) {
        return Error{
            Errc::invalid_argument,
            fmt::format(
                "{} sends to {} already; copy to another server", format_phase(order.to), copy
            )};
    }
    return {};
}

net::awaitable<Result<cutover::Flip>> do_flip(Services& services, FlipOrder order) {
    std::vector<queue::PhaseMove> moves = order.moves;
    const auto flipped =
        co_await cutover::flip(services.queue, std::move(moves), order.who, order.why);
    SIDING_CO_TRY(flipped);
    for (std::size_t i = 0; i < order.moves.size(); ++i) {
        logger.info(
            "phase_changed",
            {{"domain", order.moves[i].domain},
             {"wave", order.moves[i].wave},
             {"from", format_phase(flipped->from[i])},
             {"to", format_phase(order.to)},
             {"copy", order.moves[i].copy},
             {"epoch", flipped->epoch},
             {"who", order.who}}
        );
    }
    co_return *flipped;
}

net::awaitable<Result<std::vector<std::uint64_t>>> release_held(
    Services& services, std::vector<queue::FlipMove> moves, std::string server, std::string who
) {
    std::vector<std::uint64_t> jobs;
    if (server.empty()) {
        co_return jobs;
    }
    if (!services.order_release) {
        co_return Error{Errc::unavailable, "releases cannot be ordered here"};
    }
    for (const queue::FlipMove& move : moves) {
        queue::ReleaseJob job;
        job.filter.domain = move.domain;
        job.filter.wave = move.wave;
        job.filter.state = queue::State::held;
        job.filter.kept = false;
        job.server = server;
        // Where the phase sends there anyway, a later flip catches what has not left yet.
        job.pinned = server_of(move.to) != server;
        job.who = who;
        const auto ordered = co_await services.order_release(std::move(job));
        SIDING_CO_TRY(ordered);
        jobs.push_back(*ordered);
    }
    co_return jobs;
}

}  // namespace siding::control
