#include "net/acceptor.hpp"

#include "net/connect.hpp"
#include "net/listener.hpp"
#include "net/network_error.hpp"
#include "net/task_group.hpp"
#include "tests/net/run_loop.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <fcntl.h>
#include <fstream>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <thread>
#include <vector>

namespace siding::net {
namespace {

using namespace std::chrono_literals;

UniqueFd listen_on(std::string_view address) {
    auto listener = listen_tcp(HostPort::parse(address).value());
    EXPECT_TRUE(listener.has_value()) << listener.error().message();
    return std::move(listener).value();
}

Acceptor accept_on(RunLoop& loop, UniqueFd listener) {
    return Acceptor::create(loop.executor(), std::move(listener)).value();
}

struct Collector {
    std::vector<Accepted> connections;
    bool any = false;

    std::function<void(Accepted)> handler() {
        return [this](Accepted accepted) {
            connections.push_back(std::move(accepted));
            any = true;
        };
    }
};

awaitable<void> serve(Acceptor& acceptor, Collector& collector) {
    const auto served = co_await acceptor.serve(collector.handler());
    EXPECT_TRUE(served.has_value());
}

awaitable<void> connect_to(HostPort target, std::optional<Stream>& stream) {
    auto connected = co_await connect(target);
    EXPECT_TRUE(connected.has_value());
    stream = std::move(connected).value();
}

TEST(Acceptor, reports_the_real_port_and_hands_out_connections) {
    RunLoop loop;
    Acceptor acceptor = accept_on(loop, listen_on("127.0.0.1:0"));
    const HostPort where{"127.0.0.1", acceptor.local().port};
    EXPECT_GT(where.port, 0);
    Collector collector;
    TaskGroup group{loop.executor(), "test", 1};
    ASSERT_TRUE(group.spawn(serve(acceptor, collector)).has_value());
    std::optional<Stream> client;
    loop.run(connect_to(where, client));
    loop.run_until(collector.any);
    EXPECT_EQ(collector.connections[0].peer, client->local());
    const auto server = std::move(collector.connections[0]).open(loop.executor()).value();
    EXPECT_EQ(server.local(), client->peer());
    EXPECT_FALSE(server.peer_credentials().has_value());
    group.cancel();
    loop.run(group.join());
    // It no longer listens.
    EXPECT_TRUE(listen_tcp(where).has_value());
}

// More than it takes in a row.
TEST(Acceptor, takes_all_that_wait) {
    RunLoop loop;
    Acceptor acceptor = accept_on(loop, listen_on("127.0.0.1:0"));
    const HostPort where{"127.0.0.1", acceptor.local().port};
    std::vector<std::optional<Stream>> clients(150);
    for (auto& client : clients) {
        loop.run(connect_to(where, client));
    }
    std::size_t taken = 0;
    bool all = false;
    const auto count = [&](Accepted) { all = ++taken == clients.size(); };
    const auto serve_all = [](Acceptor& from,
                              std::function<void(Accepted)> on_connection) -> awaitable<void> {
        EXPECT_TRUE((co_await from.serve(std::move(on_connection))).has_value());
    };
    TaskGroup group{loop.executor(), "test", 1};
    ASSERT_TRUE(group.spawn(serve_all(acceptor, count)).has_value());
    loop.run_until(all);
    group.cancel();
    loop.run(group.join());
}

TEST(Listener, families_stand_side_by_side_on_one_port) {
    // A port that is free for one family may be somebody's of the other: then the next one.
    UniqueFd first = listen_on("[::]:0");
    auto port = local_endpoint_of(first.get()).port;
    auto second = listen_tcp({"0.0.0.0", port});
    for (int attempt = 0; !second && attempt < 20; ++attempt) {
        first = listen_on("[::]:0");
        port = local_endpoint_of(first.get()).port;
        second = listen_tcp({"0.0.0.0", port});
    }
    EXPECT_TRUE(second.has_value());
    const auto taken = listen_tcp({"::", port});
    ASSERT_TRUE(taken.has_error());
    EXPECT_NE(taken.error().message().find("[::]:" + std::to_string(port)), std::string::npos);
}

TEST(Listener, one_socket_takes_both_families_on_request) {
    RunLoop loop;
    auto listener = listen_tcp({"::", 0}, {.ipv6_only = false}).value();
    const HostPort where{"127.0.0.1", local_endpoint_of(listener.get()).port};
    Acceptor acceptor = accept_on(loop, std::move(listener));
    Collector collector;
    TaskGroup group{loop.executor(), "test", 1};
    ASSERT_TRUE(group.spawn(serve(acceptor, collector)).has_value());
    std::optional<Stream> client;
    loop.run(connect_to(where, client));
    loop.run_until(collector.any);
    EXPECT_EQ(collector.connections[0].peer.family, Family::ipv4);
    group.cancel();
    loop.run(group.join());
}

TEST(Listener, refuses_names) {
    const auto listener = listen_tcp({"localhost", 0});
    ASSERT_TRUE(listener.has_error());
    EXPECT_TRUE(listener.error().is(Errc::invalid_argument));
}

TEST(UnixListener, sets_the_mode_and_survives_a_missing_group) {
    const TemporaryDirectory directory;
    const std::string path = directory / "control.sock";
    const auto listener = listen_unix(path, {.group = "no-such-group-here"});
    ASSERT_TRUE(listener.has_value());
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0660U);
}

TEST(UnixListener, replaces_a_stale_socket_only) {
    const TemporaryDirectory directory;
    const std::string path = directory / "control.sock";
    { ASSERT_TRUE(listen_unix(path).has_value()); }  // gone; its file is left behind
    ASSERT_TRUE(std::filesystem::exists(path));
    const auto second = listen_unix(path);
    ASSERT_TRUE(second.has_value()) << second.error().message();
    const auto third = listen_unix(path);
    ASSERT_TRUE(third.has_error());
    EXPECT_TRUE(third.error().is(Errc::already_exists));
}

TEST(UnixListener, leaves_other_files_alone) {
    const TemporaryDirectory directory;
    const std::string path = directory / "precious";
    std::ofstream{path} << "text";
    const auto listener = listen_unix(path);
    ASSERT_TRUE(listener.has_error());
    EXPECT_TRUE(listener.error().is(Errc::already_exists));
    EXPECT_TRUE(std::filesystem::exists(path));
    const auto nameless = listen_unix(std::string(200, 'x'));
    EXPECT_TRUE(nameless.error().is(Errc::invalid_argument));
}

TEST(AdoptListener, takes_listening_sockets_only) {
    UniqueFd listener = listen_on("127.0.0.1:0");
    EXPECT_TRUE(adopt_listener(listener.release()).has_value());
    const UniqueFd plain{::socket(AF_INET, SOCK_STREAM, 0)};
    const auto refused = adopt_listener(plain.get());
    ASSERT_TRUE(refused.has_error());
    EXPECT_TRUE(refused.error().is(Errc::invalid_argument));
}

// From here on accept4() fails with EMFILE in this thread. Lowering RLIMIT_NOFILE instead would
// also hit the sanitizers, which open pipes.
void run_out_of_descriptors() {
    std::array<sock_filter, 4> program{{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_accept4, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EMFILE),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    }};
    const sock_fprog filter{program.size(), program.data()};
    ASSERT_EQ(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    ASSERT_EQ(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0);
}

TEST(Acceptor, backs_off_while_descriptors_are_short) {
    RunLoop loop;
    Acceptor acceptor = accept_on(loop, listen_on("127.0.0.1:0"));
    const HostPort where{"127.0.0.1", acceptor.local().port};
    std::optional<Stream> client;
    loop.run(connect_to(where, client));
    Collector collector;
    TaskGroup group{loop.executor(), "test", 1};
    ASSERT_TRUE(group.spawn(serve(acceptor, collector)).has_value());
    std::thread shortage{[&loop] {
        run_out_of_descriptors();
        loop.context().restart();
        loop.context().poll();  // would not return if the loop went round and round
    }};
    shortage.join();
    EXPECT_FALSE(collector.any);
    loop.run_until(collector.any);
    EXPECT_EQ(collector.connections.size(), 1U);
    group.cancel();
    loop.run(group.join());
}

}  // namespace
}  // namespace siding::net
