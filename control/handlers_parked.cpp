#include "control/filter_params.hpp"
#include "control/handlers.hpp"
#include "control/parked_groups.hpp"
#include "control/response.hpp"

namespace siding::control {

Answer get_parked(Services& services, const Request& request) {
    SIDING_CO_ASSIGN(
        const queue::Filter filter, filter_from_query(request.http.query, {}, services.clock.now())
    );
    if (filter.state && *filter.state != queue::State::parked) {
        co_return Error{
            Errc::invalid_argument, "this is about what is parked; GET /v1/queue lists the rest"};
    }
    auto read = [&filter](const queue::Store& store) { return read_parked(store, filter); };
    const auto groups = co_await services.queue.read(std::move(read));
    SIDING_CO_TRY(groups);
    co_return json_response(*groups);
}

}  // namespace siding::control
