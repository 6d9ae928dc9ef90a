#include "dns/prober.hpp"

#include "net/task_group.hpp"
#include "tests/net/run_loop.hpp"
#include "tests/support/fake_dns.hpp"

#include <boost/asio/post.hpp>

#include <memory>
#include <optional>
#include <set>
#include <thread>

namespace siding::dns {
namespace {

using namespace std::chrono_literals;
using net::awaitable;
using test::dns_address;
using test::dns_mx;
using test::dns_opt;
using Kind = Sample::Kind;

constexpr std::uint16_t type_mx = 15;

awaitable<void> ask_into(Prober& prober, Order order, std::optional<Sample>& sample) {
    sample = co_await prober.ask(order.server, order.question, order.how);
}

awaitable<void> ask_all_into(
    Prober& prober, std::vector<Order> orders, std::vector<Sample>& samples
) {
    samples = co_await prober.ask_all(std::move(orders));
}

class ProberTest : public testing::Test {
protected:
    static Ask how(Transport transport = Transport::udp_then_tcp) {
        Ask made;
        made.timeout = 300ms;
        made.transport = transport;
        return made;
    }

    Sample ask(const std::string& name, Ask manner = how()) {
        std::optional<Sample> sample;
        const Order order{dns_.address(), Question{name, RecordType::mx}, manner};
        loop_.run(ask_into(prober_, order, sample));
        return std::move(*sample);
    }

    net::RunLoop loop_;
    ManualClock clock_{WallTime{1h}};
    test::FakeDns dns_{loop_.executor()};
    Prober prober_{loop_.executor(), clock_};
};

TEST_F(ProberTest, brings_the_answer_with_its_circumstances) {
    dns_.set(
        "example",
        type_mx,
        {.answers = {dns_mx("example", 10, "mx.example")},
         .is_authoritative = true,
         .additional = {dns_opt({{3, "here"}})}}
    );
    const Sample sample = ask("EXAMPLE.");
    ASSERT_EQ(sample.kind, Kind::answered) << sample.problem;
    EXPECT_EQ(sample.server, dns_.address());
    EXPECT_EQ(sample.question, (Question{"example", RecordType::mx}));
    EXPECT_EQ(sample.at, WallTime{1h});
    EXPECT_TRUE(sample.response.authoritative);
    EXPECT_FALSE(sample.response.by_tcp);
    EXPECT_EQ(sample.response.nsid, "here");
    EXPECT_EQ(rrset_of(sample.response, "example", RecordType::mx).text(), "10 mx.example");
    EXPECT_EQ(ask("none.example").response.rcode, rcode::no_such_name);
}

TEST_F(ProberTest, asks_as_it_was_told) {
    dns_.set("example", type_mx, {});
    const auto flags = [this] {
        const std::string query = dns_.last_query();
        return std::pair{static_cast<int>(query[2]), static_cast<int>(query[3])};
    };
    ask("example");
    EXPECT_EQ(flags(), std::pair(0, 0));  // RD=0
    const std::string query = dns_.last_query();
    const std::string edns{"\0\0\x29\x04\xD0\0\0\x80\0\0\x04\0\x03\0\0", 15};  // 1232, DO, NSID
    EXPECT_EQ(query.substr(query.size() - 15), edns);
    Ask recursive = how();
    recursive.recurse = recursive.checking_disabled = true;
    ask("example", recursive);
    EXPECT_EQ(flags(), std::pair(0x01, 0x30));  // RD; AD, CD
}

TEST_F(ProberTest, no_two_samples_share_a_port) {
    dns_.set("example", type_mx, {});
    constexpr std::size_t count = 50;
    std::vector<Order> orders;
    for (std::size_t n = 0; n < count; ++n) {
        orders.emplace_back(dns_.address(), Question{"example", RecordType::mx}, how());
    }
    std::vector<Sample> samples;
    loop_.run(ask_all_into(prober_, std::move(orders), samples));
    ASSERT_EQ(samples.size(), count);
    const auto ports = dns_.client_ports();
    EXPECT_EQ(ports.size(), count);
    EXPECT_EQ(std::set(ports.begin(), ports.end()).size(), count);
}

TEST_F(ProberTest, what_is_cut_off_comes_over_tcp) {
    test::DnsReply reply{.is_cut_off = true};
    for (std::uint16_t n = 0; n < 300; ++n) {  // more than 4 kB
        reply.answers.push_back(dns_mx("many", n, "mx" + std::to_string(n) + ".example"));
    }
    dns_.set("many", type_mx, reply);
    const Sample sample = ask("many");
    ASSERT_EQ(sample.kind, Kind::answered) << sample.problem;
    EXPECT_TRUE(sample.response.by_tcp);
    EXPECT_GT(sample.response.octets, 4096U);
    EXPECT_EQ(rrset_of(sample.response, "many", RecordType::mx).data.size(), 300U);

    const Sample cut = ask("many", how(Transport::udp));
    EXPECT_EQ(cut.kind, Kind::answered);
    EXPECT_TRUE(cut.response.truncated);
    EXPECT_EQ(ask("many", how(Transport::tcp)).response.answers.size(), 300U);
    EXPECT_EQ(dns_.questions_over_tcp(), 2U);
}

// A server that does not care how much we take.
TEST_F(ProberTest, what_is_longer_than_allowed_comes_over_tcp_too) {
    test::DnsReply reply;
    for (std::uint16_t n = 0; n < 80; ++n) {
        reply.answers.push_back(dns_mx("long", n, "mx" + std::to_string(n) + ".example"));
    }
    dns_.set("long", type_mx, reply);
    const Sample sample = ask("long");
    ASSERT_EQ(sample.kind, Kind::answered) << sample.problem;
    EXPECT_TRUE(sample.response.by_tcp);
    EXPECT_EQ(sample.response.answers.size(), 80U);
}

TEST_F(ProberTest, a_server_on_ipv6_is_asked_too) {
    std::optional<Sample> closed;
    const Order order{net::HostPort{"::1", 1}, Question{"example", RecordType::mx}, how()};
    loop_.run(ask_into(prober_, order, closed));
    EXPECT_EQ(closed->kind, Kind::unreachable);  // nobody listens, or there is no IPv6
    EXPECT_FALSE(closed->problem.empty());
}

TEST_F(ProberTest, says_so_when_there_is_no_tcp) {
    dns_.set("many", type_mx, {.is_cut_off = true, .is_deaf_to_tcp = true});
    const Sample sample = ask("many");
    EXPECT_EQ(sample.kind, Kind::timed_out);
    EXPECT_EQ(sample.problem, "cut off over UDP, and over TCP: no answer in 300 ms");
}

TEST_F(ProberTest, silence_is_told_from_a_closed_door) {
    dns_.set("silent", type_mx, {.is_dropped = true});
    clock_.advance(5s);
    const Sample silent = ask("silent");
    EXPECT_EQ(silent.kind, Kind::timed_out);
    EXPECT_EQ(silent.problem, "no answer in 300 ms");
    EXPECT_GE(silent.rtt, 300ms);
    EXPECT_EQ(silent.at, WallTime{1h} + 5s);
    EXPECT_EQ(dns_.questions("silent", type_mx), 1U);

    std::optional<net::HostPort> gone;
    {
        const test::FakeDns other{loop_.executor()};
        gone = other.address();
    }
    for (const auto transport : {Transport::udp, Transport::tcp}) {
        std::optional<Sample> closed;
        const Order order{*gone, Question{"example", RecordType::mx}, how(transport)};
        loop_.run(ask_into(prober_, order, closed));
        EXPECT_EQ(closed->kind, Kind::unreachable);
        EXPECT_EQ(closed->problem, "connection refused");
        EXPECT_FALSE(closed->has_no_route);
    }
}

TEST_F(ProberTest, tries_again_as_often_as_it_is_told) {
    dns_.set("silent", type_mx, {.is_dropped = true});
    Ask patient = how();
    patient.timeout = 50ms;
    patient.tries = 3;
    EXPECT_EQ(ask("silent", patient).kind, Kind::timed_out);
    EXPECT_EQ(dns_.questions("silent", type_mx), 3U);
}

TEST_F(ProberTest, a_server_that_lies_about_the_question_is_caught) {
    const test::DnsRecord mx = dns_mx("example", 1, "evil.example");
    dns_.set("example", type_mx, {.is_to_another = true, .answers = {mx}});
    const Sample sample = ask("example");
    EXPECT_EQ(sample.kind, Kind::malformed);
    EXPECT_NE(sample.problem.find("answers another question"), std::string::npos) << sample.problem;
    EXPECT_TRUE(sample.response.answers.empty());
}

TEST_F(ProberTest, a_forged_id_is_not_believed) {
    const test::DnsRecord mx = dns_mx("example", 1, "evil.example");
    dns_.set("example", type_mx, {.answers = {mx}, .has_wrong_id = true});
    const Sample sample = ask("example");
    EXPECT_EQ(sample.kind, Kind::timed_out);
    EXPECT_NE(sample.problem.find("1 with a wrong id"), std::string::npos) << sample.problem;
    EXPECT_TRUE(sample.response.answers.empty());
}

TEST_F(ProberTest, a_server_without_edns_is_asked_without) {
    for (const bool lacks_question : {false, true}) {
        dns_.set(
            "old",
            type_mx,
            {.answers = {dns_mx("old", 1, "mx")},
             .lacks_question = lacks_question,
             .refuses_edns = true}
        );
        const Sample sample = ask("old");
        if (lacks_question) {  // its other answers have none either, which will not do
            EXPECT_EQ(sample.kind, Kind::malformed) << sample.problem;
        } else {
            EXPECT_EQ(sample.kind, Kind::answered) << sample.problem;
            EXPECT_FALSE(sample.response.has_edns);
            EXPECT_EQ(sample.response.answers.size(), 1U);
        }
    }
}

TEST_F(ProberTest, what_cannot_be_asked_is_said) {
    struct Row {
        net::HostPort server;
        std::string name;
        std::string_view problem;
    };
    const std::vector<Row> rows{
        {dns_.address(), "a..b", "is no name"},
        {dns_.address(), ".a", "is no name"},
        {dns_.address(), "a b", "is no name"},
        {dns_.address(), std::string(64, 'a'), "is no name"},
        {dns_.address(), std::string(127, 'a').replace(60, 1, ".") + "..", "is no name"},
        {{"dns.example", 53}, "example", "no address of a server"},
    };
    for (const Row& row : rows) {
        std::optional<Sample> sample;
        const Order order{row.server, Question{row.name, RecordType::mx}, how()};
        loop_.run(ask_into(prober_, order, sample));
        EXPECT_EQ(sample->kind, Kind::malformed) << row.name;
        EXPECT_NE(sample->problem.find(row.problem), std::string::npos) << sample->problem;
    }
    EXPECT_EQ(dns_.questions(), 0U);
    EXPECT_EQ(ask(".").kind, Kind::answered);  // the root has a name
}

TEST_F(ProberTest, takes_more_than_can_be_in_flight) {
    constexpr std::size_t count = 700;
    std::vector<Order> orders;
    for (std::size_t n = 0; n < count; ++n) {
        const std::string name = "h" + std::to_string(n);
        dns_.add(dns_mx(name, static_cast<std::uint16_t>(n), "mx"));
        const bool is_bad = n % 100 == 99;
        Ask slow = how();
        slow.timeout = 1s;
        slow.tries = 60;  // its socket has not room for all of them
        orders.emplace_back(dns_.address(), Question{is_bad ? "a..b" : name, RecordType::mx}, slow);
    }
    std::vector<Sample> samples;
    loop_.run(ask_all_into(prober_, std::move(orders), samples));
    ASSERT_EQ(samples.size(), count);
    for (std::size_t n = 0; n < count; ++n) {
        const bool is_bad = n % 100 == 99;
        ASSERT_EQ(samples[n].kind, is_bad ? Kind::malformed : Kind::answered) << n;
        if (!is_bad) {
            EXPECT_EQ(samples[n].response.answers[0].as<Mx>()->preference, n);
        }
    }
}

TEST_F(ProberTest, nothing_asked_is_nothing_answered) {
    std::vector<Sample> samples(1);
    loop_.run(ask_all_into(prober_, {}, samples));
    EXPECT_TRUE(samples.empty());
}

TEST_F(ProberTest, can_be_cancelled) {
    dns_.set("silent", type_mx, {.is_dropped = true});
    Ask slow = how();
    slow.timeout = 1min;
    std::optional<Sample> sample;
    net::TaskGroup group{loop_.executor(), "test", 1};
    const Order order{dns_.address(), Question{"silent", RecordType::mx}, slow};
    ASSERT_TRUE(group.spawn(ask_into(prober_, order, sample)).has_value());
    while (dns_.questions() == 0) {
        loop_.context().restart();
        ASSERT_GT(loop_.context().run_one(), 0U);
    }
    group.abort();
    loop_.run(group.join());
    EXPECT_EQ(sample->kind, Kind::timed_out);
    EXPECT_EQ(sample->problem, "given up");
}

// What is under way when the loop goes must not leak or call back (sanitizers).
TEST(Prober, may_go_with_its_loop) {
    const ManualClock clock{WallTime{}};
    std::optional<Sample> sample;
    {
        net::RunLoop loop;
        test::FakeDns dns{loop.executor()};
        dns.set("silent", type_mx, {.is_dropped = true});
        Prober prober{loop.executor(), clock};
        const Order order{dns.address(), Question{"silent", RecordType::mx}, {}};
        auto task = ask_into(prober, order, sample);
        net::asio::co_spawn(loop.context(), std::move(task), [](std::exception_ptr) {});
        while (dns.questions() == 0) {
            ASSERT_GT(loop.context().run_one(), 0U);
        }
    }
    EXPECT_FALSE(sample.has_value());
}

TEST_F(ProberTest, another_thread_may_ask) {
    dns_.add(dns_mx("example", 5, "mx.example"));
    std::optional<Sample> sample;
    bool done = false;
    const Order order{dns_.address(), Question{"example", RecordType::mx}, how()};
    std::thread other{[&] {
        net::RunLoop loop;
        loop.run(ask_into(prober_, order, sample));
        net::asio::post(loop_.executor(), [&done] { done = true; });
    }};
    loop_.run_until(done);
    other.join();
    EXPECT_EQ(sample->response.answers.at(0).as<Mx>()->preference, 5);
}

}  // namespace
}  // namespace siding::dns
