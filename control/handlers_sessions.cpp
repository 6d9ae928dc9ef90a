#include "control/handlers.hpp"
#include "control/json.hpp"
#include "control/response.hpp"

#include <boost/json/array.hpp>

namespace siding::control {
namespace {

namespace json = boost::json;

json::object session_json(const relay::SessionInfo& session) {
    return {
        {"id", session.id},
        {"peer", json_text(session.peer)},
        {"proxy", json_text(session.proxy)},
        {"listener", json_text(session.listener)},
        {"helo", json_text(session.helo)},
        {"tls", json_text(session.tls)},
        {"state", json_text(session.state)},
        {"upstream", json_text(session.upstream)},
        {"since", json_time(session.since)},
        {"messages", session.messages},
        {"octets", session.octets},
    };
}

}  // namespace

Answer get_sessions(Services& services, const Request&) {
    json::array sessions;
    for (const relay::SessionInfo& session : services.sessions()) {
        sessions.push_back(session_json(session));
    }
    co_return json_response({{"sessions", std::move(sessions)}});
}

}  // namespace siding::control
