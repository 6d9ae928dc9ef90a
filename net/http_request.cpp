#include "net/http_request.hpp"

#include "base/bytes.hpp"
#include "net/connect.hpp"
#include "net/network_error.hpp"
#include "net/shielded.hpp"

#include <boost/asio/error.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <string_view>

namespace siding::net {
namespace {

namespace http = boost::beast::http;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

bool is_token(std::string_view text) {
    // RFC 9110 §5.6.2
    const auto is_allowed = [](char c) {
        const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const bool is_digit = c >= '0' && c <= '9';
        return is_letter || is_digit ||
               std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
    };
    return !text.empty() && std::ranges::all_of(text, is_allowed);
}

bool is_field_value(std::string_view text) {
    // RFC 9110 §5.5
    return std::ranges::all_of(text, [](unsigned char c) {
        return c == '\t' || (c >= ' ' && c != 0x7F);
    });
}

bool is_request_target(std::string_view text) {
    return text.starts_with('/') &&
           std::ranges::all_of(text, [](unsigned char c) { return c > ' ' && c < 0x7F; });
}

// The request goes out and the answer comes in, both before the end.
class Exchange {
public:
    Exchange(HostPort where, HttpRequestOptions options)
        : where_{std::move(where)},
          options_{std::move(options)},
          end_{steady_clock::now() + options_.timeout} {
        parser_.body_limit(options_.response_octets_max);
        parser_.header_limit(limits::http_header_octets_max);
        parser_.eager(true);
    }

    awaitable<Result<HttpReply>> run(
        std::optional<std::uint64_t> body_octets, HttpPieces next_piece
    ) {
        auto head = format_head(body_octets, next_piece != nullptr);
        SIDING_CO_ASSIGN(const std::string text, std::move(head));
        ConnectOptions connecting;
        connecting.timeout = time_left();
        auto opening = options_.addresses.empty() ? connect(where_, connecting)
                                                  : connect(options_.addresses, connecting);
        auto opened = co_await std::move(opening);
        SIDING_CO_ASSIGN(Stream stream, std::move(opened));
        if (options_.tls) {
            auto secured = co_await stream.start_tls(options_.tls, time_left());
            SIDING_CO_TRY(std::move(secured));
        }
        auto sent = co_await send(stream, text, body_octets, std::move(next_piece));
        // A server that refuses early answers before it has read all of the body.
        if (sent.has_error() && !is_closed(sent.error())) {
            co_return std::move(sent).error();
        }
        auto received = co_await receive(stream);
        if (received.has_error()) {
            co_return sent.has_error() ? sent.error() : received.error();
        }
        stream.close();
        co_return make_reply();
    }

private:
    milliseconds time_left() const {
        const auto left = std::chrono::ceil<milliseconds>(end_ - steady_clock::now());
        return std::max(left, milliseconds{0});
    }

    // RFC 9110 §7.2: without the port where it is the scheme's.
    std::string host_field() const {
        constexpr std::uint16_t https_port = 443;
        return options_.tls && where_.port == https_port && !where_.is_literal() ? where_.host
                                                                                 : where_.text();
    }

    Result<std::string> format_head(std::optional<std::uint64_t> body_octets, bool has_body) const {
        if (!is_token(options_.method) || !is_request_target(options_.target)) {
            return Error{Errc::invalid_argument, "not a request for HTTP: " + options_.target};
        }
        std::string text = fmt::format(
            "{} {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
            options_.method,
            options_.target,
            host_field()
        );
        if (has_body && !body_octets) {
            text += "Transfer-Encoding: chunked\r\n";
        } else if (has_body) {
            text += fmt::format("Content-Length: {}\r\n", *body_octets);
        }
        for (const auto& [name, value] : options_.headers) {
            if (!is_token(name) || !is_field_value(value)) {
                return Error{Errc::invalid_argument, "not a header for HTTP: " + escape(name, 64)};
            }
            text += fmt::format("{}: {}\r\n", name, value);
        }
        return text + "\r\n";
    }

    awaitable<Result<void>> send(
        Stream& stream,
        const std::string& head,
        std::optional<std::uint64_t> body_octets,
        HttpPieces next_piece
    ) {
        auto written = co_await stream.write(head, time_left());
        SIDING_CO_TRY(std::move(written));
        std::uint64_t total = 0;
        while (next_piece) {
            auto taken = co_await next_piece();
            SIDING_CO_ASSIGN(const std::string piece, std::move(taken));
            total += piece.size();
            if (body_octets && (total > *body_octets || (piece.empty() && total != *body_octets))) {
                co_return Error{
                    Errc::invalid_argument,
                    fmt::format("a body of {} octets was announced as {}", total, *body_octets)};
            }
            auto sent = co_await send_piece(stream, piece, !body_octets);
            SIDING_CO_TRY(std::move(sent));
            if (piece.empty()) {
                break;
            }
        }
        co_return Result<void>{};
    }

    // RFC 9112 §7.1: the chunk of no octets is the last one.
    awaitable<Result<void>> send_piece(Stream& stream, const std::string& piece, bool chunked) {
        if (!chunked) {
            auto written = co_await stream.write(piece, time_left());
            co_return written;
        }
        const std::string size = fmt::format("{:x}\r\n", piece.size());
        const std::string_view end = "\r\n";
        const std::array pieces{
            asio::const_buffer{size.data(), size.size()},
            asio::const_buffer{piece.data(), piece.size()},
            asio::const_buffer{end.data(), end.size()}};
        const std::span<const asio::const_buffer> view{pieces};
        auto written = co_await stream.write(view, time_left());
        co_return written;
    }

    awaitable<Result<void>> receive(Stream& stream) {
        while (!parser_.is_done()) {
            std::array<char, 8 * 1024> room;
            auto count = co_await stream.read_some(room, time_left());
            boost::system::error_code code;
            if (count.has_error()) {
                if (!is_closed(count.error()) || !got_octets_) {
                    co_return std::move(count).error();
                }
                parser_.put_eof(code);
                if (code) {
                    co_return Error{asio::error::eof, "the answer of " + where_.text() + " is cut"};
                }
                co_return Result<void>{};
            }
            got_octets_ = true;
            pending_.append(room.data(), *count);
            SIDING_CO_TRY(parse());
        }
        co_return Result<void>{};
    }

    Result<void> parse() {
        while (!pending_.empty() && !parser_.is_done()) {
            boost::system::error_code code;
            const std::size_t used = parser_.put(asio::buffer(pending_), code);
            pending_.erase(0, used);
            if (code == http::error::body_limit || code == http::error::header_limit) {
                return Error{
                    Errc::limit_exceeded, "the answer of " + where_.text() + " is too long"};
            }
            if (code && code != http::error::need_more) {
                return Error{code, "the answer of " + where_.text() + " is not HTTP"};
            }
            if (used == 0) {
                break;
            }
        }
        return {};
    }

    HttpReply make_reply() {
        HttpReply reply;
        const auto type = parser_.get()[http::field::content_type];
        reply.status = parser_.get().result_int();
        reply.content_type.assign(type.data(), type.size());
        reply.body = std::move(parser_.get().body());
        return reply;
    }

    HostPort where_;
    HttpRequestOptions options_;
    steady_clock::time_point end_;
    http::response_parser<http::string_body> parser_;
    std::string pending_;
    bool got_octets_ = false;
};

}  // namespace

awaitable<Result<HttpReply>> http_request(
    HostPort where,
    HttpRequestOptions options,
    std::optional<std::uint64_t> body_octets,
    HttpPieces next_piece
) {
    const OnCancel on_cancel = options.on_cancel;
    Exchange exchange{std::move(where), std::move(options)};
    auto work = exchange.run(body_octets, std::move(next_piece));
    if (on_cancel == OnCancel::finish) {
        work = shielded(std::move(work));
    }
    auto result = co_await std::move(work);
    co_return result;
}

}  // namespace siding::net
