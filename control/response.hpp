// Answers of the control API: documents, and errors in the one shape that scripts rely on.
#pragma once

#include "base/result.hpp"
#include "net/http_message.hpp"

#include <boost/json/object.hpp>

#include <string>
#include <string_view>

namespace siding::control {

net::HttpResponse json_response(const boost::json::object& document);
net::HttpResponse text_response(std::string text, unsigned status = 200);

// {"error": {"code": …, "message": …}} with the status that belongs to the code.
net::HttpResponse error_response(const Error& error);
net::HttpResponse error_response(unsigned status, std::string_view code, std::string_view message);

// "not_found"; "internal" for codes of other categories.
std::string_view code_name(const Error& error);
unsigned status_of(const Error& error);

}  // namespace siding::control
