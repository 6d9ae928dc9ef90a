// A manifest says what the ledger says, and whoever changes a line of it is found out, by line.
#include "backfill/manifest.hpp"

#include "backfill/manifest_check.hpp"
#include "backfill/manifest_key.hpp"
#include "base/bytes.hpp"
#include "tests/backfill/ledger_fixture.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

namespace siding::backfill {
namespace {

using test::make_row;

class ManifestTest : public test::LedgerTest {
protected:
    void SetUp() override {
        test::LedgerTest::SetUp();
        std::vector<CopyRecord> rows;
        for (std::uint64_t uid = 1; uid <= 1100; ++uid) {  // more than a page
            CopyRecord row = make_row(uid, CopyState::copied);
            row.verdict = "exact";
            row.verified_pass = 2;
            rows.push_back(std::move(row));
        }
        rows[1].verdict.clear();
        rows[1].verified_pass = 0;
        rows[2].state = CopyState::refused;
        rows[2].words = "NO\ttoo \\x09big";
        rows[3].is_gone_at_source = true;
        inbox_.destination = "INBOX";
        record(rows);
        const std::vector<std::string> names{"Gr\xC3\xBC\xC3\x9F/100%\t\xFF", "end-of-messages: 5"};
        for (const std::string& name : names) {
            MailboxRecord odd = ledger_->mailbox(account_, name).value();
            odd.destination = name;
            const std::vector<CopyRecord> one{make_row(7, CopyState::copied)};
            ASSERT_TRUE(ledger_->record(account_, odd, one));
        }
    }

    ManifestWriter make() {
        AccountRecord account = ledger_->account("ann").value();
        account.pass = 3;
        ManifestWriter::Head head{
            "ann", "old.example:993 as ann", "new.example:993 as ann", "0.1.0", WallTime{}};
        return {*ledger_, account, head, SigningKey::parse(pem_).value()};
    }
    std::string text() {
        ManifestWriter writer = make();
        EXPECT_TRUE(writer.survey());
        std::string out;
        for (;;) {
            auto piece = writer.next();
            EXPECT_TRUE(piece) << piece.error().message();
            if (!piece || !*piece) {
                return out;
            }
            out += **piece;
        }
    }
    static std::vector<std::string> lines_of(const std::string& text) {
        std::vector<std::string> lines;
        for (std::size_t at = 0; at < text.size();) {
            const auto end = text.find('\n', at);
            const auto next = end == std::string::npos ? text.size() : end + 1;
            lines.push_back(text.substr(at, next - at));
            at = next;
        }
        return lines;
    }
    static ManifestFindings check(
        const std::vector<std::string>& lines, std::optional<PublicKey> key = std::nullopt
    ) {
        ManifestReader reader{std::move(key)};
        for (const std::string& line : lines) {
            reader.take(line);
        }
        return reader.finish();
    }
    static bool names(const ManifestFindings& found, std::size_t line) {
        return std::ranges::any_of(found.problems, [line](const std::string& problem) {
            return problem.starts_with(fmt::format("line {}: ", line)) ||
                   problem.starts_with("lines 1 to ");
        });
    }

    std::string pem_ = SigningKey::make().pem();
};

TEST_F(ManifestTest, SaysWhatTheLedgerSays) {
    Verification made;
    made.pass = 2;
    made.sample = "5%";
    made.seed = 42;
    made.messages = 1500;
    made.looked_at = made.effective = 75;
    made.extra["INBOX"] = 4;
    made.verdicts["not copied"] = 9;
    ASSERT_TRUE(keep_verification(*ledger_, account_, made));
    const std::string written = text();
    const auto lines = lines_of(written);
    const ManifestFindings found = check(lines);
    EXPECT_TRUE(found.is_good()) << found.problems.front();
    EXPECT_EQ(found.messages, 1102U);
    const std::map<std::string, std::uint64_t> totals{
        {"exact", 1098}, {"not compared", 3}, {"refused", 1}};
    EXPECT_EQ(found.totals, totals);
    EXPECT_EQ(found.header.at("account"), "ann");
    EXPECT_EQ(found.header.at("total exact"), "1098");
    EXPECT_EQ(found.header.at("expunged-at-source-since"), "1");
    EXPECT_EQ(found.notes.size(), 5U);
    EXPECT_NE(written.find("0 wrong of 75 sampled of 1500"), std::string::npos);
    const std::string hex = to_hex(sha256("message 1"));
    EXPECT_NE(
        written.find(
            "\t1\tINBOX\t-\t100001\t" + hex + "\t1001\t1-Feb-2024 10:00:00 +0100\texact\t2\t-\t"
        ),
        std::string::npos
    );
    EXPECT_NE(written.find("NO%09too \\x09big"), std::string::npos);
    EXPECT_NE(written.find("Gr%C3%BC%C3%9F/100%25%09%FF\t"), std::string::npos);
}

TEST_F(ManifestTest, EveryChangedLineIsNamed) {
    const auto lines = lines_of(text());
    ASSERT_TRUE(check(lines).is_good());
    for (std::size_t at = 0; at<lines.size(); at += at> 30 && at + 30 < lines.size() ? 101 : 1) {
        for (const std::size_t octet :
             {std::size_t{0}, lines[at].size() / 2, lines[at].size() - 2}) {
            auto changed = lines;
            char& c = changed[at][octet];
            c = c == 'x' ? 'y' : 'x';
            const ManifestFindings found = check(changed);
            EXPECT_FALSE(found.is_good()) << at << ": " << changed[at];
            EXPECT_TRUE(names(found, at + 1) || names(found, at + 2))
                << at << ": " << changed[at] << found.problems.front();
        }
        auto without = lines;
        without.erase(without.begin() + static_cast<std::ptrdiff_t>(at));
        EXPECT_FALSE(check(without).is_good()) << "without " << lines[at];
        auto twice = lines;
        twice.insert(twice.begin() + static_cast<std::ptrdiff_t>(at), lines[at]);
        EXPECT_FALSE(check(twice).is_good()) << "twice " << lines[at];
    }
    auto swapped = lines;
    std::swap(swapped[100], swapped[101]);
    EXPECT_TRUE(names(check(swapped), 101));
    auto more = lines;
    more.emplace_back("and more\n");
    EXPECT_TRUE(names(check(more), more.size()));
}

TEST_F(ManifestTest, ChecksMadeAnewDoNotHelp) {
    auto lines = lines_of(text());
    std::string header;
    std::string before;
    Sha256 digest;
    for (std::string& line : lines) {
        if (line.starts_with(manifest::digest_key)) {
            line = std::string{manifest::digest_key} + to_hex(digest.finish()) + "\n";
            break;
        }
        const auto tab = line.rfind('\t');
        if (line.starts_with(manifest::header_check_key)) {
            before = manifest::check_of("", header);
        } else if (before.empty()) {
            header += line;
        } else if (tab != std::string::npos) {
            std::string fields = line.substr(0, tab);
            if (const auto refused = fields.find("\trefused\t"); refused != std::string::npos) {
                fields.replace(refused, 9, "\texact\t");
            }
            before = manifest::check_of(before, fields);
            line = fields + "\t" + before + "\n";
        }
        digest.update(line);
    }
    const ManifestFindings found = check(lines);
    ASSERT_FALSE(found.is_good());
    EXPECT_TRUE(names(found, lines.size())) << found.problems.front();  // the signature
}

TEST_F(ManifestTest, KeysDecide) {
    const auto lines = lines_of(text());
    const SigningKey key = SigningKey::parse(pem_).value();
    const ManifestFindings good = check(lines, key.public_key());
    EXPECT_TRUE(good.is_good());
    EXPECT_TRUE(good.is_key_given);
    EXPECT_EQ(good.signed_by, key.public_key().text());
    EXPECT_FALSE(check(lines, SigningKey::make().public_key()).is_good());
}

TEST_F(ManifestTest, OtherFilesAreNone) {
    EXPECT_FALSE(check({}).is_good());
    EXPECT_FALSE(check({"hello\n"}).is_good());
    auto crlf = lines_of(text());
    for (std::string& line : crlf) {
        line.insert(line.size() - 1, "\r");
    }
    EXPECT_FALSE(check(crlf).is_good());
    auto cut = lines_of(text());
    cut.resize(cut.size() - 2);
    EXPECT_FALSE(check(cut).is_good());
}

TEST_F(ManifestTest, AnAccountThatChangesGetsNone) {
    ManifestWriter writer = make();
    ASSERT_TRUE(writer.survey());
    ASSERT_TRUE(writer.next());
    record({make_row(5000, CopyState::copied)});
    Result<std::optional<std::string>> piece = writer.next();
    while (piece && *piece) {
        piece = writer.next();
    }
    ASSERT_FALSE(piece);
    EXPECT_TRUE(piece.error().is(Errc::conflict));
}

TEST(ManifestKey, IsMadeOnceAndKeptFromOthers) {
    namespace fs = std::filesystem;
    const siding::test::TempDirectory directory{siding::test::fast_directory()};
    const auto first = manifest_key(directory.path());
    ASSERT_TRUE(first) << first.error().message();
    const fs::path file = directory.path() / "manifest.key";
    EXPECT_EQ(fs::status(file).permissions(), fs::perms::owner_read | fs::perms::owner_write);
    EXPECT_EQ(manifest_key(directory.path())->public_key(), first->public_key());
    fs::permissions(file, fs::perms::others_read, fs::perm_options::add);
    EXPECT_TRUE(manifest_key(directory.path()).error().is(Errc::corrupt));
}

TEST(Verification, IsTextAndBack) {
    Verification made;
    made.began_at = WallTime{std::chrono::milliseconds{1'700'000'000'123}};
    made.ended_at = made.began_at + std::chrono::seconds{7};
    made.pass = 3;
    made.sample = "5%";
    made.seed = 4'000'000'000;
    made.messages = 12'000;
    made.looked_at = made.effective = 600;
    made.verdicts = {{"exact", 600}, {"not sampled", 11'400}};
    made.extra = {{"INBOX", 2}, {"a\nb\tc%", 1}};
    made.extras = {
        {"a\nb\tc%", 9, "1-Feb-2024 10:00:00 +0100", "Hello\tWorld"}, {"INBOX", 1, "", ""}};
    const auto again = parse_verification(format_verification(made));
    ASSERT_TRUE(again);
    EXPECT_EQ(*again, made);
    EXPECT_EQ(made.extra_count(), 3U);
    EXPECT_EQ(
        made.statement(),
        "0 wrong of 600 sampled of 12000: fewer than 0.50 % wrong with 95 % confidence"
    );
    made.wrong = 1;
    EXPECT_NE(made.statement().find("fewer than 0.79 %"), std::string::npos) << made.statement();
    EXPECT_EQ(Verification{}.statement(), "");
}

}  // namespace
}  // namespace siding::backfill
