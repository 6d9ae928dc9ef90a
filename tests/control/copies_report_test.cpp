#include "control/copies_report.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

namespace siding::control {
namespace {

namespace json = boost::json;
using queue::LedgerKind;

class CopiesReportTest : public testing::Test {
protected:
    // One message with a recipient and its copy.
    MessageId accept(const std::string& address = "joe@example.com") {
        queue::LedgerEntry line;
        line.kind = LedgerKind::accepted;
        line.recipient.message = MessageId{++last_ << 22};
        line.sender = "ann@sender.example";
        line.recipients.push_back({address, "example.com", "default"});
        line.recipients.push_back({address, "example.com", "default", {}, true});
        report_.on_line(line);
        return line.recipient.message;
    }

    void answer(RecipientId id, LedgerKind kind, const std::string& reply = "250 ok") {
        queue::LedgerEntry line;
        line.kind = kind;
        line.recipient = id;
        line.server = id.number == 0 ? "old" : "new";
        line.reply = reply;
        report_.on_line(line);
    }

    void restart(queue::Filter filter, CopiesReport::Show show) {
        report_ = CopiesReport{std::move(filter), show};
    }

    static std::string counts(const json::object& document) {
        return json::serialize(document.at("agree")) + " " +
               json::serialize(document.at("differ")) + " " +
               json::serialize(document.at("waiting"));
    }

    std::uint64_t last_ = 0;
    CopiesReport report_{{}, CopiesReport::Show::differing};
};

TEST_F(CopiesReportTest, CountsAgreementAndDifference) {
    const MessageId both = accept();
    answer({both, 0}, LedgerKind::delivered);
    answer({both, 1}, LedgerKind::delivered);
    const MessageId differs = accept();
    answer({differs, 0}, LedgerKind::delivered);
    answer({differs, 1}, LedgerKind::deferred, "451 later");
    answer({differs, 1}, LedgerKind::parked, "550 5.1.1 unknown");
    const MessageId neither = accept();
    answer({neither, 0}, LedgerKind::parked, "550 no");
    answer({neither, 1}, LedgerKind::parked, "550 no");
    const MessageId open = accept();
    answer({open, 0}, LedgerKind::delivered);
    const json::object document = report_.document();
    EXPECT_EQ(counts(document), "2 1 1");
    EXPECT_EQ(document.at("messages"), json::value(4U));
    ASSERT_EQ(document.at("rows").as_array().size(), 1U);
    const json::value& row = document.at("rows").at(0);
    EXPECT_EQ(row.at("message").as_string(), differs.text());
    EXPECT_EQ(row.at("agree"), json::value(false));
    EXPECT_EQ(row.at("first").at("server").as_string(), "old");
    EXPECT_EQ(row.at("copy").at("reply").as_string(), "550 5.1.1 unknown");
    EXPECT_EQ(document.at("differences").at(0).at("cause").as_string(), "no_such_mailbox");
}

// Fixed and released: what counts is what the server says in the end.
TEST_F(CopiesReportTest, TheLastAnswerCounts) {
    const MessageId id = accept();
    answer({id, 1}, LedgerKind::parked, "550 no");
    answer({id, 0}, LedgerKind::delivered);
    answer({id, 1}, LedgerKind::delivered);
    EXPECT_EQ(counts(report_.document()), "1 0 0");
}

TEST_F(CopiesReportTest, ShowsWhatIsAskedFor) {
    restart({}, CopiesReport::Show::waiting);
    answer({accept(), 0}, LedgerKind::delivered);
    EXPECT_EQ(report_.document().at("rows").at(0).at("copy").at("kind"), json::value(nullptr));

    queue::Filter filter;
    filter.recipient = "sue@example.com";
    filter.limit = 1;
    restart(filter, CopiesReport::Show::all);
    accept();
    accept("Sue@example.com");
    const MessageId last = accept("sue@example.com");
    const json::object document = report_.document();
    EXPECT_EQ(counts(document), "0 0 2");
    ASSERT_EQ(document.at("rows").as_array().size(), 1U);
    EXPECT_EQ(document.at("rows").at(0).at("message").as_string(), last.text());
}

TEST_F(CopiesReportTest, IgnoresMailWithoutCopies) {
    queue::LedgerEntry line;
    line.kind = LedgerKind::accepted;
    line.recipient.message = MessageId{++last_ << 22};
    line.recipients.push_back({"joe@example.com", "example.com", "default"});
    report_.on_line(line);
    answer({line.recipient.message, 0}, LedgerKind::delivered);
    EXPECT_EQ(counts(report_.document()), "0 0 0");
}

}  // namespace
}  // namespace siding::control
