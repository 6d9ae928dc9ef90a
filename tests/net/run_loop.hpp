// Runs coroutines on the test's own thread, and makes connected pairs for them.
#pragma once

#include "net/asio.hpp"
#include "net/stream.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <exception>
#include <filesystem>
#include <string>
#include <sys/socket.h>
#include <utility>

namespace siding::net {

class RunLoop {
public:
    asio::any_io_executor executor() { return context_.get_executor(); }
    asio::io_context& context() { return context_; }

    // Until the coroutine ends; what else was started stays where it is.
    void run(awaitable<void> body) {
        bool done = false;
        auto on_end = [&done](std::exception_ptr failure) {
            done = true;
            if (failure) {
                std::rethrow_exception(failure);
            }
        };
        asio::co_spawn(context_, std::move(body), std::move(on_end));
        run_until(done);
    }

    void run_until(const bool& done) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{20};
        context_.restart();
        while (!done && context_.run_one_until(end) > 0) {
        }
        ASSERT_TRUE(done) << "the loop ran dry or out of time";
    }

private:
    asio::io_context context_{1};
};

struct StreamPair {
    Stream near;
    Stream far;

    static StreamPair create(asio::any_io_executor executor) {
        std::array<int, 2> sockets{-1, -1};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()), 0);
        auto near = Stream::create(executor, UniqueFd{sockets[0]});
        auto far = Stream::create(executor, UniqueFd{sockets[1]});
        return {std::move(near).value(), std::move(far).value()};
    }
};

class TemporaryDirectory {
public:
    TemporaryDirectory() {
        std::string name = (std::filesystem::temp_directory_path() / "siding-net-XXXXXX").string();
        EXPECT_NE(::mkdtemp(name.data()), nullptr);
        path_ = name;
    }
    ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

    std::string operator/(const std::string& name) const { return (path_ / name).string(); }

private:
    std::filesystem::path path_;
};

}  // namespace siding::net
