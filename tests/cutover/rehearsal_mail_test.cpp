#include "cutover/mail_files.hpp"
#include "cutover/sample_mail.hpp"
#include "tests/support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <set>

namespace siding::cutover {
namespace {

namespace fs = std::filesystem;

void write(const fs::path& file, std::string_view octets) {
    fs::create_directories(file.parent_path());
    std::ofstream{file, std::ios::binary} << octets;
}

std::vector<std::string> all(const fs::path& path) {
    const auto source = open_mail(path);
    EXPECT_TRUE(source) << source.error().message();
    std::vector<std::string> mails;
    for (std::size_t number = 0; source && number < (*source)->size(); ++number) {
        auto mail = (*source)->load(number);
        EXPECT_TRUE(mail);
        mails.push_back(std::move(mail->octets));
    }
    return mails;
}

using Mails = std::vector<std::string>;

TEST(ToCrlf, EndsEveryLine) {
    EXPECT_EQ(to_crlf("a\nb"), "a\r\nb\r\n");
    EXPECT_EQ(to_crlf("a\r\nb\r\n"), "a\r\nb\r\n");
    EXPECT_EQ(to_crlf("a\rb\n\n"), "a\rb\r\n\r\n");
    EXPECT_EQ(to_crlf("a\r"), "a\r\r\n");
    EXPECT_EQ(to_crlf(""), "");
}

TEST(UnquoteMbox, TakesOneMarkAway) {
    EXPECT_EQ(
        unquote_mbox(">From a\n>>From b\n> From c\n>Fromage\nFrom d\nx >From e"),
        "From a\n>From b\n> From c\n>Fromage\nFrom d\nx >From e"
    );
}

TEST(MailFiles, ReadsADirectory) {
    const test::TempDirectory directory;
    write(directory / "a.eml", "Subject: a\n\n>From here\n");
    write(directory.path() / "sub" / "b", "From ann@x Sat Nov 21 14:07:30 2026\nSubject: b\n\n");
    write(directory / "README", "Not a message.\n");
    write(directory / ".hidden", "Subject: no\n\n");
    write(directory / "empty", "");
    EXPECT_EQ(
        all(directory.path()), (Mails{"Subject: a\r\n\r\n>From here\r\n", "Subject: b\r\n\r\n"})
    );
}

TEST(MailFiles, ReadsAMaildir) {
    const test::TempDirectory directory;
    write(directory.path() / "cur" / "1:2,S", "Subject: seen\n\n");
    write(directory.path() / "new" / "2", "Subject: new\n\n");
    write(directory.path() / "tmp" / "3", "Subject: unfinished\n\n");
    EXPECT_EQ(all(directory.path()), (Mails{"Subject: seen\r\n\r\n", "Subject: new\r\n\r\n"}));
}

TEST(MailFiles, SplitsAnMbox) {
    const test::TempDirectory directory;
    write(
        directory / "mbox",
        "From ann@x Sat Nov 21 14:07:30 2026\nSubject: a\n\nfirst\n>From quoted\nFrom inside\n\n"
        "From bob@x Sat Nov 21 14:07:31 2026\nSubject: b\n\nsecond\n\n\n"
        "From eve@x Sat Nov 21 14:07:32 2026\nSubject: c\n\nno newline"
    );
    EXPECT_EQ(
        all(directory / "mbox"),
        (Mails{
            "Subject: a\r\n\r\nfirst\r\nFrom quoted\r\nFrom inside\r\n",
            "Subject: b\r\n\r\nsecond\r\n\r\n",
            "Subject: c\r\n\r\nno newline\r\n",
        })
    );
}

TEST(MailFiles, ReadsOneMessage) {
    const test::TempDirectory directory;
    write(directory / "one.eml", "Subject: one\r\n\r\n");
    EXPECT_EQ(all(directory / "one.eml"), (Mails{"Subject: one\r\n\r\n"}));
}

TEST(MailFiles, RefusesWhatHoldsNoMail) {
    const test::TempDirectory directory;
    write(directory / "README", "Not a message.\n");
    for (const char* name : {"README", "absent", "."}) {
        const auto opened = open_mail(directory / name);
        ASSERT_FALSE(opened) << name;
        EXPECT_TRUE(opened.error().is(Errc::invalid_argument));
    }
}

TEST(SampleMail, IsTheSameEachTimeAndFitForTheWire) {
    const SampleMail sample{500};
    std::set<std::string> seen;
    std::uint64_t octets_max = 0;
    std::size_t with_long_line = 0;
    for (std::size_t number = 0; number < sample.size(); ++number) {
        const auto mail = sample.load(number);
        ASSERT_TRUE(mail);
        EXPECT_EQ(mail->octets, sample.load(number)->octets);
        EXPECT_EQ(mail->octets, to_crlf(mail->octets));
        EXPECT_GE(mail->recipients, 1U);
        octets_max = std::max<std::uint64_t>(octets_max, mail->octets.size());
        with_long_line += mail->octets.find(".siding.") != std::string::npos ? 1 : 0;
        seen.insert(mail->octets);
    }
    EXPECT_EQ(seen.size(), 496U);  // five have no octet at all
    EXPECT_GT(octets_max, 5U << 20);
    EXPECT_LE(octets_max, sample.octets_max());
    EXPECT_EQ(with_long_line, 50U);
}

}  // namespace
}  // namespace siding::cutover
