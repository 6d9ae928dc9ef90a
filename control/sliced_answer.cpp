#include "control/sliced_answer.hpp"

#include "control/response.hpp"

#include <boost/json/serialize.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace siding::control {
namespace {

struct Running {
    SlicedWork work;
    queue::Queue& queue;
    std::chrono::milliseconds slice;
    bool done = false;
    bool sent = false;
};

// Works on for a slice; true when done.
net::awaitable<Result<bool>> work_on(std::shared_ptr<Running> running) {
    auto steps = [running](const queue::Store& store) -> Result<bool> {
        const auto end = std::chrono::steady_clock::now() + running->slice;
        do {
            SIDING_ASSIGN(running->done, running->work.step(store));
        } while (!running->done && std::chrono::steady_clock::now() < end);
        return running->done;
    };
    auto done = co_await running->queue.read(std::move(steps));
    co_return done;
}

net::awaitable<Result<std::optional<std::string>>> next_piece(std::shared_ptr<Running> running) {
    if (running->sent) {
        co_return std::optional<std::string>{};
    }
    if (!running->done) {
        const auto done = co_await work_on(running);
        SIDING_CO_TRY(done);
    }
    if (!running->done) {
        co_return std::optional<std::string>{" "};
    }
    running->sent = true;
    co_return std::optional{boost::json::serialize(running->work.document()) + "\n"};
}

}  // namespace

Answer answer_in_slices(Services& services, SlicedWork work) {
    auto running =
        std::make_shared<Running>(Running{std::move(work), services.queue, services.audit_slice});
    const auto done = co_await work_on(running);
    SIDING_CO_TRY(done);
    if (*done) {
        co_return json_response(running->work.document());
    }
    net::HttpResponse response;
    response.produce = [running = std::move(running)] { return next_piece(running); };
    co_return response;
}

}  // namespace siding::control
