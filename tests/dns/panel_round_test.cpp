#include "dns/panel_round.hpp"

#include "tests/net/run_loop.hpp"
#include "tests/support/fake_dns.hpp"

namespace siding::dns {
namespace {

using namespace std::chrono_literals;
using net::awaitable;
using std::chrono::seconds;
using test::dns_mx;
using test::dns_opt;
using test::DnsRecord;

constexpr std::uint16_t type_mx = 15;

struct Terms {
    unsigned samples = 4;
    seconds authoritative_ttl{300};
    seconds left{60};
};

awaitable<void> run_into(
    Prober& prober,
    const std::vector<PanelOperator>& operators,
    const Expected& expected,
    Terms terms,
    PanelRound& round
) {
    round = co_await run_round(
        prober, operators, "example", expected, terms.samples, terms.authoritative_ttl, terms.left
    );
}

DnsRecord mx(std::string_view host, std::uint32_t ttl) {
    DnsRecord record = dns_mx("example", 10, host);
    record.ttl = ttl;
    return record;
}

class PanelRoundTest : public testing::Test {
protected:
    PanelRound run(const std::vector<PanelOperator>& operators, Terms terms = {}) {
        PanelRound round;
        loop_.run(run_into(prober_, operators, expected_, terms, round));
        return round;
    }

    net::RunLoop loop_;
    ManualClock clock_{WallTime{2h}};
    test::FakeDns one_{loop_.executor()};
    test::FakeDns two_{loop_.executor()};
    Prober prober_{loop_.executor(), clock_};
    const Expected expected_{{"hold.example"}, {"old.example"}};
};

TEST_F(PanelRoundTest, asks_each_operator_over_all_its_addresses) {
    one_.set("example", type_mx, {.answers = {mx("hold.example", 200)}});
    two_.set(
        "example",
        type_mx,
        {.answers = {mx("old.example", 100)}, .additional = {dns_opt({{3, "two"}})}}
    );
    const auto round =
        run({{"both", "", {one_.address(), two_.address()}}, {"one", "", {one_.address()}, true}});
    EXPECT_EQ(round.at, WallTime{2h});
    ASSERT_EQ(round.operators.size(), 2U);
    const OperatorView& both = round.operators[0];
    EXPECT_EQ(both.name, "both");
    EXPECT_EQ(both.state, SampleState::mixed);
    EXPECT_EQ(both.old_for_at_most, 100s);
    ASSERT_EQ(both.samples.size(), 4U);
    EXPECT_EQ(both.samples[0].address, one_.address());
    EXPECT_EQ(both.samples[1].address, two_.address());
    EXPECT_EQ(both.samples[0].age, 100s);
    EXPECT_FALSE(both.samples[0].floor);
    EXPECT_TRUE(both.samples[1].extends);  // 100 s left, and 60 s to the deadline
    EXPECT_EQ(both.samples[1].nsid, "two");
    EXPECT_EQ(both.samples[1].mx, std::vector<std::string>{"10 old.example"});
    EXPECT_FALSE(both.samples[0].by_tcp);
    EXPECT_TRUE(both.samples[3].by_tcp);  // the last of four
    const OperatorView& one = round.operators[1];
    EXPECT_EQ(one.state, SampleState::is_new);
    EXPECT_TRUE(one.is_system);
    EXPECT_EQ(one.old_for_at_most, 0s);
    EXPECT_EQ(one_.questions("example", type_mx), 6U);
}

TEST_F(PanelRoundTest, recognises_floors_and_extenders) {
    one_.set("example", type_mx, {.answers = {mx("hold.example", 3600)}});
    two_.set("example", type_mx, {.answers = {mx("old.example", 3600)}});
    const std::vector<PanelOperator> operators{
        {"one", "", {one_.address()}}, {"two", "", {two_.address()}}};
    const auto round = run(operators, {2, 300s, 4000s});
    const SampleView& fresh = round.operators[0].samples[0];
    EXPECT_TRUE(fresh.floor);
    EXPECT_EQ(fresh.age, std::nullopt);
    const SampleView& old = round.operators[1].samples[0];
    EXPECT_FALSE(old.floor);  // the old records may have had a TTL of their own
    EXPECT_FALSE(old.extends);
    EXPECT_TRUE(run(operators, {2, 300s, -5s}).operators[1].samples[0].extends);
    EXPECT_FALSE(run(operators, {2, 300s, seconds::max()}).operators[1].samples[0].extends);
    EXPECT_FALSE(run(operators, {2, 0s, 60s}).operators[0].samples[0].floor);  // not known
}

TEST_F(PanelRoundTest, tells_stale_answers_and_errors) {
    const std::string stale{"\x00\x03", 2};
    one_.set(
        "example",
        type_mx,
        {.answers = {mx("old.example", 30)}, .additional = {dns_opt({{15, stale + "gone"}})}}
    );
    two_.set("example", type_mx, {.rcode = 2});
    const auto round =
        run({{"one", "", {one_.address()}}, {"two", "", {two_.address()}}}, {1, 300s, 60s});
    EXPECT_TRUE(round.operators[0].samples[0].stale);
    EXPECT_EQ(round.operators[0].samples[0].error, "EDE 3 gone");
    EXPECT_EQ(round.operators[1].state, SampleState::failed);
    EXPECT_EQ(round.operators[1].samples[0].error, "SERVFAIL");
}

TEST_F(PanelRoundTest, who_cannot_be_reached_is_neither) {
    one_.set("example", type_mx, {.answers = {mx("hold.example", 30)}});
    const net::HostPort nobody{"127.0.0.1", 1};
    const auto round =
        run({{"half", "", {one_.address(), nobody}}, {"gone", "", {nobody}}, {"empty", "", {}}});
    EXPECT_EQ(round.operators[0].state, SampleState::is_new);
    EXPECT_TRUE(round.operators[0].is_reachable());
    EXPECT_EQ(round.operators[1].state, SampleState::timed_out);
    EXPECT_FALSE(round.operators[1].is_reachable());
    EXPECT_EQ(round.operators[1].samples[0].error, "connection refused");
    EXPECT_EQ(round.operators[2].state, SampleState::timed_out);
}

}  // namespace
}  // namespace siding::dns
