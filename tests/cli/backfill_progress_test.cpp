#include "cli/backfill_progress.hpp"

#include "cli/backfill_eta.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <sstream>

namespace siding::cli {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

constexpr WallTime now{
    std::chrono::sys_days{std::chrono::year{2026} / 11 / 23} + std::chrono::hours{10}};

json::object document(const char* text) {
    return json::parse(text).as_object();
}

const char* const two = R"({
  "accounts": [
    {"name": "ann", "phase": "copying", "mailbox": "INBOX", "to_copy": 1000, "copied": 250,
     "octets": 1000, "hold": null, "messages_per_second": 12, "octets_per_second": 81000,
     "eta": {"done_at": "2026-11-23T10:01:03.000Z", "days": []}},
    {"name": "bob@example.com", "phase": "waiting", "to_copy": 100, "copied": 50,
     "hold": {"until": "2026-11-24T00:00:00.000Z", "reason": "daily budget of 1.0 MB is used up"}},
    {"name": "cid", "phase": "waiting", "hold": null},
    {"name": "dan", "phase": "failed", "reason": "login of dan: no"}
  ],
  "messages_per_second": 12, "octets_per_second": 81000,
  "eta": {"done_at": "2026-11-24T13:40:00.000Z", "days": []}
})";

TEST(BackfillProgressTest, a_line_for_each_and_one_for_all) {
    const json::object whole = document(two);
    const auto lines = backfill_progress_lines(whole.at("accounts").as_array(), whole, now, 24);
    EXPECT_EQ(
        lines,
        (std::vector<std::string>{
            "ann              [#####...............]  25 %  250 of 1,000, 12/s, 81 kB/s, 1m left  "
            "INBOX",
            "bob@example.com  [##########..........]  50 %  daily budget of 1.0 MB is used up",
            "and 1 account more",
            "[#####...............]  27 %  1 of 4 accounts (1 failed), 300 of 1,100 messages, "
            "12/s, 81 kB/s, done by Tue 24 Nov about 14:00 UTC"})
    );
}

TEST(BackfillProgressTest, never_more_lines_than_there_are) {
    const json::object whole = document(two);
    const json::array& accounts = whole.at("accounts").as_array();
    const auto lines = backfill_progress_lines(accounts, whole, now, 3);
    ASSERT_EQ(lines.size(), 3U);
    EXPECT_EQ(lines[1], "and 2 accounts more");
    EXPECT_EQ(backfill_progress_lines(accounts, whole, now, 1).size(), 1U);
}

TEST(BackfillProgressTest, is_drawn_over_what_stood_there) {
    std::istringstream in;
    std::ostringstream out;
    std::ostringstream err;
    Terminal terminal{.in = in, .out = out, .err = err, .width = 40, .watched = true, .height = 24};
    BackfillProgress progress{terminal};
    const json::object whole = document(two);
    const json::array& accounts = whole.at("accounts").as_array();
    progress.show(accounts, whole, now);
    EXPECT_EQ(out.str().find("dan failed: login of dan: no\n"), 0U);
    EXPECT_EQ(out.str().find("\x1b[4A"), std::string::npos);
    out.str("");
    progress.show(accounts, whole, now + 1s);
    EXPECT_EQ(out.str().find("\x1b[4A\r"), 0U);
    EXPECT_EQ(out.str().find("failed:"), std::string::npos);  // once
    std::istringstream lines{out.str()};
    for (std::string line; std::getline(lines, line);) {
        EXPECT_LE(line.size(), 40U + 12U);  // and what moves the cursor
    }
    out.str("");
    progress.close();
    EXPECT_EQ(out.str(), "\x1b[4A\r\x1b[J");
}

TEST(BackfillProgressTest, few_lines_where_nobody_watches) {
    std::istringstream in;
    std::ostringstream out;
    std::ostringstream err;
    Terminal terminal{.in = in, .out = out, .err = err};
    BackfillProgress progress{terminal};
    const json::object whole = document(two);
    const json::array& accounts = whole.at("accounts").as_array();
    progress.show(accounts, whole, now);
    EXPECT_EQ(out.str(), "bob@example.com: daily budget of 1.0 MB is used up\n");
    out.str("");
    progress.show(accounts, whole, now + 10s);
    EXPECT_NE(out.str().find(" 27 %  1 of 4 accounts"), std::string::npos);
    out.str("");
    progress.show(accounts, whole, now + 20s);
    EXPECT_EQ(out.str(), "");
}

TEST(BackfillEtaTest, calendar) {
    json::object account = document(R"({"octets_left": 6000000000, "octets_per_second": 1400000,
      "eta": {"done_at": "2026-11-27T13:40:00.000Z", "days": [
        {"day": "2026-11-23", "octets": 500000000}, {"day": "2026-11-24", "octets": 2500000000}]}})"
    );
    EXPECT_EQ(
        outlook_words(account, now),
        "about 6.0 GB left, 1.4 MB/s; done by Fri 27 Nov about 14:00 UTC"
    );
    EXPECT_EQ(calendar_words(account), "Mon 23 Nov 500 MB · Tue 24 Nov 2.5 GB");
    json::array& days = account["eta"].as_object()["days"].as_array();
    for (int day = 25; day < 30; ++day) {
        days.push_back(json::object{{"day", "2026-11-" + std::to_string(day)}, {"octets", 1000}});
    }
    EXPECT_EQ(
        calendar_words(account),
        "Mon 23 Nov 500 MB · Tue 24 Nov 2.5 GB · Wed 25 Nov 1.0 kB · Thu 26 Nov 1.0 kB · "
        "Fri 27 Nov 1.0 kB · … · Sun 29 Nov 1.0 kB"
    );
    EXPECT_EQ(outlook_words(document(R"({"octets_left": 0})"), now), "");
    EXPECT_EQ(outlook_words(document(R"({"octets_left": 5, "eta": null})"), now), "about 5 B left");
}

TEST(BackfillEtaTest, sizes) {
    EXPECT_EQ(decimal_size(0), "0 B");
    EXPECT_EQ(decimal_size(999), "999 B");
    EXPECT_EQ(decimal_size(1000), "1.0 kB");
    EXPECT_EQ(decimal_size(9'960), "10 kB");
    EXPECT_EQ(decimal_size(999'700), "1.0 MB");
    EXPECT_EQ(decimal_size(2'500'000'000), "2.5 GB");
}

}  // namespace
}  // namespace siding::cli
