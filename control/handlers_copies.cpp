#include "base/bytes.hpp"
#include "control/copies_report.hpp"
#include "control/filter_params.hpp"
#include "control/handlers.hpp"
#include "control/response.hpp"

#include <boost/json/serialize.hpp>

#include <chrono>
#include <fmt/format.h>
#include <memory>

namespace siding::control {
namespace {

struct Running {
    CopiesReport report;
    queue::Queue& queue;
    std::chrono::milliseconds slice;
    bool done = false;
    bool sent = false;
};

Result<CopiesReport::Show> parse_show(const net::HttpQuery& query) {
    const auto show = query.find("show");
    if (show == query.end() || show->second == "differing") {
        return CopiesReport::Show::differing;
    }
    if (show->second == "waiting") {
        return CopiesReport::Show::waiting;
    }
    if (show->second == "all") {
        return CopiesReport::Show::all;
    }
    return Error{
        Errc::invalid_argument,
        fmt::format("'show' is differing, waiting or all, not '{}'", escape(show->second))};
}

Result<CopiesReport> parse_report(const net::HttpQuery& query, WallTime now) {
    SIDING_ASSIGN(const CopiesReport::Show show, parse_show(query));
    SIDING_ASSIGN(queue::Filter filter, filter_from_query(query, {"show"}, now));
    if (filter.state || filter.cause || filter.server || filter.copy) {
        return Error{
            Errc::invalid_argument,
            "'state', 'cause', 'server' and 'copy' choose nothing here: both servers are compared"};
    }
    return CopiesReport{std::move(filter), show};
}

// Works on for a slice; true when done.
net::awaitable<Result<bool>> work(std::shared_ptr<Running> running) {
    auto steps = [running](const queue::Store& store) -> Result<bool> {
        const auto end = std::chrono::steady_clock::now() + running->slice;
        do {
            SIDING_ASSIGN(running->done, running->report.step(store));
        } while (!running->done && std::chrono::steady_clock::now() < end);
        return running->done;
    };
    auto done = co_await running->queue.read(std::move(steps));
    co_return done;
}

// Blanks in front keep the client from giving up, as with an audit.
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
    co_return std::optional{boost::json::serialize(running->report.document()) + "\n"};
}

}  // namespace

Answer get_copies(Services& services, const Request& request) {
    SIDING_CO_ASSIGN(CopiesReport report, parse_report(request.http.query, services.clock.now()));
    auto running =
        std::make_shared<Running>(Running{std::move(report), services.queue, services.audit_slice});
    const auto done = co_await work(running);
    SIDING_CO_TRY(done);
    if (*done) {
        co_return json_response(running->report.document());
    }
    net::HttpResponse response;
    response.produce = [running = std::move(running)] { return next_piece(running); };
    co_return response;
}

}  // namespace siding::control
