#include "net/http_server.hpp"

#include "base/bytes.hpp"
#include "base/log.hpp"
#include "net/network_error.hpp"
#include "net/run_on.hpp"
#include "net/task_group.hpp"

#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>

#include <array>
#include <exception>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <pwd.h>
#include <utility>
#include <variant>

namespace siding::net {
namespace {

namespace http = boost::beast::http;
using Parser = http::request_parser<http::string_body>;
using boost::system::error_code;

const Logger logger{"net"};

constexpr std::chrono::milliseconds last_words_timeout{2000};

HttpResponse plain(unsigned status, std::string text) {
    return {.status = status, .content_type = "text/plain", .body = std::move(text) + "\n"};
}

unsigned status_for(error_code code) {
    if (code == http::error::body_limit) {
        return 413;
    }
    return code == http::error::header_limit ? 431 : 400;
}

std::string name_of_user(std::uint32_t uid) {
    std::array<char, 16 * 1024> storage;
    struct passwd entry {};
    struct passwd* found = nullptr;
    ::getpwuid_r(uid, &entry, storage.data(), storage.size(), &found);
    const std::string number = "uid:" + std::to_string(uid);
    return found == nullptr ? number : number + " " + found->pw_name;
}

Result<HttpRequest> make_request(Parser::value_type&& message) {
    const auto method = message.method_string();
    const auto raw_target = message.target();
    SIDING_ASSIGN(auto target, parse_target({raw_target.data(), raw_target.size()}));
    HttpRequest request;
    request.method = method == "HEAD" ? "GET" : std::string{method.data(), method.size()};
    request.path = std::move(target.path);
    request.query = std::move(target.query);
    for (const auto& field : message) {
        const auto name = field.name_string();
        const auto value = field.value();
        request.headers.insert_or_assign(
            to_lower({name.data(), name.size()}), std::string{value.data(), value.size()}
        );
    }
    request.body = std::move(message.body());
    return request;
}

class Connection {
public:
    Connection(Stream stream, const HttpHandler& handler, const HttpServerOptions& options)
        : stream_{std::move(stream)}, handler_{handler}, options_{options} {}

    awaitable<void> run() {
        co_await name_peer();
        bool keep_alive = true;
        while (keep_alive) {
            // A fresh parser for each request: Beast's cannot be used again.
            auto parser = std::make_unique<Parser>();
            auto received = co_await receive(*parser);
            if (received.has_error()) {
                co_return;
            }
            if (*received != 0) {
                close_after_ = true;
                const auto refusal = plain(*received, "the request cannot be read");
                co_await send(refusal);
                co_await stream_.finish(last_words_timeout);
                co_return;
            }
            keep_alive = co_await answer(*parser);
        }
        co_await stream_.finish(last_words_timeout);
    }

private:
    awaitable<void> name_peer() {
        const auto credentials = stream_.peer_credentials();
        over_unix_socket_ = stream_.peer().family == Family::local;
        peer_ = stream_.peer().text();
        if (!credentials) {
            co_return;
        }
        const std::uint32_t uid = credentials->uid;
        if (!options_.blocking) {
            peer_ = "uid:" + std::to_string(uid);
            co_return;
        }
        auto look_up = [uid] { return name_of_user(uid); };
        peer_ = co_await run_on(options_.blocking, std::move(look_up));
    }

    // 0 for a whole request, or the status that refuses it; an error when the peer is gone.
    awaitable<Result<unsigned>> receive(Parser& parser) {
        parser.header_limit(static_cast<std::uint32_t>(limits::http_header_octets_max));
        parser.body_limit(options_.body_octets_max);
        parser.eager(true);
        const auto started = std::chrono::steady_clock::now();
        bool told_to_continue = false;
        while (true) {
            if (!pending_.empty()) {
                error_code code;
                const std::size_t used = parser.put(asio::buffer(pending_), code);
                pending_.erase(0, used);
                if (code && code != http::error::need_more) {
                    co_return status_for(code);
                }
                if (parser.is_done()) {
                    co_return 0U;
                }
            }
            // RFC 9110 §10.1.1
            if (parser.is_header_done() && !told_to_continue &&
                http::token_list{parser.get()[http::field::expect]}.exists("100-continue")) {
                told_to_continue = true;
                const std::string_view line = "HTTP/1.1 100 Continue\r\n\r\n";
                auto written = co_await stream_.write(line, options_.timeout);
                SIDING_CO_TRY(std::move(written));
            }
            const auto spent = std::chrono::duration_cast<std::chrono::milliseconds>(
                std::chrono::steady_clock::now() - started
            );
            std::array<char, 8192> room;
            const OnCancel on_cancel =
                parser.got_some() || !pending_.empty() ? OnCancel::finish : OnCancel::stop;
            auto count = co_await stream_.read_some(room, options_.timeout - spent, on_cancel);
            if (count.has_error()) {
                co_return std::move(count).error();
            }
            pending_.append(room.data(), *count);
        }
    }

    // Whether the connection goes on.
    awaitable<bool> answer(Parser& parser) {
        auto message = parser.release();
        is_head_ = message.method() == http::verb::head;
        chunks_allowed_ = message.version() >= 11;
        close_after_ = !message.keep_alive();
        auto request = make_request(std::move(message));
        if (request.has_error()) {
            const auto refusal = plain(400, request.error().message());
            const bool sent = co_await send(refusal);
            co_return sent && !close_after_;
        }
        request->peer = peer_;
        request->over_unix_socket = over_unix_socket_;
        const auto response = co_await ask_handler(*request);
        const bool sent = co_await send(response);
        const auto state = co_await asio::this_coro::cancellation_state;
        co_return sent && !close_after_ && state.cancelled() == asio::cancellation_type::none;
    }

    awaitable<HttpResponse> ask_handler(const HttpRequest& request) {
        std::string what;
        try {
            auto response = co_await handler_(request);
            co_return response;
        } catch (const std::exception& thrown) {
            what = thrown.what();
        }
        logger.error("handler_failed", {{"path", request.path}, {"what", what}});
        co_return plain(500, "internal error; see the log");
    }

    std::string head(const HttpResponse& response) const {
        const auto reason = http::obsolete_reason(http::int_to_status(response.status));
        std::string text = fmt::format(
            "HTTP/1.1 {} {}\r\nContent-Type: {}\r\n",
            response.status,
            std::string_view{reason.data(), reason.size()},
            response.content_type
        );
        for (const auto& [name, value] : response.headers) {
            text += fmt::format("{}: {}\r\n", name, value);
        }
        if (!response.produce) {
            text += fmt::format("Content-Length: {}\r\n", response.body.size());
        } else if (chunks_allowed_) {
            text += "Transfer-Encoding: chunked\r\n";
        }
        const bool ends = close_after_ || (response.produce && !chunks_allowed_);
        return text + (ends ? "Connection: close\r\n\r\n" : "\r\n");
    }

    // Whether all of it went out and the connection may go on.
    awaitable<bool> send(const HttpResponse& response) {
        const std::string start = head(response);
        std::string_view body = response.body;
        if (is_head_ || response.produce) {
            body = {};
        }
        const std::array pieces{asio::buffer(start), asio::buffer(body)};
        auto written = co_await stream_.write(pieces, options_.timeout);
        if (written.has_error()) {
            co_return false;
        }
        if (!response.produce || is_head_) {
            co_return true;
        }
        const bool complete = co_await send_pieces(response.produce);
        co_return complete&& chunks_allowed_;
    }

    awaitable<bool> send_pieces(const HttpBodyProducer& produce) {
        while (true) {
            auto piece = co_await produce();
            if (piece.has_error()) {
                logger.warn("response_cut", {{"peer", peer_}, {"error", piece.error()}});
                stream_.close();
                co_return false;
            }
            const bool at_end = !piece->has_value();
            if (!at_end && (*piece)->empty()) {
                continue;  // an empty chunk would end the body
            }
            const std::string octets = at_end ? std::string{} : std::move(**piece);
            auto written = co_await send_chunk(octets, at_end);
            if (written.has_error() || at_end) {
                co_return !written.has_error();
            }
        }
    }

    awaitable<Result<void>> send_chunk(const std::string& octets, bool is_last) {
        // RFC 9112 §7.1
        const std::string size = chunks_allowed_ ? fmt::format("{:x}\r\n", octets.size()) : "";
        const std::string_view end = chunks_allowed_ ? "\r\n" : "";
        if (is_last && !chunks_allowed_) {
            co_return Result<void>{};
        }
        const std::array pieces{asio::buffer(size), asio::buffer(octets), asio::buffer(end)};
        auto written = co_await stream_.write(pieces, options_.timeout);
        co_return written;
    }

    Stream stream_;
    const HttpHandler& handler_;
    const HttpServerOptions& options_;
    std::string pending_;  // received, not yet parsed
    std::string peer_;
    bool over_unix_socket_ = false;
    bool is_head_ = false;
    bool chunks_allowed_ = true;
    bool close_after_ = false;
};

awaitable<void> run_connection(
    Stream stream, const HttpHandler& handler, const HttpServerOptions& options
) {
    Connection connection{std::move(stream), handler, options};
    co_await connection.run();
}

void admit(
    Accepted accepted,
    TaskGroup& group,
    const HttpHandler& handler,
    const HttpServerOptions& options
) {
    const std::string peer = accepted.peer.text();
    auto stream = std::move(accepted).open(group.executor());
    if (stream.has_error()) {
        logger.warn("http_refused", {{"peer", peer}, {"error", stream.error()}});
        return;
    }
    const auto spawned = group.spawn(run_connection(std::move(*stream), handler, options));
    if (spawned.has_error()) {
        logger.warn("http_refused", {{"peer", peer}, {"error", spawned.error()}});
    }
}

}  // namespace

awaitable<void> serve_http(Acceptor acceptor, HttpHandler handler, HttpServerOptions options) {
    auto executor = co_await asio::this_coro::executor;
    TaskGroup group{executor, options.name, options.connections_max};
    auto on_connection = [&group, &handler, &options](Accepted accepted) {
        admit(std::move(accepted), group, handler, options);
    };
    auto served = co_await acceptor.serve(std::move(on_connection));
    if (served.has_error()) {
        logger.error("http_stopped", {{"name", options.name}, {"error", served.error()}});
    }
    group.cancel();
    auto joined = co_await group.join(options.drain_timeout);
    if (joined.has_error()) {
        group.abort();
        co_await group.join();
    }
}

}  // namespace siding::net
