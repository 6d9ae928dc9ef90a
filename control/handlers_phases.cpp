#include "base/log.hpp"
#include "control/handlers.hpp"
#include "control/json.hpp"
#include "control/response.hpp"
#include "cutover/flip.hpp"

#include <boost/json/array.hpp>

namespace siding::control {
namespace {

namespace json = boost::json;

const Logger logger{"control"};

json::array next_json(Phase from) {
    json::array out;
    for (const Phase to : legal_moves(from)) {
        out.push_back(json::value(format_phase(to)));
    }
    return out;
}

struct PhaseOrder {
    queue::PhaseMove move;
    std::string why;
};

Result<PhaseOrder> parse_order(const Request& request) {
    SIDING_ASSIGN(const Body body, Body::parse(request.http.body, {"phase", "why"}));
    SIDING_ASSIGN(const std::string phase, body.required_text("phase"));
    SIDING_ASSIGN(Domain domain, Domain::parse(request.captures.at(0)));
    SIDING_ASSIGN(const Phase to, parse_phase(phase));
    SIDING_ASSIGN(std::string why, body.text("why"));
    queue::PhaseMove move{.domain = std::move(domain), .to = to};
    if (request.captures.size() > 1) {
        move.wave = request.captures[1];
    }
    return PhaseOrder{std::move(move), std::move(why)};
}

}  // namespace

Answer get_phases(Services& services, const Request&) {
    const auto table = services.queue.phases();
    json::array phases;
    for (const auto& [wave, phase] : table->phases) {
        phases.push_back(json::object{
            {"domain", json_text(wave.first)},
            {"wave", json_text(wave.second)},
            {"phase", format_phase(phase)},
            {"next", next_json(phase)},
        });
    }
    co_return json_response({{"epoch", table->epoch}, {"phases", std::move(phases)}});
}

Answer put_phase(Services& services, const Request& request) {
    SIDING_CO_ASSIGN(const PhaseOrder order, parse_order(request));
    std::vector<queue::PhaseMove> moves{order.move};
    const auto flipped =
        co_await cutover::flip(services.queue, std::move(moves), request.who, order.why);
    SIDING_CO_TRY(flipped);
    const auto from = format_phase(flipped->from.front());
    const auto to = format_phase(order.move.to);
    logger.info(
        "phase_changed",
        {{"domain", order.move.domain},
         {"wave", order.move.wave},
         {"from", from},
         {"to", to},
         {"epoch", flipped->epoch},
         {"who", request.who}}
    );
    co_return json_response({
        {"epoch", flipped->epoch},
        {"domain", order.move.domain.text()},
        {"wave", json_text(order.move.wave)},
        {"from", from},
        {"to", to},
    });
}

}  // namespace siding::control
