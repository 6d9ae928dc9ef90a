#include "cli/queue_source.hpp"

#include "cli/document.hpp"
#include "queue/rocks_store.hpp"
#include "tests/cutover/mail.hpp"
#include "tests/support/temp_directory.hpp"

#include <gtest/gtest.h>

namespace siding::cli {
namespace {

constexpr MessageId first{1};
constexpr MessageId second{2};

class StoppedQueueTest : public testing::Test {
protected:
    StoppedQueueTest() {
        const auto store = queue::open_store(directory / "queue", test::noon).value();
        test::apply(*store, test::make_mail(first, {"joe@a.example", "kim@b.example"}, "one\r\n"));
        test::apply(*store, test::make_mail(second, {"joe@a.example"}, "two\r\n"));
        test::deliver(*store, {first, 1});
    }

    static std::string octets(QueueSource& source, MessageId message, TraceHeader trace_header) {
        std::string text;
        const auto read = source.read_octets(message, trace_header, [&](std::string_view part) {
            text += part;
            return Result<void>{};
        });
        EXPECT_TRUE(read.has_value());
        return text;
    }

    test::TempDirectory directory;
};

TEST_F(StoppedQueueTest, ReadsWithoutADaemon) {
    const auto source = open_store_source(directory.path()).value();
    std::vector<std::string> ids;
    const auto take = [&](const boost::json::object& row) -> Result<void> {
        ids.push_back(text_at(row, "id"));
        return {};
    };
    queue::Filter filter;
    filter.domain = Domain::parse("a.example").value();
    ASSERT_TRUE(for_each_row(*source, filter, take).has_value());
    EXPECT_EQ(ids, (std::vector<std::string>{"0000000000001.0", "0000000000002.0"}));
    filter.limit = 1;
    ids.clear();
    ASSERT_TRUE(for_each_row(*source, filter, take).has_value());
    EXPECT_EQ(ids, std::vector<std::string>{"0000000000001.0"});

    const std::string trace = "Received: from mx.example.org\r\n";
    EXPECT_EQ(octets(*source, first, TraceHeader::with), trace + "one\r\n");
    EXPECT_EQ(octets(*source, second, TraceHeader::without), "two\r\n");

    const Document envelope = source->envelope(first).value();
    const auto& recipients = array_at(envelope.value, "recipients");
    ASSERT_EQ(recipients.size(), 2U);
    EXPECT_EQ(text_at(recipients[0].get_object(), "state"), "held");
    EXPECT_EQ(text_at(recipients[1].get_object(), "state"), "delivered");
    EXPECT_TRUE(source->envelope(MessageId{9}).error().is(Errc::not_found));
}

TEST_F(StoppedQueueTest, NoQueueIsSaid) {
    const auto source = open_store_source(directory / "elsewhere");
    ASSERT_TRUE(source.has_error());
    EXPECT_NE(source.error().message().find("elsewhere"), std::string::npos);
}

}  // namespace
}  // namespace siding::cli
