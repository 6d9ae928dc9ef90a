#include "base/bytes.hpp"
#include "base/log.hpp"
#include "control/filter_params.hpp"
#include "control/handlers.hpp"
#include "control/json.hpp"
#include "control/phase_order.hpp"
#include "control/response.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <fmt/format.h>

namespace siding::control {
namespace {

namespace json = boost::json;

const Logger logger{"control"};

constexpr std::uint64_t flips_usual = 100;
constexpr std::uint64_t flips_max = 1000;

json::object move_json(const queue::FlipMove& move) {
    return {
        {"domain", move.domain.text()},
        {"wave", json_text(move.wave)},
        {"from", format_phase(move.from)},
        {"to", format_phase(move.to)},
        {"copy_from", json_text(move.copy_from)},
        {"copy", json_text(move.copy_to)},
    };
}

json::array moves_json(const std::vector<queue::FlipMove>& moves) {
    json::array out;
    for (const queue::FlipMove& move : moves) {
        out.push_back(move_json(move));
    }
    return out;
}

json::object flip_json(const queue::FlipRecord& flip) {
    return {
        {"epoch", flip.epoch},
        {"at", json_time(flip.at)},
        {"who", json_text(flip.who)},
        {"why", json_text(flip.why)},
        {"moves", moves_json(flip.moves)},
        {"undone_by", flip.undone_by == 0 ? json::value(nullptr) : json::value(flip.undone_by)},
        {"undoes", flip.undoes == 0 ? json::value(nullptr) : json::value(flip.undoes)},
    };
}

json::array numbers_json(const std::vector<std::uint64_t>& numbers) {
    json::array out;
    for (const std::uint64_t number : numbers) {
        out.emplace_back(number);
    }
    return out;
}

// "example.com", "example.com/pilot", or "example.com/*" for all of its waves.
Result<void> add_target(
    const std::string& target, const queue::PhaseTable& phases, FlipOrder& order
) {
    const auto slash = target.find('/');
    SIDING_ASSIGN(const Domain domain, Domain::parse(target.substr(0, slash)));
    const std::string wave = slash == std::string::npos ? "default" : target.substr(slash + 1);
    const auto add = [&](const std::string& name) {
        const bool twice = std::ranges::any_of(order.moves, [&](const queue::PhaseMove& move) {
            return move.domain == domain && move.wave == name;
        });
        if (!twice) {
            order.add(domain, name, phases);
        }
    };
    if (wave != "*") {
        add(wave);
        return {};
    }
    for (const auto& [name, phase] : phases.phases) {
        if (name.first == domain.text()) {
            add(name.second);
        }
    }
    return {};
}

Result<FlipOrder> parse_flip(const Request& request, const queue::PhaseTable& phases) {
    SIDING_ASSIGN(
        const Body body,
        Body::parse(request.http.body, {"to", "targets", "copy", "why", "release_held"})
    );
    FlipOrder order;
    SIDING_ASSIGN(const std::string to, body.required_text("to"));
    SIDING_ASSIGN(order.to, parse_phase(to));
    SIDING_ASSIGN(order.why, body.text("why"));
    SIDING_ASSIGN(order.release_held, body.text("release_held"));
    SIDING_TRY(read_copy(body, order));
    SIDING_ASSIGN(const std::vector<std::string> targets, body.texts("targets"));
    for (const std::string& target : targets) {
        SIDING_TRY(add_target(target, phases, order));
    }
    if (order.moves.empty()) {
        return Error{
            Errc::invalid_argument,
            "'targets' is missing: name the waves, such as \"example.com\" or "
            "\"example.com/pilot\""};
    }
    order.who = request.who;
    return order;
}

std::vector<queue::FlipMove> made_moves(const FlipOrder& order, const cutover::Flip& flip) {
    std::vector<queue::FlipMove> moves;
    for (std::size_t i = 0; i < order.moves.size(); ++i) {
        const queue::PhaseMove& move = order.moves[i];
        moves.push_back(
            {move.domain, move.wave, flip.from[i], move.to, flip.copy_from[i], move.copy}
        );
    }
    return moves;
}

}  // namespace

Answer get_flips(Services& services, const Request& request) {
    std::uint64_t limit = flips_usual;
    if (const auto given = request.http.query.find("limit"); given != request.http.query.end()) {
        SIDING_CO_ASSIGN(limit, parse_number("limit", given->second));
    }
    const std::size_t rows_max = std::clamp<std::uint64_t>(limit, 1, flips_max);
    auto read = [rows_max](const queue::Store& store) { return store.flips(rows_max); };
    const auto flips = co_await services.queue.read(std::move(read));
    SIDING_CO_TRY(flips);
    json::array out;
    for (const queue::FlipRecord& flip : *flips) {
        out.push_back(flip_json(flip));
    }
    co_return json_response({{"epoch", services.queue.phases()->epoch}, {"flips", std::move(out)}});
}

Answer post_flip(Services& services, const Request& request) {
    SIDING_CO_ASSIGN(const FlipOrder order, parse_flip(request, *services.queue.phases()));
    SIDING_CO_TRY(check_servers(services, order));
    FlipOrder ordered = order;
    const auto flipped = co_await do_flip(services, std::move(ordered));
    SIDING_CO_TRY(flipped);
    auto moves = made_moves(order, *flipped);
    json::array shown = moves_json(moves);
    std::string server = order.release_held;
    std::string who = order.who;
    const auto jobs =
        co_await release_held(services, std::move(moves), std::move(server), std::move(who));
    SIDING_CO_TRY(jobs);
    co_return json_response({
        {"epoch", flipped->epoch},
        {"moves", std::move(shown)},
        {"releases", numbers_json(*jobs)},
    });
}

Answer post_rollback(Services& services, const Request& request) {
    SIDING_CO_ASSIGN(
        const Body body, Body::parse(request.http.body, {"why", "dry_run", "release_held"})
    );
    SIDING_CO_ASSIGN(std::string why, body.text("why"));
    SIDING_CO_ASSIGN(const bool dry_run, body.flag("dry_run"));
    SIDING_CO_ASSIGN(std::string server, body.text("release_held"));
    SIDING_CO_TRY(check_server(services, server));
    std::string who = request.who;
    const auto rolled =
        co_await cutover::roll_back(services.queue, std::move(who), std::move(why), dry_run);
    SIDING_CO_TRY(rolled);
    json::object out{
        {"epoch", dry_run ? json::value(nullptr) : json::value(rolled->epoch)},
        {"undoes", rolled->undone.epoch},
        {"flip", flip_json(rolled->undone)},
        {"moves", moves_json(rolled->moves)},
        {"releases", json::array{}},
    };
    if (!dry_run) {
        logger.info(
            "flip_rolled_back",
            {{"epoch", rolled->epoch}, {"undoes", rolled->undone.epoch}, {"who", request.who}}
        );
        auto moves = rolled->moves;
        std::string orderer = request.who;
        const auto jobs = co_await release_held(
            services, std::move(moves), std::move(server), std::move(orderer)
        );
        SIDING_CO_TRY(jobs);
        out["releases"] = numbers_json(*jobs);
    }
    co_return json_response(out);
}

}  // namespace siding::control
