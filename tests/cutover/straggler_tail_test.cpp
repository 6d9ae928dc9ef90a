#include "cutover/straggler_tail.hpp"

#include "tests/cutover/mail.hpp"
#include "tests/support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <fmt/format.h>
#include <fstream>

namespace siding::cutover {
namespace {

using test::noon;

class StragglerTailTest : public testing::Test {
protected:
    static std::string arrival(int number) {
        return fmt::format(
            "Nov 21 09:00:00 old postfix/smtpd[8]: AAAA{:04}: client=a.example[192.0.2.1]\n", number
        );
    }
    static std::string end(int number) {
        return fmt::format(
            "Nov 21 09:00:00 old postfix/local[8]: AAAA{0:04}: to=<u{0}@example.com>, status=sent "
            "(ok)\n"
            "Nov 21 09:00:00 old postfix/qmgr[8]: AAAA{0:04}: removed\n",
            number
        );
    }
    static std::string mail(int number) { return arrival(number) + end(number); }

    void append(const std::string& text) { std::ofstream{log_, std::ios::app} << text; }

    std::vector<std::string> poll(StragglerTail& tail) {
        std::vector<std::string> found;
        auto mails = tail.poll(noon);
        EXPECT_TRUE(mails.has_value()) << mails.error().message();
        for (const LoggedMail& one : *mails) {
            found.push_back(one.recipients.at(0).substr(0, one.recipients.at(0).find('@')));
        }
        return found;
    }

    using Names = std::vector<std::string>;

    test::TempDirectory directory_;
    std::filesystem::path log_ = directory_.path() / "mail.log";
    StragglerTail tail_{log_};
};

TEST_F(StragglerTailTest, gives_what_has_come_since) {
    append(mail(1) + mail(2));
    EXPECT_EQ(poll(tail_), (Names{"u1", "u2"}));
    EXPECT_EQ(poll(tail_), Names{});
    append(mail(3));
    EXPECT_EQ(poll(tail_), Names{"u3"});
}

TEST_F(StragglerTailTest, no_mail_is_from_the_future) {
    append(mail(1));
    StragglerTail west{log_, std::chrono::minutes{-300}};
    const auto mails = west.poll(noon);
    ASSERT_EQ(mails->size(), 1U);
    EXPECT_EQ(mails->at(0).at, noon);
    StragglerTail utc{log_, std::chrono::minutes{0}};
    EXPECT_EQ(utc.poll(noon)->at(0).at, noon - std::chrono::hours{3});
}

TEST_F(StragglerTailTest, a_line_may_come_in_pieces) {
    const std::string text = mail(1);
    for (const char c : text) {
        append({c});
        if (c != '\n') {
            EXPECT_EQ(poll(tail_), Names{});
        }
    }
    EXPECT_EQ(poll(tail_), Names{"u1"});
}

TEST_F(StragglerTailTest, rotation_by_renaming_loses_nothing) {
    append(mail(1));
    EXPECT_EQ(poll(tail_), Names{"u1"});
    append(mail(2) + arrival(3));
    std::filesystem::rename(log_, directory_.path() / "mail.log.1");
    EXPECT_EQ(poll(tail_), Names{"u2"}) << "not yet made anew";
    append(end(3) + mail(4));
    EXPECT_EQ(poll(tail_), (Names{"u3", "u4"}));
}

TEST_F(StragglerTailTest, rotation_by_copying_and_cutting) {
    append(mail(1) + mail(2));
    EXPECT_EQ(poll(tail_).size(), 2U);
    std::filesystem::resize_file(log_, 0);
    append(mail(3));
    EXPECT_EQ(poll(tail_), Names{"u3"});
}

TEST_F(StragglerTailTest, goes_on_where_it_was) {
    append(mail(1) + arrival(2));
    EXPECT_EQ(poll(tail_), Names{"u1"});
    const std::string position = tail_.position();
    append(end(2));
    StragglerTail next{log_};
    next.resume(position);
    EXPECT_EQ(poll(next), Names{"u2"}) << "its first line was read before the restart";
}

TEST_F(StragglerTailTest, a_log_that_was_rotated_during_a_restart_is_read_to_its_end) {
    append(mail(1));
    poll(tail_);
    const std::string position = tail_.position();
    append(mail(2));
    std::filesystem::rename(log_, directory_.path() / "mail.log.1");
    append(mail(3));
    StragglerTail next{log_};
    next.resume(position);
    EXPECT_EQ(poll(next), (Names{"u2", "u3"}));
}

TEST_F(StragglerTailTest, positions_that_are_none_are_passed_over) {
    append(mail(1));
    for (const char* const position : {"", "x", "5", "5 x", "5 6 7", "99999999 5"}) {
        StragglerTail tail{log_};
        tail.resume(position);
        EXPECT_EQ(poll(tail), Names{"u1"}) << position;
    }
}

TEST_F(StragglerTailTest, a_log_that_is_missing_is_an_error_until_it_is_there) {
    EXPECT_TRUE(tail_.poll(noon).error().is(Errc::not_found));
    append(mail(1));
    EXPECT_EQ(poll(tail_), Names{"u1"});
    StragglerTail directory{directory_.path()};
    EXPECT_TRUE(directory.poll(noon).has_error());
}

TEST_F(StragglerTailTest, a_line_without_end_does_not_take_memory) {
    append(std::string(1024 * 1024, 'x'));
    EXPECT_EQ(poll(tail_), Names{});
    append("\n" + mail(1));
    EXPECT_EQ(poll(tail_), Names{"u1"});
}

}  // namespace
}  // namespace siding::cutover
