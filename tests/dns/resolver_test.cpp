#include "dns/resolver.hpp"

#include "net/network_error.hpp"
#include "net/task_group.hpp"
#include "tests/net/run_loop.hpp"
#include "tests/support/fake_dns.hpp"

#include <boost/asio/post.hpp>

#include <memory>
#include <optional>
#include <thread>

namespace siding::dns {
namespace {

using namespace std::chrono_literals;
using net::awaitable;
using test::dns_address;
using test::dns_mx;
using test::dns_tlsa;
using Asked = std::optional<Result<Answer>>;

constexpr std::uint16_t type_a = 1;
constexpr std::uint16_t type_mx = 15;

awaitable<void> ask(Resolver& resolver, std::string name, RecordType type, Asked& result) {
    result = co_await resolver.query(name, type);
}

class ResolverTest : public testing::Test {
protected:
    ResolverOptions options(std::vector<net::HostPort> servers) const {
        ResolverOptions made;
        made.servers = std::move(servers);
        made.timeout = 250ms;
        made.tries = 2;
        return made;
    }

    Result<Answer> query(const std::string& name, RecordType type) {
        Asked result;
        loop_.run(ask(*resolver_, name, type, result));
        return std::move(*result);
    }

    net::RunLoop loop_;
    test::FakeDns dns_{loop_.executor()};
    std::unique_ptr<Resolver> resolver_ =
        std::make_unique<Resolver>(loop_.executor(), options({dns_.address()}));
};

TEST_F(ResolverTest, asks_for_every_type) {
    const std::string tlsa_name = "_25._tcp.mx.example";
    dns_.add(dns_address("mx.example", "192.0.2.1"));
    dns_.add(dns_address("mx.example", "2001:db8::1"));
    dns_.add(dns_mx("example", 10, "mx.example"));
    dns_.add(dns_tlsa(tlsa_name, "\x03\x01\x01" + std::string(32, 'k')), true);

    EXPECT_EQ(query("mx.example", RecordType::a).value().all<Address>()[0].text, "192.0.2.1");
    EXPECT_EQ(query("MX.Example.", RecordType::aaaa).value().all<Address>()[0].text, "2001:db8::1");
    const Answer mx = query("example", RecordType::mx).value();
    EXPECT_EQ(mx.all<Mx>()[0].host, "mx.example");
    EXPECT_FALSE(mx.authenticated);
    const Answer tlsa = query(tlsa_name, RecordType::tlsa).value();
    EXPECT_EQ(tlsa.all<net::TlsaRecord>()[0].data, std::string(32, 'k'));
    EXPECT_TRUE(tlsa.authenticated);  // only who sets AD in the query is told
    EXPECT_EQ(query("none.example", RecordType::a).value().rcode, Answer::Rcode::no_such_name);
}

TEST_F(ResolverTest, says_why_there_is_no_answer) {
    dns_.set("broken.example", type_a, {.rcode = 2});
    dns_.set("silent.example", type_a, {.is_dropped = true});
    const auto broken = query("broken.example", RecordType::a);
    EXPECT_TRUE(broken.error().is(Errc::unavailable));
    EXPECT_NE(broken.error().message().find("SERVFAIL"), std::string::npos)
        << broken.error().message();
    const auto silent = query("silent.example", RecordType::a);
    EXPECT_TRUE(silent.error().is(Errc::unavailable));
    EXPECT_NE(silent.error().message().find("in time"), std::string::npos)
        << silent.error().message();
    EXPECT_EQ(dns_.questions("silent.example", type_a), 2U);  // tries
    EXPECT_TRUE(query("", RecordType::a).error().is(Errc::invalid_argument));
    EXPECT_TRUE(query("a..example", RecordType::a).error().is(Errc::invalid_argument));
    EXPECT_TRUE(query("a.example", RecordType::txt).error().is(Errc::invalid_argument));
    EXPECT_TRUE(query("a b.example", RecordType::a).error().is(Errc::invalid_argument));
    EXPECT_TRUE(
        query(std::string(64, 'a') + ".example", RecordType::a).error().is(Errc::invalid_argument)
    );
}

TEST_F(ResolverTest, an_answer_that_does_not_fit_comes_over_tcp) {
    test::DnsReply many{.is_cut_off = true};
    for (int n = 1; n < 200; ++n) {
        many.answers.push_back(dns_address("many.example", "192.0.2." + std::to_string(n)));
    }
    dns_.set("many.example", type_a, many);
    EXPECT_EQ(query("many.example", RecordType::a).value().records.size(), 199U);
    EXPECT_EQ(dns_.questions_over_tcp(), 1U);
}

TEST_F(ResolverTest, the_answer_to_another_question_is_not_ours) {
    dns_.set("mx.example", type_a, {.is_to_another = true});
    EXPECT_TRUE(query("mx.example", RecordType::a).error().is(Errc::unavailable));
}

TEST_F(ResolverTest, the_next_server_is_asked) {
    test::FakeDns second{loop_.executor()};
    second.add(dns_address("mx.example", "192.0.2.7"));
    dns_.set("mx.example", type_a, {.rcode = 2});
    resolver_->configure(options({dns_.address(), second.address()}));
    EXPECT_EQ(query("mx.example", RecordType::a).value().all<Address>()[0].text, "192.0.2.7");
    second.set("mx.example", type_a, {.rcode = 5});
    EXPECT_TRUE(query("mx.example", RecordType::a).error().is(Errc::unavailable));
}

TEST_F(ResolverTest, nobody_listens) {
    std::optional<net::HostPort> address;
    {
        const test::FakeDns gone{loop_.executor()};
        address = gone.address();
    }
    resolver_->configure(options({*address}));
    const auto answer = query("mx.example", RecordType::a);
    EXPECT_TRUE(answer.error().is(Errc::unavailable)) << answer.error().message();
    EXPECT_FALSE(net::is_cancelled(answer.error()));
}

TEST_F(ResolverTest, takes_many_questions_at_once) {
    constexpr std::size_t count = 300;
    std::vector<Asked> results(count);
    net::TaskGroup group{loop_.executor(), "test", count};
    for (std::size_t n = 0; n < count; ++n) {
        const std::string name = "h" + std::to_string(n) + ".example";
        dns_.add(dns_mx(name, static_cast<std::uint16_t>(n), "mx.example"));
        ASSERT_TRUE(group.spawn(ask(*resolver_, name, RecordType::mx, results[n])).has_value());
    }
    loop_.run(group.join());
    for (std::size_t n = 0; n < count; ++n) {
        ASSERT_TRUE(results[n]->has_value()) << results[n]->error().message();
        EXPECT_EQ((*results[n])->all<Mx>()[0].preference, n);
    }
}

TEST_F(ResolverTest, a_question_can_be_cancelled) {
    dns_.set("silent.example", type_a, {.is_dropped = true});
    resolver_->configure([&] {
        ResolverOptions slow = options({dns_.address()});
        slow.timeout = 1min;
        return slow;
    }());
    Asked result;
    net::TaskGroup group{loop_.executor(), "test", 1};
    ASSERT_TRUE(group.spawn(ask(*resolver_, "silent.example", RecordType::a, result)).has_value());
    while (dns_.questions() == 0) {
        loop_.context().restart();
        ASSERT_GT(loop_.context().run_one(), 0U);
    }
    group.cancel();
    loop_.run(group.join());
    EXPECT_TRUE(net::is_cancelled(result->error()));
}

TEST_F(ResolverTest, its_end_is_the_end_of_its_questions) {
    dns_.set("silent.example", type_a, {.is_dropped = true});
    Asked result;
    net::TaskGroup group{loop_.executor(), "test", 1};
    ASSERT_TRUE(group.spawn(ask(*resolver_, "silent.example", RecordType::a, result)).has_value());
    while (dns_.questions() == 0) {
        loop_.context().restart();
        ASSERT_GT(loop_.context().run_one(), 0U);
    }
    resolver_.reset();
    loop_.run(group.join());
    EXPECT_TRUE(result->error().is(Errc::unavailable));
}

TEST_F(ResolverTest, other_settings_leave_a_question_under_way_alone) {
    test::FakeDns second{loop_.executor()};
    second.add(dns_address("slow.example", "192.0.2.2"));
    dns_.set("slow.example", type_a, {.is_dropped = true});
    Asked before;
    net::TaskGroup group{loop_.executor(), "test", 1};
    ASSERT_TRUE(group.spawn(ask(*resolver_, "slow.example", RecordType::a, before)).has_value());
    while (dns_.questions() == 0) {
        loop_.context().restart();
        ASSERT_GT(loop_.context().run_one(), 0U);
    }
    resolver_->configure(options({second.address()}));
    EXPECT_TRUE(query("slow.example", RecordType::a).has_value());
    dns_.set("slow.example", type_a, {.answers = {dns_address("slow.example", "192.0.2.1")}});
    loop_.run(group.join());
    EXPECT_EQ(before->value().all<Address>()[0].text, "192.0.2.1");
}

TEST_F(ResolverTest, another_thread_may_ask) {
    dns_.add(dns_mx("example", 5, "mx.example"));
    Asked result;
    bool done = false;
    std::thread other{[&] {
        net::RunLoop loop;
        loop.run(ask(*resolver_, "example", RecordType::mx, result));
        net::asio::post(loop_.executor(), [&done] { done = true; });
    }};
    loop_.run_until(done);
    other.join();
    EXPECT_EQ(result->value().all<Mx>()[0].preference, 5);
    EXPECT_EQ(dns_.questions("example", type_mx), 1U);
}

}  // namespace
}  // namespace siding::dns
