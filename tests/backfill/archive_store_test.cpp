// The archive on disk: each message once, whole, there again after opening; what a crash leaves is
// cut, what the disk changes is named.
#include "backfill/archive_store.hpp"

#include "backfill/archive_scrub.hpp"
#include "backfill/archive_verify.hpp"
#include "tests/support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <random>

namespace siding::backfill {
namespace {

namespace fs = std::filesystem;
using namespace std::literals;

std::string noise(std::size_t octets, unsigned seed) {
    std::mt19937 draw{seed};
    std::string text(octets, '\0');
    for (char& each : text) {
        each = static_cast<char>(draw() % 200);
    }
    return text;
}

ArchiveStore::Incoming incoming(std::uint64_t uid, const std::string& octets) {
    ArchiveEntry entry;
    entry.uid = uid;
    entry.sha256 = sha256(octets);
    entry.octets = octets.size();
    entry.internal_date = " 1-Feb-2024 10:00:00 +0100";
    entry.flags = {"\\Seen"};
    return {entry, [octets](const OctetSink& sink) -> Result<void> {
                const std::string_view all{octets};
                SIDING_TRY(sink(all.substr(0, all.size() / 3)));
                return sink(all.substr(all.size() / 3));
            }};
}

class ArchiveStoreTest : public ::testing::Test {
protected:
    void SetUp() override { reopen(); }

    void reopen() {
        store_.reset();
        store_ = ArchiveStore::open_to_write(root_).value();
    }
    std::uint32_t mailbox(const std::string& name = "INBOX", const std::string& validity = "1") {
        ArchiveMailbox mailbox;
        mailbox.account = "ann";
        mailbox.name = name;
        mailbox.uid_validity = validity;
        return store_->put(mailbox).value();
    }
    std::size_t add(std::uint32_t number, const std::vector<ArchiveStore::Incoming>& messages) {
        ArchivedMessages archived = store_->messages(number).value();
        return store_->add(archived, messages).value();
    }
    std::string read(const Digest& sha) {
        std::string octets;
        EXPECT_TRUE(store_->read(sha, [&octets](std::string_view part) -> Result<void> {
            octets += part;
            return {};
        }));
        return octets;
    }
    std::vector<ArchiveProblem> problems() {
        std::vector<ArchiveProblem> found;
        const auto reader = ArchiveStore::open(root_).value();
        tally_ = verify_archive(
                     *reader,
                     [&found](const ArchiveProblem& problem) { found.push_back(problem); },
                     [](const ArchiveTally&) {}
        ).value();
        return found;
    }
    void change(const fs::path& file, std::uint64_t at) {
        std::fstream stream{root_ / file, std::ios::in | std::ios::out | std::ios::binary};
        stream.seekg(static_cast<std::streamoff>(at));
        const int octet = stream.get();
        stream.seekp(static_cast<std::streamoff>(at));
        stream.put(static_cast<char>(octet ^ 1));
        ASSERT_TRUE(stream.good());
    }
    void append(const fs::path& file, const std::string& octets) {
        std::ofstream{root_ / file, std::ios::app | std::ios::binary} << octets;
    }
    std::uint64_t size_of(const fs::path& file) { return fs::file_size(root_ / file); }

    test::TempDirectory directory_{test::fast_directory()};
    fs::path root_ = directory_ / "archive";
    std::unique_ptr<ArchiveStore> store_;
    ArchiveTally tally_;
};

TEST_F(ArchiveStoreTest, holds_small_and_large_messages_and_none_twice) {
    const std::string small = noise(10'000, 1);
    const std::string large = noise(30'000'000, 2);
    const std::string nothing;
    const auto inbox = mailbox();
    EXPECT_EQ(add(inbox, {incoming(1, small), incoming(2, large), incoming(3, small)}), 2U);
    EXPECT_EQ(add(mailbox("Sent"), {incoming(9, small), incoming(10, nothing)}), 1U);
    reopen();
    EXPECT_EQ(add(inbox, {incoming(4, large)}), 0U);
    EXPECT_EQ(read(sha256(small)), small);
    EXPECT_EQ(read(sha256(nothing)), nothing);
    EXPECT_TRUE(read(sha256(large)) == large);
    EXPECT_EQ(problems().size(), 0U);
    EXPECT_EQ(tally_.messages, 3U);
    EXPECT_EQ(tally_.entries, 6U);
}

TEST_F(ArchiveStoreTest, remembers_entries_flags_and_what_is_gone) {
    const auto inbox = mailbox();
    add(inbox, {incoming(3, "c"), incoming(1, "a"), incoming(2, "b")});
    {
        ArchivedMessages messages = store_->messages(inbox).value();
        ASSERT_TRUE(messages.append({ArchiveFlags{2, {"Work"}}, ArchiveGone{"3"}}));
        EXPECT_EQ(messages.flags_of(2), std::vector{"Work"s});
    }
    reopen();
    const ArchivedMessages messages = store_->messages(inbox).value();
    EXPECT_EQ(messages.uids().text(), "1:3");
    EXPECT_EQ(messages.gone().text(), "3");
    EXPECT_EQ(messages.entry(1)->flags, std::vector{"\\Seen"s});
    EXPECT_EQ(messages.entry(2)->flags, std::vector{"Work"s});
    EXPECT_EQ(messages.entry(2)->sha256, sha256("b"));
    EXPECT_TRUE(messages.entry(4).error().is(Errc::not_found));
}

TEST_F(ArchiveStoreTest, the_uidvalidity_that_came_last_is_the_latest) {
    EXPECT_EQ(mailbox("INBOX", "1"), 1U);
    EXPECT_EQ(mailbox("INBOX", "2"), 2U);
    EXPECT_FALSE(store_->mailboxes()[0].is_latest);
    EXPECT_TRUE(store_->mailboxes()[1].is_latest);
    EXPECT_EQ(mailbox("INBOX", "1"), 1U);
    reopen();
    EXPECT_TRUE(store_->mailboxes()[0].is_latest);
    EXPECT_FALSE(store_->mailboxes()[1].is_latest);
}

TEST_F(ArchiveStoreTest, what_a_crash_leaves_behind_is_cut) {
    const auto inbox = mailbox();
    add(inbox, {incoming(1, "one")});
    const std::vector<std::string> files{
        "packs/000001.pack", "messages.index", "mailboxes.index", "mailboxes/000001.index"};
    std::vector<std::uint64_t> sizes;
    for (const std::string& file : files) {
        sizes.push_back(size_of(file));
        append(file, format_record(ArchiveGone{"1:1000"}).substr(0, 20));
    }
    reopen();
    add(inbox, {});
    for (std::size_t at = 1; at < files.size(); ++at) {
        EXPECT_EQ(size_of(files[at]), sizes[at]) << files[at];
    }
    add(inbox, {incoming(2, "two")});
    EXPECT_EQ(read(sha256("one")), "one");
    EXPECT_EQ(read(sha256("two")), "two");
    EXPECT_EQ(problems().size(), 0U);
    EXPECT_EQ(tally_.entries, 2U);
}

// Whatever is missing of what was written last, what is named is there.
TEST_F(ArchiveStoreTest, cut_at_every_octet_an_index_names_only_what_is_there) {
    const auto inbox = mailbox();
    add(inbox, {incoming(1, "one")});
    const std::uint64_t before = size_of("mailboxes/000001.index");
    add(inbox, {incoming(2, "two")});
    for (std::uint64_t end = size_of("mailboxes/000001.index") - 1; end >= before; --end) {
        store_.reset();
        fs::resize_file(root_ / "mailboxes/000001.index", end);
        reopen();
        EXPECT_EQ(store_->messages(inbox)->uids().text(), "1") << end;
        EXPECT_EQ(size_of("mailboxes/000001.index"), before);
    }
    EXPECT_EQ(add(inbox, {incoming(2, "two")}), 0U) << "its octets were there";
    EXPECT_EQ(problems().size(), 0U);
}

TEST_F(ArchiveStoreTest, verification_names_what_the_disk_has_changed) {
    add(mailbox(), {incoming(1, noise(3000, 1)), incoming(2, noise(3000, 2))});
    add(mailbox("Sent"), {incoming(7, noise(3000, 2))});
    EXPECT_EQ(problems().size(), 0U);
    change("packs/000001.pack", size_of("packs/000001.pack") - 200);
    const auto found = problems();
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].mailbox, "INBOX");
    EXPECT_EQ(found[0].uid, 2U);
    EXPECT_EQ(found[1].mailbox, "Sent");
    EXPECT_EQ(found[1].uid, 7U);
    EXPECT_EQ(tally_.problems, 2U);
}

// A few bits of a zstd frame mean nothing: then the octets are still the right ones.
TEST_F(ArchiveStoreTest, no_changed_octet_of_a_pack_goes_unseen) {
    const std::string text = "Subject: one\r\n\r\nSome words, some words, some words.\r\n";
    add(mailbox(), {incoming(1, text)});
    for (std::uint64_t at = 0; at < size_of("packs/000001.pack"); ++at) {
        change("packs/000001.pack", at);
        if (problems().empty()) {
            EXPECT_EQ(read(sha256(text)), text) << at;
        } else {
            EXPECT_EQ(tally_.problems, 1U) << at;
        }
        change("packs/000001.pack", at);
    }
    EXPECT_EQ(problems().size(), 0U);
}

TEST_F(ArchiveStoreTest, a_damaged_index_costs_only_what_it_named_and_that_is_taken_again) {
    const auto inbox = mailbox();
    add(inbox, {incoming(1, "one"), incoming(2, "two"), incoming(3, "three")});
    change("messages.index", 30);
    const auto found = problems();
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[1].uid, 1U);
    reopen();
    EXPECT_EQ(store_->messages(inbox)->uids().text(), "2:3");
    EXPECT_EQ(store_->messages(inbox)->lost().text(), "1");
    EXPECT_EQ(add(inbox, {incoming(1, "one")}), 1U);
    reopen();
    EXPECT_EQ(store_->messages(inbox)->uids().text(), "1:3");
    EXPECT_TRUE(store_->messages(inbox)->lost().empty());
    EXPECT_EQ(read(sha256("one")), "one");
}

TEST_F(ArchiveStoreTest, octets_that_are_not_those_of_the_digest_are_not_taken) {
    const auto inbox = mailbox();
    auto wrong = incoming(1, "one");
    wrong.entry.sha256 = sha256("two");
    ArchivedMessages messages = store_->messages(inbox).value();
    EXPECT_TRUE(store_->add(messages, {wrong}).error().is(Errc::corrupt));
    EXPECT_TRUE(store_->add(messages, {incoming(2, "x")}).has_error()) << "nothing more is taken";
    reopen();
    EXPECT_TRUE(store_->messages(inbox)->uids().empty());
    EXPECT_EQ(add(inbox, {incoming(2, "x")}), 1U);
    EXPECT_EQ(problems().size(), 0U);
}

TEST_F(ArchiveStoreTest, what_has_rotted_is_missing_until_it_comes_in_again) {
    const auto inbox = mailbox();
    const std::string one = noise(20'000, 1);
    const std::string two = noise(20'000, 2);
    add(inbox, {incoming(1, one), incoming(2, two)});
    change("packs/000001.pack", 5'000);
    reopen();
    EXPECT_EQ(store_->messages(inbox)->uids().text(), "1:2") << "nobody has looked";
    const auto tally = scrub_archive(*store_, 1'000'000).value();
    EXPECT_EQ(tally.messages, 2U);
    EXPECT_EQ(tally.broken, 1U);
    EXPECT_EQ(store_->messages(inbox)->uids().text(), "2");
    EXPECT_EQ(store_->messages(inbox)->lost().text(), "1");
    EXPECT_EQ(scrub_archive(*store_, 1'000'000)->messages, 0U) << "once is enough";
    EXPECT_EQ(add(inbox, {incoming(1, one)}), 1U);
    reopen();
    EXPECT_EQ(scrub_archive(*store_, 1'000'000)->broken, 0U);
    EXPECT_EQ(read(sha256(one)), one);
    EXPECT_EQ(problems().size(), 0U);
}

TEST_F(ArchiveStoreTest, a_large_archive_is_read_back_in_parts) {
    const auto inbox = mailbox();
    std::vector<ArchiveStore::Incoming> all;
    for (unsigned uid = 1; uid <= 10; ++uid) {
        all.push_back(incoming(uid, noise(10'000, uid)));
    }
    add(inbox, all);
    std::uint64_t messages = 0;
    for (int part = 0; part < 4; ++part) {
        reopen();
        const auto tally = scrub_archive(*store_, 28'000).value();
        EXPECT_LT(tally.messages, 5U);
        messages += tally.messages;
    }
    EXPECT_GE(messages, 10U);
    EXPECT_EQ(problems().size(), 0U);
}

TEST_F(ArchiveStoreTest, keeps_the_words_of_who_has_refused_a_message) {
    const auto inbox = mailbox();
    add(inbox, {incoming(1, "a"), incoming(2, "b")});
    {
        ArchivedMessages messages = store_->messages(inbox).value();
        ASSERT_TRUE(messages.append({ArchiveRefused{2, "contains NUL", WallTime{}}}));
        EXPECT_EQ(messages.words_of(2), "contains NUL");
    }
    reopen();
    const ArchivedMessages messages = store_->messages(inbox).value();
    EXPECT_EQ(messages.words_of(2), "contains NUL");
    EXPECT_EQ(messages.words_of(1), "");
    EXPECT_EQ(messages.uids().text(), "1:2");
    EXPECT_EQ(problems().size(), 0U);
}

TEST_F(ArchiveStoreTest, only_one_writes) {
    EXPECT_TRUE(ArchiveStore::open_to_write(root_).error().is(Errc::conflict));
    EXPECT_TRUE(ArchiveStore::open(root_));
    EXPECT_TRUE(ArchiveStore::open(root_ / "none").error().is(Errc::not_found));
}

}  // namespace
}  // namespace siding::backfill
