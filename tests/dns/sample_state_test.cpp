#include "dns/sample_state.hpp"

#include "dns/panel_round.hpp"
#include "tests/support/fake_dns.hpp"

#include <gtest/gtest.h>

namespace siding::dns {
namespace {

using test::dns_address;
using test::dns_cname;
using test::dns_mx;
using test::dns_opt;
using test::DnsReply;
using State = SampleState;

const Expected expected{{"hold.example", "hold2.example"}, {"mx1.example", "mx2.example"}};

Sample sample_of(const DnsReply& reply) {
    Sample sample;
    sample.question = {"example", RecordType::mx};
    sample.kind = Sample::Kind::answered;
    const std::string octets = test::make_dns_reply(test::make_dns_query("example", 15), reply);
    sample.response = parse_response(octets, sample.question).value();
    return sample;
}

TEST(SampleState, has_nine_values) {
    struct Row {
        DnsReply reply;
        State state;
    };
    const test::DnsRecord nowhere = dns_address("example", "0.0.0.0");
    const std::string blocked{"\x00\x0F", 2};
    const std::string stale{"\x00\x03", 2};
    const std::vector<Row> rows{
        {{.answers = {dns_mx("example", 1, "hold.example")}}, State::is_new},
        {{.answers = {dns_mx("example", 1, "HOLD2.example"), dns_mx("example", 2, "hold.example")}},
         State::is_new},
        {{.answers = {dns_mx("example", 5, "mx2.example")}}, State::is_old},
        {{.answers = {dns_mx("example", 5, "mx2.example"), dns_mx("example", 6, "mx1.example")}},
         State::is_old},
        {{.answers = {dns_mx("example", 5, "mx2.example"), dns_mx("example", 6, "hold.example")}},
         State::mixed},
        {{.answers = {dns_mx("example", 5, "hold.example"), dns_mx("example", 6, "x.example")}},
         State::other},
        {{.answers = {dns_mx("example", 0, "")}}, State::other},  // null MX
        {{.answers = {dns_cname("example", "b"), dns_mx("b", 1, "hold.example")}}, State::is_new},
        {{.rcode = 3}, State::nxdomain},
        {{}, State::nodata},
        {{.answers = {dns_mx("other", 1, "hold.example")}}, State::nodata},
        {{.rcode = 2}, State::failed},
        {{.rcode = 5}, State::failed},
        {{.is_cut_off = true}, State::failed},
        {{.answers = {nowhere}}, State::filtered},
        {{.rcode = 3, .additional = {dns_opt({{15, blocked}})}}, State::filtered},
        {{.answers = {dns_mx("example", 5, "mx2.example")}, .additional = {dns_opt({{15, stale}})}},
         State::is_old},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(judge(sample_of(row.reply), expected), row.state) << format_state(row.state);
    }
}

TEST(SampleState, silence_is_neither_old_nor_new) {
    Sample sample;
    for (const auto kind : {Sample::Kind::timed_out, Sample::Kind::unreachable}) {
        sample.kind = kind;
        EXPECT_EQ(judge(sample, expected), State::timed_out);
    }
    sample.kind = Sample::Kind::malformed;
    EXPECT_EQ(judge(sample, expected), State::failed);
}

// A backup MX that stays, or a domain that only loses one: the whole set tells them apart.
TEST(SampleState, hosts_may_be_in_both_sets) {
    const Expected growing{{"a", "b"}, {"a"}};
    EXPECT_EQ(growing.judge({{"1 a"}}), State::is_old);
    EXPECT_EQ(growing.judge({{"1 a", "2 b"}}), State::is_new);
    EXPECT_EQ(growing.judge({{"1 b"}}), State::is_new);
    const Expected shrinking{{"a"}, {"a", "b"}};
    EXPECT_EQ(shrinking.judge({{"1 a"}}), State::is_new);
    EXPECT_EQ(shrinking.judge({{"1 a", "2 b"}}), State::is_old);
    const Expected nothing{};
    EXPECT_EQ(nothing.judge({{"1 a"}}), State::other);
    EXPECT_EQ(nothing.judge({}), State::nodata);
}

TEST(SampleState, has_a_word_each) {
    for (int n = 0; n < 9; ++n) {
        const auto state = static_cast<State>(n);
        EXPECT_EQ(parse_state(format_state(state)), state);
    }
    EXPECT_EQ(parse_state("servfail"), std::nullopt);
    EXPECT_EQ(format_state(State::timed_out), "timeout");
}

TEST(SampleState, an_operator_is_as_good_as_its_worst_sample) {
    struct Row {
        std::vector<State> samples;
        State state;
    };
    const std::vector<Row> rows{
        {{}, State::timed_out},
        {{State::timed_out, State::timed_out}, State::timed_out},
        {{State::is_new, State::is_new}, State::is_new},
        {{State::is_new, State::timed_out}, State::is_new},
        {{State::is_old, State::timed_out}, State::is_old},
        {{State::is_new, State::is_old}, State::mixed},
        {{State::is_new, State::mixed}, State::mixed},
        {{State::is_new, State::failed}, State::failed},
        {{State::is_new, State::other}, State::other},
        {{State::failed, State::filtered}, State::filtered},
        {{State::nodata, State::nxdomain}, State::nxdomain},
    };
    for (const Row& row : rows) {
        std::vector<SampleView> views;
        for (const State state : row.samples) {
            views.emplace_back().state = state;
        }
        EXPECT_EQ(combine(views), row.state) << format_state(row.state);
    }
}

}  // namespace
}  // namespace siding::dns
