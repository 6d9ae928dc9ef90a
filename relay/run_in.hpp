// The hop into a TaskGroup and back: a coroutine runs as a task on the group's executor, its value
// comes to the caller on the caller's own. The caller's cancellation does not reach it; the group's
// does.
#pragma once

#include "net/asio.hpp"
#include "net/task_group.hpp"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>

#include <functional>
#include <memory>
#include <utility>

namespace siding::relay {
namespace detail {

// Answers once, with `otherwise` if the task never came to its end.
template <typename T>
struct Promise {
    Promise(std::function<void(T)> callback, T value)
        : done{std::move(callback)}, otherwise{std::move(value)} {}
    ~Promise() { answer(std::move(otherwise)); }
    Promise(const Promise&) = delete;
    Promise& operator=(const Promise&) = delete;

    void answer(T value) {
        if (const auto callback = std::exchange(done, nullptr)) {
            callback(std::move(value));
        }
    }

    std::function<void(T)> done;
    T otherwise;
};

template <typename T>
net::awaitable<void> carry(net::awaitable<T> work, std::shared_ptr<Promise<T>> promise) {
    T value = co_await std::move(work);
    promise->answer(std::move(value));
}

}  // namespace detail

template <typename T>
net::awaitable<T> run_in(net::TaskGroup& tasks, net::awaitable<T> work, T otherwise) {
    namespace asio = net::asio;
    auto start = [&tasks](auto handler, net::awaitable<T> body, T instead) {
        auto back = asio::prefer(
            asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked
        );
        auto waiting = std::make_shared<decltype(handler)>(std::move(handler));
        auto done = [back = std::move(back), waiting = std::move(waiting)](T value) {
            asio::post(back, [waiting, v = std::move(value)]() mutable {
                std::move (*waiting)(std::move(v));
            });
        };
        auto promise = std::make_shared<detail::Promise<T>>(std::move(done), std::move(instead));
        // A task that is not admitted is destroyed, and its promise with it.
        static_cast<void>(tasks.spawn(detail::carry(std::move(body), std::move(promise))));
    };
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(T)>(
        start, asio::use_awaitable, std::move(work), std::move(otherwise)
    );
}

}  // namespace siding::relay
