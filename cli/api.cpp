#include "cli/api.hpp"

#include "base/bytes.hpp"
#include "cli/document.hpp"
#include "cli/exit.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <array>
#include <fmt/format.h>
#include <utility>

namespace siding::cli {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

Errc errc_of(std::string_view code) {
    static constexpr std::array codes{
        std::pair{std::string_view{"invalid_argument"}, Errc::invalid_argument},
        std::pair{std::string_view{"not_found"}, Errc::not_found},
        std::pair{std::string_view{"conflict"}, Errc::conflict},
        std::pair{std::string_view{"limit_exceeded"}, Errc::limit_exceeded},
        std::pair{std::string_view{"unavailable"}, Errc::unavailable},
        std::pair{std::string_view{"storage_failure"}, Errc::storage_failure},
        std::pair{std::string_view{"corrupt"}, Errc::corrupt},
    };
    for (const auto& [name, errc] : codes) {
        if (name == code) {
            return errc;
        }
    }
    return Errc::internal;
}

// Long work is kept alive by blanks in front of the document.
std::string trimmed(const std::string& text) {
    constexpr const char* blanks = " \t\r\n";
    const auto begin = text.find_first_not_of(blanks);
    const auto end = text.find_last_not_of(blanks);
    return begin == std::string::npos ? "" : text.substr(begin, end - begin + 1);
}

std::optional<json::object> parse_object(const std::string& text) {
    boost::system::error_code failed;
    json::value value = json::parse(text, failed);
    if (failed || !value.is_object()) {
        return std::nullopt;
    }
    return std::move(value.get_object());
}

Error refusal(const net::HttpReply& reply) {
    const auto document = parse_object(reply.body);
    const json::object error = document ? object_at(*document, "error") : json::object{};
    const std::string message = text_at(error, "message");
    if (message.empty()) {
        return {
            Errc::internal,
            fmt::format(
                "sidingd answered {} without a reason; its log says more: journalctl -u siding",
                reply.status
            )};
    }
    return {errc_of(text_at(error, "code")), escape(message, 1000)};
}

// Errc::unavailable: no connection was made. Errors of other categories broke an exchange off; our
// own are refusals of a sink.
Error transport_error(Error error) {
    if (error.is(Errc::unavailable)) {
        return unreachable(std::move(error.context));
    }
    if (error.code.category() != siding_category()) {
        return unreachable(
            fmt::format("{}; what was asked may have been done: see siding status", error.message())
        );
    }
    return error;
}

Result<Document> call(const net::HttpClient& client, const net::HttpCall& call) {
    auto reply = client.request(call);
    if (reply.has_error()) {
        return transport_error(reply.error());
    }
    if (!reply->ok()) {
        return refusal(*reply);
    }
    auto value = parse_object(reply->body);
    if (!value) {
        return Error{
            Errc::internal,
            fmt::format(
                "the answer to {} {} is no JSON document; is something else than sidingd on that "
                "socket?",
                call.method,
                call.target.path
            )};
    }
    return Document{trimmed(reply->body), std::move(*value)};
}

}  // namespace

Api::Api(std::string socket_path)
    : client_{socket_path}, patient_client_{std::move(socket_path), {.timeout = 24h}} {}

Result<Document> Api::get(const std::string& path, net::HttpQuery query) const {
    return call(client_, {.method = "GET", .target = {path, std::move(query)}});
}

Result<Document> Api::post(const std::string& path, const json::object& body) const {
    return call(
        patient_client_, {.method = "POST", .target = {path}, .body = json::serialize(body)}
    );
}

Result<Document> Api::put(const std::string& path, const json::object& body) const {
    return call(client_, {.method = "PUT", .target = {path}, .body = json::serialize(body)});
}

Result<void> Api::download(net::HttpTarget target, const net::HttpSink& sink) const {
    const auto reply = client_.download({.method = "GET", .target = std::move(target)}, sink);
    if (reply.has_error()) {
        return transport_error(reply.error());
    }
    if (!reply->ok()) {
        return refusal(*reply);
    }
    return {};
}

}  // namespace siding::cli
