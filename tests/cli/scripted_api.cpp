#include "tests/cli/scripted_api.hpp"

#include "net/acceptor.hpp"
#include "net/http_server.hpp"
#include "net/listener.hpp"

#include <gtest/gtest.h>

#include <future>

namespace siding::test {
namespace {

net::awaitable<void> join(net::TaskGroup& group, std::promise<void>& done) {
    co_await group.join();
    done.set_value();
}

}  // namespace

ScriptedApi::ScriptedApi() {
    auto acceptor =
        net::Acceptor::create(runtime_.io(0), net::listen_unix(socket()).value()).value();
    net::HttpServerOptions options;
    options.blocking = runtime_.blocking();
    auto serve = net::serve_http(
        std::move(acceptor),
        [this](const net::HttpRequest& request) { return handle(request); },
        std::move(options)
    );
    EXPECT_TRUE(group_.spawn(std::move(serve)).has_value());
}

ScriptedApi::~ScriptedApi() {
    group_.cancel();
    net::TaskGroup closing{runtime_.io(0), "closing", 1};
    std::promise<void> done;
    EXPECT_TRUE(closing.spawn(join(group_, done)).has_value());
    done.get_future().get();
    runtime_.stop();
}

void ScriptedApi::answer(const std::string& call, std::string body, unsigned status) {
    net::HttpResponse response;
    response.status = status;
    response.body = std::move(body);
    const std::lock_guard lock{mutex_};
    answers_[call].push_back(std::move(response));
}

std::vector<ScriptedApi::Asked> ScriptedApi::asked() const {
    const std::lock_guard lock{mutex_};
    return asked_;
}

net::awaitable<net::HttpResponse> ScriptedApi::handle(const net::HttpRequest& request) {
    net::HttpResponse response = respond(request);
    co_return response;
}

net::HttpResponse ScriptedApi::respond(const net::HttpRequest& request) {
    const std::string call = request.method + " " + request.path;
    const std::lock_guard lock{mutex_};
    asked_.push_back({call, request.query, request.body});
    auto& answers = answers_[call];
    if (answers.empty()) {
        net::HttpResponse missing;
        missing.status = 404;
        missing.body = R"({"error":{"code":"not_found","message":"not scripted"}})";
        return missing;
    }
    net::HttpResponse response = answers.front();
    if (answers.size() > 1) {
        answers.pop_front();
    }
    return response;
}

}  // namespace siding::test
