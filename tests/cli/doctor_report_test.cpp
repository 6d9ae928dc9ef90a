#include "cli/doctor_report.hpp"

#include <boost/json/array.hpp>
#include <gtest/gtest.h>

#include <sstream>

namespace siding::cli {
namespace {

using cutover::CheckOutcome;
using cutover::CheckResult;
using cutover::Severity;

CheckResult make(const std::string& id, Severity severity, CheckOutcome outcome) {
    cutover::Check check;
    check.id = id;
    check.title = "title of " + id;
    check.severity = severity;
    return cutover::make_result(check, std::move(outcome));
}

Examination sample() {
    return {
        "example.com",
        {
            make("A1", Severity::critical, cutover::passed("all well")),
            make(
                "A2",
                Severity::warning,
                cutover::failed("seen\x1b[2J\nmore", "breaks", "a \\ b\n c")
            ),
            make("A3", Severity::critical, cutover::failed("bad", "worse", "mend")),
            make("A4", Severity::critical, cutover::hindered("no answer")),
            make("A5", Severity::critical, cutover::not_checked("needs --config")),
        },
        ""};
}

std::string print(const Examination& examination, bool all) {
    std::istringstream in;
    std::ostringstream out;
    std::ostringstream err;
    const Terminal terminal{.in = in, .out = out, .err = err};
    print_examination(examination, all, terminal);
    return out.str();
}

TEST(DoctorReportTest, WhatIsWorstComesFirst) {
    EXPECT_EQ(
        print(sample(), false),
        "example.com\n\n"
        "  A3  critical: title of A3\n"
        "       seen      bad\n"
        "       breaks    worse\n"
        "       fix       mend\n\n"
        "  A2  warning: title of A2\n"
        "       seen      seen\\x1b[2J\n"
        "                 more\n"
        "       breaks    breaks\n"
        "       fix       a \\ b\n"
        "                  c\n\n"
        "  A4  not checked: title of A4\n"
        "       because   no answer\n\n"
        "example.com: 1 critical, 1 warning, 1 ok, 2 not checked (1 of them should have been); "
        "--all lists them\n"
    );
    const std::string all = print(sample(), true);
    EXPECT_NE(all.find("A1  ok"), std::string::npos);
    EXPECT_NE(all.find("needs --config"), std::string::npos);
}

TEST(DoctorReportTest, TheExitCodeIsThatOfTheWorst) {
    Examination one = sample();
    EXPECT_EQ(exit_of(std::vector{one}), Exit::critical);
    one.results.erase(one.results.begin() + 2);
    EXPECT_EQ(exit_of(std::vector{one}), Exit::warnings);
    one.results.erase(one.results.begin() + 1);
    EXPECT_EQ(exit_of(std::vector{one}), Exit::warnings);  // hindered
    one.results.erase(one.results.begin() + 1);
    EXPECT_EQ(exit_of(std::vector{one}), Exit::done);  // one was left to the operator
}

TEST(DoctorReportTest, JsonHasEveryCheck) {
    const auto document = examinations_json({sample()});
    const auto& domain = document.at("domains").as_array().at(0).as_object();
    EXPECT_EQ(domain.at("domain"), "example.com");
    EXPECT_EQ(domain.at("critical"), 1);
    EXPECT_EQ(domain.at("checks").as_array().size(), 5u);
    const auto& first = domain.at("checks").as_array().at(2).as_object();
    EXPECT_EQ(first.at("id"), "A3");
    EXPECT_EQ(first.at("severity"), "critical");
    EXPECT_EQ(first.at("status"), "failed");
    EXPECT_EQ(first.at("fix"), "mend");
}

}  // namespace
}  // namespace siding::cli
