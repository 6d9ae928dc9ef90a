#include "dns/spf_evaluation.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <map>

namespace siding::dns {
namespace {

using Texts = std::vector<std::string>;

// What the DNS has: "TXT example.com" → texts. What is not here does not exist; "SERVFAIL" fails.
using World = std::map<std::string, Texts>;

net::awaitable<Result<Texts>> answer(const World& world, std::string name, RecordType type) {
    const auto found = world.find(std::string{format_type(type)} + " " + name);
    if (found == world.end()) {
        co_return Texts{};
    }
    if (found->second == Texts{"SERVFAIL"}) {
        co_return Error{Errc::unavailable, "SERVFAIL"};
    }
    co_return found->second;
}

net::awaitable<void> store(net::awaitable<SpfVerdict> work, SpfVerdict& into) {
    into = co_await std::move(work);
}

SpfVerdict run(net::awaitable<SpfVerdict> work) {
    net::asio::io_context context{1};
    SpfVerdict verdict;
    net::asio::co_spawn(context, store(std::move(work), verdict), [](std::exception_ptr failure) {
        EXPECT_FALSE(failure);
    });
    context.run();
    return verdict;
}

SpfLookup lookup_in(const World& world) {
    return [&world](std::string name, RecordType type) {
        return answer(world, std::move(name), type);
    };
}

SpfVerdict evaluate(const World& world, std::string address = "192.0.2.10") {
    SpfMacros macros;
    macros.sender = "alice@example.com";
    macros.address = std::move(address);
    macros.helo = "mx.example.com";
    return run(evaluate_spf(lookup_in(world), "example.com", macros));
}

SpfVerdict measure(const World& world) {
    return run(measure_spf(lookup_in(world), "example.com"));
}

World with_record(const std::string& record) {
    return {{"TXT example.com", {"other", record}}};
}

TEST(SpfEvaluation, decides_by_the_first_mechanism_that_fits) {
    struct Row {
        const char* record;
        const char* address;
        SpfResult expected;
    };
    World world{
        {"A mx1.example.net", {"192.0.2.10"}},
        {"A example.com", {"192.0.2.80"}},
        {"AAAA example.com", {"2001:db8::80"}},
        {"MX example.com", {"mx1.example.net"}},
        {"TXT _spf.example.net", {"v=spf1 ip4:198.51.100.0/24 -all"}},
        {"A 10.2.0.192.ok.example.com", {"127.0.0.2"}},
        {"PTR 10.2.0.192.in-addr.arpa", {"liar.example.com", "mx1.example.net"}},
    };
    for (const Row& row : std::initializer_list<Row>{
             {"v=spf1 -all", "192.0.2.10", SpfResult::fail},
             {"v=spf1", "192.0.2.10", SpfResult::neutral},
             {"v=spf1 ip4:192.0.2.0/24 -all", "192.0.2.10", SpfResult::pass},
             {"v=spf1 ip4:192.0.2.0/24 -all", "2001:db8::1", SpfResult::fail},
             {"v=spf1 ip6:2001:db8::/32 ~all", "2001:db8::1", SpfResult::pass},
             {"v=spf1 ip6:2001:db8::/32 ~all", "192.0.2.10", SpfResult::softfail},
             {"v=spf1 a ?all", "192.0.2.10", SpfResult::neutral},
             {"v=spf1 a/25 -all", "192.0.2.10", SpfResult::pass},
             {"v=spf1 a -all", "2001:db8::80", SpfResult::pass},
             {"v=spf1 mx -all", "192.0.2.10", SpfResult::pass},
             {"v=spf1 -mx +all", "192.0.2.10", SpfResult::fail},
             {"v=spf1 include:_spf.example.net -all", "198.51.100.7", SpfResult::pass},
             {"v=spf1 include:_spf.example.net ~all", "192.0.2.10", SpfResult::softfail},
             {"v=spf1 redirect=_spf.example.net", "192.0.2.10", SpfResult::fail},
             {"v=spf1 exists:%{ir}.ok.%{d} -all", "192.0.2.10", SpfResult::pass},
             {"v=spf1 ptr:example.net -all", "192.0.2.10", SpfResult::pass},
             {"v=spf1 ptr -all", "192.0.2.10", SpfResult::fail},  // the name does not lead back
             {"v=spf1 include:none.example -all", "192.0.2.10", SpfResult::permerror},
             {"v=spf1 redirect=none.example", "192.0.2.10", SpfResult::permerror},
             {"v=spf1 iq4:192.0.2.10 -all", "192.0.2.10", SpfResult::permerror},
         }) {
        world["TXT example.com"] = {row.record};
        const SpfVerdict verdict = evaluate(world, row.address);
        EXPECT_EQ(verdict.result, row.expected)
            << row.record << " for " << row.address << ": " << verdict.reason;
    }
}

TEST(SpfEvaluation, tells_no_record_from_too_many) {
    EXPECT_EQ(evaluate({}).result, SpfResult::none);
    const World two{{"TXT example.com", {"v=spf1 -all", "v=spf1 mx -all"}}};
    EXPECT_EQ(evaluate(two).result, SpfResult::permerror);
    EXPECT_EQ(evaluate(two).reason, "example.com has 2 SPF records");
    const World down{{"TXT example.com", {"SERVFAIL"}}};
    EXPECT_EQ(evaluate(down).result, SpfResult::temperror);
    World below = with_record("v=spf1 a:down.example -all");
    below["A down.example"] = {"SERVFAIL"};
    EXPECT_EQ(evaluate(below).result, SpfResult::temperror);
}

// A record that takes `count` lookups before it says yes.
World chain_of(int count) {
    World world;
    std::string record = "v=spf1";
    for (int at = 0; at < count; ++at) {
        record += " include:s" + std::to_string(at) + ".example";
        world["TXT s" + std::to_string(at) + ".example"] = {"v=spf1 ip4:198.51.100.1"};
    }
    world["TXT example.com"] = {record + " ip4:192.0.2.10 -all"};
    return world;
}

TEST(SpfEvaluation, stops_after_ten_lookups) {
    EXPECT_EQ(evaluate(chain_of(10)).result, SpfResult::pass);
    EXPECT_EQ(evaluate(chain_of(10)).lookups, 10);
    const SpfVerdict verdict = evaluate(chain_of(11));
    EXPECT_EQ(verdict.result, SpfResult::permerror);
    EXPECT_EQ(verdict.reason, "more than 10 lookups, the last one include:s10.example");
    // Around in a circle ends, too.
    EXPECT_EQ(
        evaluate(with_record("v=spf1 include:example.com -all")).result, SpfResult::permerror
    );
}

TEST(SpfEvaluation, stops_after_two_names_that_do_not_exist) {
    EXPECT_EQ(
        evaluate(with_record("v=spf1 a:x.example mx:y.example -all")).result, SpfResult::fail
    );
    const SpfVerdict verdict =
        evaluate(with_record("v=spf1 a:x.example mx:y.example exists:z.example -all"));
    EXPECT_EQ(verdict.result, SpfResult::permerror);
    EXPECT_NE(verdict.reason.find("z.example"), std::string::npos);
}

TEST(SpfEvaluation, measures_the_most_that_anybody_spends) {
    EXPECT_EQ(measure(chain_of(14)).lookups, 14);
    EXPECT_EQ(measure(chain_of(14)).result, SpfResult::neutral);
    EXPECT_EQ(measure(chain_of(14)).spent.front(), "include:s0.example");
    World world = with_record("v=spf1 mx include:a.example redirect=b.example");
    world["TXT a.example"] = {"v=spf1 a exists:%{i}.c.example ~all"};
    world["TXT b.example"] = {"v=spf1 ptr ip4:192.0.2.1 -all"};
    const SpfVerdict verdict = measure(world);
    EXPECT_EQ(verdict.lookups, 6);
    EXPECT_EQ(verdict.voids, 4);
    EXPECT_EQ(measure(with_record("v=spf1 include:example.com")).lookups, 101);
    EXPECT_EQ(measure(with_record("v=spf1 include:gone.example")).result, SpfResult::permerror);
}

}  // namespace
}  // namespace siding::dns
