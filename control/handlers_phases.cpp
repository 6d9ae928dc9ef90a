#include "control/handlers.hpp"
#include "control/json.hpp"
#include "control/phase_order.hpp"
#include "control/response.hpp"

#include <boost/json/array.hpp>

namespace siding::control {
namespace {

namespace json = boost::json;

json::array next_json(Phase from) {
    json::array out;
    for (const Phase to : legal_moves(from)) {
        out.push_back(json::value(format_phase(to)));
    }
    return out;
}

// One wave, by its path, to one phase.
Result<FlipOrder> parse_order(const Request& request, const queue::PhaseTable& phases) {
    SIDING_ASSIGN(const Body body, Body::parse(request.http.body, {"phase", "why", "copy"}));
    SIDING_ASSIGN(const std::string phase, body.required_text("phase"));
    SIDING_ASSIGN(Domain domain, Domain::parse(request.captures.at(0)));
    FlipOrder order;
    SIDING_ASSIGN(order.to, parse_phase(phase));
    SIDING_ASSIGN(order.why, body.text("why"));
    SIDING_TRY(read_copy(body, order));
    const std::string wave = request.captures.size() > 1 ? request.captures[1] : "default";
    order.add(domain, wave, phases);
    return order;
}

}  // namespace

Answer get_phases(Services& services, const Request&) {
    const auto table = services.queue.phases();
    json::array phases;
    for (const auto& [wave, phase] : table->phases) {
        const auto copy = table->copies.find(wave);
        phases.push_back(json::object{
            {"domain", json_text(wave.first)},
            {"wave", json_text(wave.second)},
            {"phase", format_phase(phase)},
            {"copy", json_text(copy == table->copies.end() ? "" : copy->second)},
            {"next", next_json(phase)},
        });
    }
    co_return json_response({{"epoch", table->epoch}, {"phases", std::move(phases)}});
}

Answer put_phase(Services& services, const Request& request) {
    SIDING_CO_ASSIGN(FlipOrder order, parse_order(request, *services.queue.phases()));
    order.who = request.who;
    const queue::PhaseMove move = order.moves.front();
    SIDING_CO_TRY(check_servers(services, order));
    const auto flipped = co_await do_flip(services, std::move(order));
    SIDING_CO_TRY(flipped);
    co_return json_response({
        {"epoch", flipped->epoch},
        {"domain", move.domain.text()},
        {"wave", json_text(move.wave)},
        {"from", format_phase(flipped->from.front())},
        {"to", format_phase(move.to)},
        {"copy", json_text(move.copy)},
    });
}

}  // namespace siding::control
