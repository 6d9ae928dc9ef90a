#include "base/bytes.hpp"
#include "control/handlers.hpp"
#include "control/json.hpp"
#include "control/response.hpp"
#include "relay/remap_table.hpp"

#include <boost/json/array.hpp>

#include <fmt/format.h>

namespace siding::control {
namespace {

namespace json = boost::json;

Result<Address> parse_address(const Body& body, std::string_view key) {
    SIDING_ASSIGN(const std::string text, body.required_text(key));
    auto address = Address::parse(text);
    return address.has_error() ? with_context(address.error(), fmt::format("'{}'", key)) : address;
}

}  // namespace

Answer get_remaps(Services& services, const Request&) {
    json::array remaps;
    for (const relay::Remap& remap : services.remaps->list()) {
        remaps.push_back(json::object{{"from", json_text(remap.from)}, {"to", json_text(remap.to)}}
        );
    }
    co_return json_response({{"remaps", std::move(remaps)}});
}

Answer post_remap(Services& services, const Request& request) {
    SIDING_CO_ASSIGN(const Body body, Body::parse(request.http.body, {"from", "to"}));
    SIDING_CO_ASSIGN(const Address from, parse_address(body, "from"));
    SIDING_CO_ASSIGN(const Address to, parse_address(body, "to"));
    SIDING_CO_TRY(co_await services.remaps->add(from, to, request.who));
    co_return json_response({{"from", json_text(from.key())}, {"to", json_text(to.text())}});
}

Answer post_remap_remove(Services& services, const Request& request) {
    SIDING_CO_ASSIGN(const Body body, Body::parse(request.http.body, {"from"}));
    SIDING_CO_ASSIGN(const Address from, parse_address(body, "from"));
    SIDING_CO_TRY(co_await services.remaps->remove(from, request.who));
    co_return json_response({{"removed", json_text(from.key())}});
}

}  // namespace siding::control
