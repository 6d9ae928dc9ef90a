// The API end to end: a real queue behind net's HTTP server on a Unix socket and a loopback port.
#pragma once

#include "config/live.hpp"
#include "control/api.hpp"
#include "net/http_client.hpp"
#include "net/http_server.hpp"
#include "net/listener.hpp"
#include "net/runtime.hpp"
#include "net/task_group.hpp"
#include "tests/cutover/mail.hpp"
#include "tests/support/temp_directory.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <future>
#include <thread>

namespace siding::control {
namespace json = boost::json;
using net::HttpReply;

class ApiTest : public testing::Test {
protected:
    explicit ApiTest(
        std::uint64_t reserve_octets = 0,
        std::chrono::milliseconds audit_slice = std::chrono::seconds{15}
    )
        : reserve_octets_{reserve_octets}, audit_slice_{audit_slice} {
        EXPECT_TRUE(servers_.spawn(serve(listen_local())).has_value());
        auto tcp = net::Acceptor::create(runtime_.io(0), net::listen_tcp({"127.0.0.1", 0}).value());
        tcp_ = {"127.0.0.1", tcp->local().port};
        EXPECT_TRUE(servers_.spawn(serve(std::move(*tcp))).has_value());

        queue::SetPhases phases;
        phases.moves.push_back({domain("example.com"), "default", Phase::hold, true});
        commit(std::move(phases));
    }

    ~ApiTest() override {
        servers_.cancel();
        wait(servers_.join());
        releases_.cancel();
        wait(releases_.join());
        queue_.reset();
        runtime_.stop();
    }

    net::Acceptor listen_local() {
        return net::Acceptor::create(runtime_.io(0), net::listen_unix(socket_).value()).value();
    }

    net::awaitable<void> serve(net::Acceptor acceptor) {
        net::HttpServerOptions options;
        options.blocking = runtime_.blocking();
        options.drain_timeout = std::chrono::milliseconds{200};
        return net::serve_http(std::move(acceptor), api_.handler(), std::move(options));
    }

    static net::awaitable<void> tell(net::awaitable<void> work, std::promise<void>& done) {
        co_await std::move(work);
        done.set_value();
    }

    void wait(net::awaitable<void> work) {
        net::TaskGroup group{runtime_.io(0), "test", 1};
        std::promise<void> done;
        EXPECT_TRUE(group.spawn(tell(std::move(work), done)).has_value());
        done.get_future().get();
        while (group.count() > 0) {
            std::this_thread::yield();
        }
    }

    static net::awaitable<std::vector<relay::LaneStatus>> lanes() {
        std::vector<relay::LaneStatus> out(2);
        out[0].server = "new";
        out[0].address = "new.example:25";
        out[0].connections_max = 10;
        out[1].server = "old";
        co_return out;
    }

    static std::vector<relay::SessionInfo> sessions() {
        relay::SessionInfo one;
        one.id = 7;
        one.peer = "192.0.2.1:40112";
        one.helo = "caf\xE9";
        one.tls = "TLSv1.3";
        one.state = "data";
        one.since = parse_time("2026-11-21T12:00:00Z").value();
        one.messages = 3;
        return {one, relay::SessionInfo{}};
    }

    // Addresses by what the test wants to hear.
    static net::awaitable<Result<relay::RecipientReport>> check_recipient(Address address) {
        if (address.domain().text() != "example.com") {
            co_return Error{Errc::not_found, "this domain is not configured"};
        }
        relay::RecipientReport report;
        report.address = address.text();
        report.accepts_any = address.local_part() == "any";
        if (address.local_part() == "listed" || address.local_part() == "unlisted") {
            report.in_files = address.local_part() == "listed";
        }
        if (address.local_part() == "down" || address.local_part() == "probed") {
            relay::ServerReport server;
            server.server = "new";
            server.reply = "550 5.1.1 no";
            server.age = std::chrono::milliseconds{1500};
            report.servers.push_back(std::move(server));
        }
        if (address.local_part() == "probed") {
            report.existence = relay::Existence::exists;
            report.servers[0].existence = relay::Existence::exists;
            report.rewritten_to = {"a@new.example"};
        }
        co_return report;
    }

    net::awaitable<Result<std::uint64_t>> flush_recipients(std::string what) {
        flushed_.push_back(std::move(what));
        co_return std::uint64_t{flushed_.size()};
    }

    queue::QueueOptions options() const {
        queue::QueueOptions out;
        out.directory = directory_ / "queue";
        out.reserve = [octets = reserve_octets_](std::uint64_t) { return octets; };
        return out;
    }

    static Domain domain(const char* text) { return Domain::parse(text).value(); }

    queue::Applied commit(queue::Change change) {
        std::promise<Result<queue::Applied>> done;
        queue_->committer().submit(std::move(change), [&done](Result<queue::Applied> applied) {
            done.set_value(applied);
        });
        return done.get_future().get().value();
    }

    MessageId accept(
        const std::vector<std::string>& recipients, const std::string& body = "hi\r\n"
    ) {
        const MessageId id = queue_->next_id();
        commit(test::make_mail(id, recipients, body));
        return id;
    }

    void move(queue::Event event, RecipientId id) {
        queue::MoveRecipients change;
        change.event = event;
        change.recipients = {id};
        change.server = "new";
        change.due_at = clock_.now();
        EXPECT_EQ(commit(std::move(change)).moved, 1U);
    }

    void deliver(RecipientId id) {
        move(queue::Event::release, id);
        commit(queue::StartAttempt{{id}, "new"});
        queue::RecordOutcome outcome;
        outcome.outcomes = {{id, queue::OutcomeKind::delivered, "250 ok", {}}};
        outcome.server = "new";
        EXPECT_EQ(commit(std::move(outcome)).moved, 1U);
    }

    HttpReply ask(const net::HttpCall& call) {
        return net::HttpClient{socket_}.request(call).value();
    }

    HttpReply get(const std::string& path, net::HttpQuery query = {}) {
        net::HttpCall call;
        call.target = {path, std::move(query)};
        return ask(call);
    }

    HttpReply send(const std::string& method, const std::string& path, const std::string& body) {
        net::HttpCall call;
        call.method = method;
        call.target = {path, {}};
        call.body = body;
        return ask(call);
    }

    HttpReply post(const std::string& path, const std::string& body) {
        return send("POST", path, body);
    }

    static json::object document(const HttpReply& reply) {
        EXPECT_EQ(reply.status, 200U) << reply.body;
        EXPECT_EQ(reply.content_type, "application/json");
        return json::parse(reply.body).as_object();
    }

    static void expect_error(
        const HttpReply& reply, unsigned status, std::string_view code, std::string_view part
    ) {
        EXPECT_EQ(reply.status, status) << reply.body;
        const json::value error = json::parse(reply.body).at("error");
        EXPECT_EQ(error.at("code").as_string(), code);
        EXPECT_NE(error.at("message").as_string().find(part), json::string::npos) << reply.body;
    }

    static std::string text(const json::value& value) { return json::serialize(value); }

    // The state is looked at after every step of the job.
    json::object release_in_state(int release, std::string_view state) {
        for (;;) {
            json::object found = document(get("/v1/releases/" + std::to_string(release)));
            if (found.at("state").as_string() == state || HasFailure()) {
                return found;
            }
        }
    }

    std::uint64_t counted(queue::State state) { return queue_->store().counters().all().of(state); }

    test::TempDirectory directory_;
    std::string socket_ = (directory_ / "control.sock").string();
    std::uint64_t reserve_octets_;
    std::chrono::milliseconds audit_slice_;
    SystemClock clock_;
    Metrics metrics_;
    net::Runtime runtime_{{.io_threads = 1, .blocking_threads = 1}};
    net::TaskGroup servers_{runtime_.io(0), "servers", 2};
    net::TaskGroup releases_{runtime_.io(0), "releases", 8};
    std::unique_ptr<queue::Queue> queue_ =
        std::move(queue::Queue::open(options(), runtime_.blocking(), clock_, metrics_)).value();
    std::vector<std::string> flushed_;
    relay::Mover mover_{*queue_};
    static config::Config make_config() {
        config::Config config;
        config.hostname = "hold.example.net";
        config.servers["new"].address = {"new.example", 25};
        config.servers["old"].address = {"old.example", 25};
        config.dsn.server = "old";
        return config;
    }

    config::Live config_{make_config()};
    relay::ReleaseController release_controller_{*queue_, config_, releases_, [](WallTime) {}};
    relay::RemapTable remaps_{*queue_, config_};
    std::vector<std::string> woken_;  // lanes
    net::HostPort tcp_;
    Api api_{
        Services{
            *queue_,
            mover_,
            release_controller_,
            metrics_,
            clock_,
            "hold.example.net",
            "1.2.3",
            clock_.now(),
            lanes,
            [] { return std::size_t{4}; },
            audit_slice_,
            sessions,
            check_recipient,
            [this](std::string what) { return flush_recipients(std::move(what)); },
            &remaps_,
            [this] { return config_.get(); },
            [this](const std::string& server, WallTime) { woken_.push_back(server); },
        },
        "s3cret"};
};

}  // namespace siding::control
