#include "control/config_view.hpp"
#include "control/handlers.hpp"
#include "control/response.hpp"

namespace siding::control {

Answer get_config(Services& services, const Request&) {
    const auto config = services.config();
    co_return json_response(config_json(*config));
}

}  // namespace siding::control
