// A process that records is killed at any moment: what it was told to be on disk is there, batches
// are there whole or not at all, and indices and totals fit the rows.
#include "tests/backfill/ledger_fixture.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace siding::backfill {
namespace {

using test::make_row;

constexpr std::uint64_t batch_rows = 16;
constexpr const char* directory_variable = "SIDING_TEST_LEDGER";

// Intents, then what became of them, one octet to standard output for each batch on disk. UIDs go
// on where a killed one stopped.
void write_batches(Ledger& ledger, std::uint64_t batches_max) {
    const AccountId account = ledger.account("ann").value().id;
    MailboxRecord inbox = ledger.mailbox(account, "INBOX").value();
    for (std::uint64_t i = 0; i < batches_max; ++i) {
        const std::uint64_t first = std::max<std::uint64_t>(inbox.copied_below, 1);
        for (const CopyState state : {CopyState::intent, CopyState::copied}) {
            std::vector<CopyRecord> rows;
            for (std::uint64_t uid = first; uid < first + batch_rows; ++uid) {
                rows.push_back(make_row(uid, state));
            }
            inbox.copied_below = state == CopyState::copied ? first + batch_rows : first;
            if (!ledger.record(account, inbox, rows)) {
                return;
            }
            const char acked = '\1';
            if (::write(STDOUT_FILENO, &acked, 1) != 1) {
                return;
            }
        }
    }
}

TEST(LedgerCrashTest, DISABLED_WritesUntilItIsKilled) {
    const char* const directory = std::getenv(directory_variable);
    ASSERT_NE(directory, nullptr) << "the other tests here start this one";
    const auto ledger = Ledger::open(directory).value();
    write_batches(*ledger, 1'000'000);
}

TEST(LedgerCrashTest, DISABLED_FindsTheDiskFull) {
    const char* const directory = std::getenv(directory_variable);
    ASSERT_NE(directory, nullptr) << "the other tests here start this one";
    std::signal(SIGXFSZ, SIG_IGN);
    const auto ledger = Ledger::open(directory).value();
    const AccountId account = ledger->account("ann").value().id;
    const rlimit room{256 * 1024, 256 * 1024};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &room), 0);
    write_batches(*ledger, 10'000);
    EXPECT_TRUE(ledger->failed());
    const auto put = ledger->put_value(account, "a", "b");
    ASSERT_FALSE(put);
    EXPECT_TRUE(put.error().is(Errc::storage_failure));
    EXPECT_TRUE(ledger->account("ann"));
}

// This program again, as the writer, with its standard output in a pipe.
class Writer {
public:
    Writer(const std::filesystem::path& directory, const std::string& test) {
        std::array<int, 2> ends{};
        EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
        std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
        std::string filter = "--gtest_filter=*DISABLED_" + test;
        std::string disabled = "--gtest_also_run_disabled_tests";
        std::string brief = "--gtest_brief=1";
        std::string variable = fmt::format("{}={}", directory_variable, directory.string());
        std::array<char*, 5> arguments{
            program.data(), filter.data(), disabled.data(), brief.data(), nullptr};
        std::array<char*, 2> environment{variable.data(), nullptr};
        EXPECT_EQ(
            ::posix_spawn(
                &process_, program.c_str(), &actions, nullptr, arguments.data(), environment.data()
            ),
            0
        );
        posix_spawn_file_actions_destroy(&actions);
        ::close(ends[1]);
        output_ = ends[0];
    }
    ~Writer() { ::close(output_); }
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    // Batches that were on disk when it died; it is killed once it has told of `batches`, and so
    // somewhere in the work on the next ones.
    std::uint64_t kill_after(std::uint64_t batches) {
        std::uint64_t acked = read_acks(batches);
        ::kill(process_, SIGKILL);
        acked += read_acks(~0ULL);
        int status = 0;
        ::waitpid(process_, &status, 0);
        EXPECT_TRUE(WIFSIGNALED(status));
        return acked;
    }

    // Batches that were on disk when it ended, well.
    std::uint64_t wait() {
        const std::uint64_t acked = read_acks(~0ULL);
        int status = 0;
        ::waitpid(process_, &status, 0);
        EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        return acked;
    }

private:
    std::uint64_t read_acks(std::uint64_t wanted) {
        std::uint64_t acks = 0;
        char octet = 0;
        while (acks < wanted && ::read(output_, &octet, 1) == 1) {
            acks += octet == '\1' ? 1 : 0;
        }
        return acks;
    }

    pid_t process_ = 0;
    int output_ = -1;
};

void expect_in_step(const Ledger& ledger, AccountId account, const MailboxRecord& inbox) {
    MailboxTotals counted;
    std::vector<CopyRecord> intents;
    for (std::uint64_t from = 1; from != 0;) {
        const LedgerPage page = ledger.list(account, inbox, from, 100).value();
        for (const CopyRecord& row : page.rows) {
            ASSERT_EQ(row, make_row(row.uid, row.state));
            counted.messages[row.state] += 1;
            if (row.state == CopyState::copied) {
                counted.copied_octets += row.octets;
                const auto found =
                    ledger.find_by_destination(account, inbox, row.destination_uid).value();
                ASSERT_EQ(found, row);
                ASSERT_EQ(ledger.twins(account, row.digests.raw, 9).value().size(), 1U);
            } else {
                intents.push_back(row);
            }
        }
        from = page.next_uid;
    }
    const MailboxTotals totals = ledger.totals(account, inbox).value();
    EXPECT_EQ(totals.messages, counted.messages);
    EXPECT_EQ(totals.copied_octets, counted.copied_octets);
    EXPECT_EQ(ledger.intents(account, inbox).value(), intents);
}

TEST(LedgerCrashTest, WhatWasAcknowledgedIsThereAfterAKill) {
    const siding::test::TempDirectory directory{siding::test::fast_directory()};
    std::uint64_t batches_before = 0;
    for (std::uint64_t round = 0; round < 12; ++round) {
        Writer writer{directory.path(), "WritesUntilItIsKilled"};
        const std::uint64_t acked = writer.kill_after(1 + round * 3);
        const auto ledger = Ledger::open(directory.path()).value();
        const AccountId account = ledger->account("ann").value().id;
        const MailboxRecord inbox = ledger->mailbox(account, "INBOX").value();
        const MailboxTotals totals = ledger->totals(account, inbox).value();
        const auto rows_in = [&](CopyState state) {
            const auto found = totals.messages.find(state);
            return found == totals.messages.end() ? 0 : found->second;
        };
        const std::uint64_t copied = rows_in(CopyState::copied);
        const std::uint64_t intents = rows_in(CopyState::intent);
        ASSERT_EQ(copied % batch_rows, 0U);
        ASSERT_TRUE(intents == 0 || intents == batch_rows) << intents;
        ASSERT_EQ(inbox.copied_below, copied == 0 ? 1 : copied + 1);
        // The intents of a round may be those of the one before, told twice.
        const std::uint64_t batches = 2 * (copied / batch_rows) + intents / batch_rows;
        ASSERT_GE(batches + batches_before % 2, batches_before + acked);
        batches_before = batches;
        expect_in_step(*ledger, account, inbox);
    }
    EXPECT_GT(batches_before, 100U);
}

TEST(LedgerCrashTest, AfterAFailedWriteEveryOtherIsRefused) {
    const siding::test::TempDirectory directory{siding::test::fast_directory()};
    const std::uint64_t acked = Writer{directory.path(), "FindsTheDiskFull"}.wait();
    EXPECT_GT(acked, 2U);
    // What had been recorded before is there.
    const auto ledger = Ledger::open(directory.path()).value();
    const AccountId account = ledger->account("ann").value().id;
    const MailboxRecord inbox = ledger->mailbox(account, "INBOX").value();
    EXPECT_GE(inbox.copied_below, 1 + acked / 2 * batch_rows);
    expect_in_step(*ledger, account, inbox);
}

}  // namespace
}  // namespace siding::backfill
