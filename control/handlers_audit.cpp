#include "control/handlers.hpp"
#include "control/json.hpp"
#include "control/render.hpp"
#include "control/response.hpp"
#include "cutover/audit.hpp"

#include <boost/json/serialize.hpp>

#include <chrono>
#include <memory>

namespace siding::control {
namespace {

struct Running {
    queue::Queue& queue;
    std::chrono::milliseconds slice;
    cutover::Audit audit;
    bool done = false;
    bool sent = false;
};

// Works on for a slice; true when done.
net::awaitable<Result<bool>> work(std::shared_ptr<Running> running) {
    auto steps = [running](const queue::Store& store) -> Result<bool> {
        const auto end = std::chrono::steady_clock::now() + running->slice;
        do {
            SIDING_ASSIGN(running->done, running->audit.step(store));
        } while (!running->done && std::chrono::steady_clock::now() < end);
        return running->done;
    };
    auto done = co_await running->queue.read(std::move(steps));
    co_return done;
}

// A blank for each slice keeps the client from giving up; before a JSON text it means nothing
// (RFC 8259 §2).
net::awaitable<Result<std::optional<std::string>>> next_piece(std::shared_ptr<Running> running) {
    if (running->sent) {
        co_return std::optional<std::string>{};
    }
    if (!running->done) {
        const auto done = co_await work(running);
        SIDING_CO_TRY(done);
    }
    if (!running->done) {
        co_return std::optional<std::string>{" "};
    }
    running->sent = true;
    co_return std::optional{boost::json::serialize(audit_json(running->audit.report())) + "\n"};
}

}  // namespace

// A short audit is answered in one piece and with a proper status, a long one piece by piece.
Answer post_audit(Services& services, const Request& request) {
    SIDING_CO_ASSIGN(const Body body, Body::parse(request.http.body, {"deep"}));
    SIDING_CO_ASSIGN(const bool deep, body.flag("deep"));
    auto running = std::make_shared<Running>(Running{
        services.queue, services.audit_slice, cutover::Audit{deep}});
    const auto done = co_await work(running);
    SIDING_CO_TRY(done);
    if (*done) {
        co_return json_response(audit_json(running->audit.report()));
    }
    net::HttpResponse response;
    response.produce = [running = std::move(running)] { return next_piece(running); };
    co_return response;
}

}  // namespace siding::control
