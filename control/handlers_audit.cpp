#include "control/handlers.hpp"
#include "control/json.hpp"
#include "control/render.hpp"
#include "control/sliced_answer.hpp"
#include "cutover/audit.hpp"

#include <memory>

namespace siding::control {

Answer post_audit(Services& services, const Request& request) {
    SIDING_CO_ASSIGN(const Body body, Body::parse(request.http.body, {"deep"}));
    SIDING_CO_ASSIGN(const bool deep, body.flag("deep"));
    const auto audit = std::make_shared<cutover::Audit>(deep);
    SlicedWork work{
        [audit](const queue::Store& store) { return audit->step(store); },
        [audit] { return audit_json(audit->report()); }};
    auto answer = co_await answer_in_slices(services, std::move(work));
    co_return answer;
}

}  // namespace siding::control
