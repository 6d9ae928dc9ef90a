// A control API of a test's own: canned answers by method and path on a real Unix socket, and a
// record of what was asked.
#pragma once

#include "net/http_message.hpp"
#include "net/runtime.hpp"
#include "net/task_group.hpp"
#include "tests/support/temp_directory.hpp"

#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace siding::test {

class ScriptedApi {
public:
    ScriptedApi();
    ~ScriptedApi();

    // Answers of one call, in order; the last one repeats. "GET /v1/status"
    void answer(const std::string& call, std::string body, unsigned status = 200);

    struct Asked {
        std::string call;
        net::HttpQuery query;
        std::string body;
    };
    std::vector<Asked> asked() const;

    std::string socket() const { return (directory_ / "control.sock").string(); }

private:
    net::awaitable<net::HttpResponse> handle(const net::HttpRequest& request);
    net::HttpResponse respond(const net::HttpRequest& request);

    TempDirectory directory_;
    mutable std::mutex mutex_;
    std::map<std::string, std::deque<net::HttpResponse>> answers_;
    std::vector<Asked> asked_;
    net::Runtime runtime_{{.io_threads = 1, .blocking_threads = 1}};
    net::TaskGroup group_{runtime_.io(0), "scripted api", 4};
};

}  // namespace siding::test
