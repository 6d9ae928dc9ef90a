// An SMTP client by hand: octets out, replies in.
#pragma once

#include "net/stream.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

namespace siding::test {

class InboundClient {
public:
    explicit InboundClient(net::Stream stream) : stream_{std::move(stream)} {}

    net::awaitable<void> send(std::string octets) {
        const auto sent = co_await stream_.write(octets, patience);
        EXPECT_TRUE(sent) << sent.error().message();
    }
    net::awaitable<void> send_octets(std::string octets) {
        for (const char octet : octets) {
            const std::string one(1, octet);
            co_await send(one);
        }
    }

    // The next reply's last line, without CRLF; empty when the server is gone.
    net::awaitable<std::string> reply() {
        for (;;) {
            const auto end = unread_.find("\r\n");
            if (end == std::string::npos) {
                const bool more = co_await read_more();
                if (!more) {
                    co_return std::string{};
                }
                continue;
            }
            std::string line = unread_.substr(0, end);
            unread_.erase(0, end + 2);
            if (line.size() < 4 || line[3] != '-') {
                co_return line;
            }
        }
    }
    net::awaitable<int> code() {
        const std::string line = co_await reply();
        co_return line.size() < 3 ? 0 : std::stoi(line.substr(0, 3));
    }
    // MAIL, RCPT and DATA, up to the 354.
    net::awaitable<void> begin() {
        const std::array<std::pair<std::string, int>, 3> commands{
            {{"MAIL FROM:<ann@sender.example>\r\n", 250},
             {"RCPT TO:<joe@example.com>\r\n", 250},
             {"DATA\r\n", 354}}};
        for (const auto& [command, expected] : commands) {
            co_await send(command);
            const int answered = co_await code();
            EXPECT_EQ(answered, expected) << command;
        }
    }
    net::awaitable<bool> is_at_end() {
        const bool more = co_await read_more();
        co_return !more && unread_.empty();
    }
    void close() { stream_.close(); }

private:
    static constexpr std::chrono::seconds patience{15};

    net::awaitable<bool> read_more() {
        std::array<char, 4096> room{};
        const auto got = co_await stream_.read_some(room, patience);
        if (got) {
            unread_.append(room.data(), *got);
        }
        co_return got.has_value();
    }

    net::Stream stream_;
    std::string unread_;
};

}  // namespace siding::test
