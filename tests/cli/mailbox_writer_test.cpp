#include "cli/mailbox_writer.hpp"

#include "tests/support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <sys/stat.h>

namespace siding::cli {
namespace {

namespace fs = std::filesystem;

const std::string octets = "Subject: x\r\n\r\nFrom here\r\n>From there\r\n.dot\r\n\xe4\r\n";

std::string read(const fs::path& path) {
    std::ifstream file{path, std::ios::binary};
    EXPECT_TRUE(file) << path;
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::set<std::string> names_in(const fs::path& directory) {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator{directory}) {
        names.insert(entry.path().filename().string());
    }
    return names;
}

ExportedMessage message(std::uint64_t number, std::string sender = "joe@example.com") {
    return {
        .id = MessageId{number},
        .received_at = parse_time("2026-11-21T14:07:30Z").value(),
        .sender = std::move(sender),
        .envelope_document = R"({"id":"x"})",
    };
}

// In pieces of one octet: nothing may depend on where the store cuts.
MailboxWriter::Producer produce(std::string text) {
    return [text = std::move(text)](const MailboxWriter::Sink& sink) -> Result<void> {
        for (const char& c : text) {
            SIDING_TRY(sink({&c, 1}));
        }
        return {};
    };
}

Result<void> fail_midway(const MailboxWriter::Sink& sink) {
    SIDING_TRY(sink("Subject: half"));
    return Error{Errc::corrupt, "cannot read on"};
}

class MailboxWriterTest : public testing::Test {
protected:
    std::unique_ptr<MailboxWriter> make(MailboxFormat format) {
        auto writer = MailboxWriter::create(format, directory / "out");
        EXPECT_TRUE(writer.has_value()) << writer.error().message();
        return std::move(*writer);
    }

    test::TempDirectory directory;
};

TEST_F(MailboxWriterTest, EmlKeepsEveryOctet) {
    const auto writer = make(MailboxFormat::eml);
    ASSERT_TRUE(writer->add(message(1), produce(octets)).has_value());
    ASSERT_TRUE(writer->add(message(2), produce("")).has_value());
    ASSERT_TRUE(writer->finish().has_value());
    const fs::path out = directory / "out";
    EXPECT_EQ(
        names_in(out),
        (std::set<std::string>{
            "0000000000001.eml", "0000000000001.json", "0000000000002.eml", "0000000000002.json"})
    );
    EXPECT_EQ(read(out / "0000000000001.eml"), octets);
    EXPECT_EQ(read(out / "0000000000001.json"), "{\"id\":\"x\"}\n");
}

TEST_F(MailboxWriterTest, MaildirKeepsEveryOctet) {
    const auto writer = make(MailboxFormat::maildir);
    ASSERT_TRUE(writer->add(message(1), produce(octets)).has_value());
    ASSERT_TRUE(writer->finish().has_value());
    const fs::path out = directory / "out";
    EXPECT_EQ(names_in(out), (std::set<std::string>{"cur", "new", "tmp"}));
    EXPECT_EQ(names_in(out / "new"), std::set<std::string>{"1795270050.0000000000001.siding"});
    EXPECT_EQ(read(out / "new" / "1795270050.0000000000001.siding"), octets);
    EXPECT_TRUE(names_in(out / "tmp").empty());
}

TEST_F(MailboxWriterTest, MaildirHasFlagsAndTimesWhereTheyAreKnown) {
    const auto writer = make(MailboxFormat::maildir);
    ExportedMessage seen = message(1);
    seen.name = "17.4";
    seen.maildir_flags = "FS";
    ASSERT_TRUE(writer->add(seen, produce(octets)));
    ASSERT_TRUE(writer->finish());
    const fs::path file = directory / "out" / "cur" / "1795270050.17.4.siding:2,FS";
    EXPECT_EQ(read(file), octets);
    struct stat state {};
    ASSERT_EQ(::stat(file.c_str(), &state), 0);
    EXPECT_EQ(state.st_mtime, 1795270050);
    EXPECT_TRUE(names_in(directory / "out" / "new").empty());
}

TEST_F(MailboxWriterTest, MboxQuotes) {
    const auto writer = make(MailboxFormat::mbox);
    ASSERT_TRUE(writer->add(message(1), produce(octets)).has_value());
    ASSERT_TRUE(writer->add(message(2, ""), produce("b")).has_value());
    EXPECT_FALSE(fs::exists(directory / "out/siding.mbox")) << "only when it is whole";
    ASSERT_TRUE(writer->finish().has_value());
    EXPECT_EQ(
        read(directory / "out/siding.mbox"),
        "From joe@example.com Sat Nov 21 14:07:30 2026\n"
        "Subject: x\n\n>From here\n>>From there\n.dot\n\xe4\n\n"
        "From MAILER-DAEMON Sat Nov 21 14:07:30 2026\n"
        "b\n\n"
    );
    EXPECT_EQ(names_in(directory / "out"), std::set<std::string>{"siding.mbox"});
}

TEST_F(MailboxWriterTest, NothingIsOverwritten) {
    for (const auto format : {MailboxFormat::eml, MailboxFormat::maildir}) {
        ASSERT_TRUE(make(format)->add(message(1), produce(octets)).has_value());
        const auto again = make(format)->add(message(1), produce("other"));
        ASSERT_TRUE(again.has_error());
        EXPECT_TRUE(again.error().is(Errc::already_exists)) << again.error().message();
    }
    EXPECT_EQ(read(directory / "out/0000000000001.eml"), octets);
    EXPECT_EQ(read(directory / "out/new/1795270050.0000000000001.siding"), octets);

    ASSERT_TRUE(make(MailboxFormat::mbox)->finish().has_value());
    const auto mbox = MailboxWriter::create(MailboxFormat::mbox, directory / "out");
    ASSERT_TRUE(mbox.has_error());
    EXPECT_TRUE(mbox.error().is(Errc::already_exists));
}

TEST_F(MailboxWriterTest, WhatCannotBeReadLeavesNothingBehind) {
    EXPECT_TRUE(make(MailboxFormat::eml)->add(message(1), fail_midway).has_error());
    EXPECT_TRUE(names_in(directory / "out").empty());
    EXPECT_TRUE(make(MailboxFormat::maildir)->add(message(1), fail_midway).has_error());
    EXPECT_TRUE(names_in(directory / "out/new").empty());
    EXPECT_TRUE(names_in(directory / "out/tmp").empty());

    const auto mbox = make(MailboxFormat::mbox);
    ASSERT_TRUE(mbox->add(message(1), produce("a\r\n")).has_value());
    EXPECT_TRUE(mbox->add(message(2), fail_midway).has_error());
    ASSERT_TRUE(mbox->add(message(3), produce("c\r\n")).has_value());
    ASSERT_TRUE(mbox->finish().has_value());
    const std::string from = "From joe@example.com Sat Nov 21 14:07:30 2026\n";
    EXPECT_EQ(read(directory / "out/siding.mbox"), from + "a\n\n" + from + "c\n\n");
}

}  // namespace
}  // namespace siding::cli
