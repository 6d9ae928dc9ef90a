#include "net/proxy_reader.hpp"

#include "net/network_error.hpp"

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace siding::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

milliseconds time_until(steady_clock::time_point end) {
    const auto left = std::chrono::ceil<milliseconds>(end - steady_clock::now());
    return std::max(left, milliseconds{0});
}

// Looks at what comes next and takes no more of it than belongs to the header. Of a malformed one
// nothing is taken.
awaitable<Result<ProxyParse>> look_further(
    Stream& stream, ReadBuffer& buffer, steady_clock::time_point end
) {
    ProxyParse parsed = parse_proxy_header(buffer.data());
    if (parsed.status != ProxyParse::Status::need_more) {
        co_return parsed;
    }
    const std::span<char> room = buffer.room();
    if (room.empty()) {
        co_return Error{
            Errc::limit_exceeded,
            stream.peer().text() + " sent a PROXY header larger than the buffer"};
    }
    auto seen = co_await stream.peek(room, time_until(end));
    SIDING_CO_ASSIGN(const std::size_t count, std::move(seen));
    const std::string_view held = buffer.data();
    parsed = parse_proxy_header({held.data(), held.size() + count});  // the room lies behind it
    if (parsed.status == ProxyParse::Status::malformed) {
        co_return parsed;
    }
    const bool is_whole = parsed.status == ProxyParse::Status::complete;
    for (std::size_t left = is_whole ? parsed.consumed - held.size() : count; left > 0;) {
        auto taken = co_await stream.read_some(buffer.room().first(left), time_until(end));
        SIDING_CO_ASSIGN(const std::size_t octets, std::move(taken));
        buffer.commit(octets);
        left -= octets;
    }
    co_return parsed;
}

awaitable<Result<std::optional<ProxyHeader>>> read(
    Stream& stream, ReadBuffer& buffer, steady_clock::time_point end, bool required
) {
    while (true) {
        auto looked = co_await look_further(stream, buffer, end);
        SIDING_CO_ASSIGN(ProxyParse parsed, std::move(looked));
        switch (parsed.status) {
        case ProxyParse::Status::complete:
            buffer.consume(parsed.consumed);
            co_return std::optional<ProxyHeader>{std::move(parsed.header)};
        case ProxyParse::Status::malformed:
            if (parsed.foreign && !required) {
                co_return std::optional<ProxyHeader>{};
            }
            co_return Error{
                Errc::invalid_argument,
                stream.peer().text() + " sent " + std::string{parsed.reason}};
        case ProxyParse::Status::need_more:
            break;
        }
    }
}

}  // namespace

awaitable<Result<ProxyHeader>> read_proxy_header(
    Stream& stream, ReadBuffer& buffer, milliseconds timeout
) {
    auto result = co_await read(stream, buffer, steady_clock::now() + timeout, true);
    SIDING_CO_ASSIGN(auto header, std::move(result));
    co_return std::move(*header);
}

awaitable<Result<std::optional<ProxyHeader>>> read_optional_proxy_header(
    Stream& stream, ReadBuffer& buffer, milliseconds timeout
) {
    auto result = co_await read(stream, buffer, steady_clock::now() + timeout, false);
    if (result.has_error() && is_timeout(result.error()) && buffer.empty()) {
        co_return std::optional<ProxyHeader>{};
    }
    co_return result;
}

}  // namespace siding::net
