#include "control/response.hpp"

#include "control/json.hpp"

#include <boost/json/serialize.hpp>

namespace siding::control {
namespace {

struct Wire {
    std::string_view code;
    unsigned status;
};

Wire wire_of(const Error& error) {
    if (error.code.category() != siding_category()) {
        return {"internal", 500};
    }
    switch (static_cast<Errc>(error.code.value())) {
    case Errc::invalid_argument:
        return {"invalid_argument", 400};
    case Errc::not_found:
        return {"not_found", 404};
    case Errc::already_exists:
    case Errc::conflict:
        return {"conflict", 409};
    case Errc::limit_exceeded:
        return {"limit_exceeded", 500};
    case Errc::unavailable:
        return {"unavailable", 503};
    case Errc::storage_failure:
        return {"storage_failure", 503};
    case Errc::corrupt:
        return {"corrupt", 500};
    case Errc::internal:
        return {"internal", 500};
    }
    return {"internal", 500};
}

}  // namespace

net::HttpResponse json_response(const boost::json::object& document) {
    return {.status = 200, .body = boost::json::serialize(document) + "\n"};
}

net::HttpResponse text_response(std::string text, unsigned status) {
    return {.status = status, .content_type = "text/plain; charset=utf-8", .body = std::move(text)};
}

net::HttpResponse error_response(const Error& error) {
    const Wire wire = wire_of(error);
    return error_response(wire.status, wire.code, error.message());
}

net::HttpResponse error_response(unsigned status, std::string_view code, std::string_view message) {
    const boost::json::object document{
        {"error", {{"code", code}, {"message", json_text(message)}}}};
    return {.status = status, .body = boost::json::serialize(document) + "\n"};
}

std::string_view code_name(const Error& error) {
    return wire_of(error).code;
}

unsigned status_of(const Error& error) {
    return wire_of(error).status;
}

}  // namespace siding::control
