// The backfill's ledger with a million messages in one mailbox, and its digests: what a batch
// costs, what the disk and the memory hold, what an open and a walk take. One figure a line, "name
// value".
//
//   backfill_ledger DIRECTORY ROWS
#include "backfill/digests.hpp"
#include "backfill/ledger.hpp"
#include "backfill/limits.hpp"
#include "backfill/match.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace {

using namespace siding;
using namespace siding::backfill;

class Watch {
public:
    double seconds() const {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
    }

private:
    std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

void print(const char* name, double value) {
    std::printf("%s %.3f\n", name, value);
    std::fflush(stdout);
}

double rss_mib(const std::string& what) {
    std::ifstream status{"/proc/self/status"};
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with(what)) {
            return std::strtod(line.c_str() + what.size(), nullptr) / 1024;
        }
    }
    return 0;
}

double disk_mib(const std::filesystem::path& directory) {
    double octets = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{directory}) {
        octets += entry.is_regular_file() ? static_cast<double>(entry.file_size()) : 0;
    }
    return octets / (1024 * 1024);
}

template <typename T>
T must(Result<T> result) {
    if (!result) {
        std::fprintf(stderr, "%s\n", result.error().message().c_str());
        std::exit(1);
    }
    if constexpr (!std::is_void_v<T>) {
        return std::move(*result);
    }
}

CopyRecord make_row(std::uint64_t uid, CopyState state) {
    const std::string text = std::to_string(uid);
    CopyRecord row;
    row.uid = uid;
    row.state = state;
    row.digests = {sha256(text), sha256(text + "c"), sha256(text + "h"), sha256(text + "b")};
    row.octets = 30'000 + uid % 1000;
    row.internal_date = "11-Feb-2024 10:00:" + std::to_string(10 + uid % 50) + " +0100";
    row.flags = {"$Forwarded", "\\Seen"};
    row.destination_uid = state == CopyState::copied ? uid + 5 : 0;
    row.pass = 1;
    return row;
}

// As the copier does: the batch's intents, a look for twins, what became of the batch.
void copy(Ledger& ledger, AccountId account, MailboxRecord inbox, std::uint64_t rows_max) {
    std::vector<double> times;
    double twins = 0;
    const Watch all;
    for (std::uint64_t first = 1; first <= rows_max; first += limits::append_batch_messages_max) {
        std::vector<CopyRecord> rows;
        const std::uint64_t last =
            std::min<std::uint64_t>(first + limits::append_batch_messages_max, rows_max + 1);
        for (const CopyState state : {CopyState::intent, CopyState::copied}) {
            rows.clear();
            for (std::uint64_t uid = first; uid < last; ++uid) {
                rows.push_back(make_row(uid, state));
            }
            inbox.copied_below = first;
            const Watch one;
            must(ledger.record(account, inbox, rows));
            times.push_back(one.seconds() * 1000);
        }
        const Watch search;
        for (const CopyRecord& row : rows) {
            must(ledger.twins(account, row.digests.canonical, 4));
        }
        twins += search.seconds();
    }
    std::ranges::sort(times);
    print("rows_per_second", static_cast<double>(rows_max) / all.seconds());
    print("record_ms_median", times[times.size() / 2]);
    print("record_ms_p99", times[times.size() * 99 / 100]);
    print("record_ms_max", times.back());
    print("no_twin_us", twins * 1e6 / static_cast<double>(rows_max));
}

void read(const Ledger& ledger, AccountId account, const MailboxRecord& inbox, std::uint64_t rows) {
    const Watch walk;
    std::uint64_t read = 0;
    for (std::uint64_t from = 1; from != 0;) {
        const LedgerPage page = must(ledger.list(account, inbox, from, limits::ledger_page_rows));
        read += page.rows.size();
        from = page.next_uid;
    }
    print("walk_rows_per_second", static_cast<double>(read) / walk.seconds());
    const Watch search;
    constexpr int searches = 10'000;
    for (std::uint64_t i = 0; i < searches; ++i) {
        must(ledger.find(account, inbox, i * 7919 % rows + 1));
    }
    print("find_us", search.seconds() * 1e6 / searches);
    const Watch reverse;
    for (std::uint64_t i = 0; i < searches; ++i) {
        must(ledger.find_by_destination(account, inbox, i * 7919 % rows + 6));
    }
    print("find_by_destination_us", reverse.seconds() * 1e6 / searches);
}

void digest() {
    std::string message = "From: a@example.com\r\nTo: b@example.com\r\nSubject: x\r\n\r\n";
    while (message.size() < 32 * 1024) {
        message += "A line of text as there are many, up to seventy-six octets or a few less\r\n";
    }
    const auto measure = [](const char* name, const std::string& octets) {
        const std::size_t rounds = 512 * 1024 * 1024 / octets.size();
        const std::clock_t started = std::clock();  // of one core, whoever else works beside
        for (std::size_t i = 0; i < rounds; ++i) {
            MessageDigester digester;
            for (std::size_t at = 0; at < octets.size(); at += 16 * 1024) {
                digester.update(std::string_view{octets}.substr(at, 16 * 1024));
            }
            digester.finish();
        }
        const double seconds = static_cast<double>(std::clock() - started) / CLOCKS_PER_SEC;
        print(name, static_cast<double>(rounds * octets.size()) / 1e6 / seconds);
    };
    measure("digest_mb_per_second", message);
    measure("digest_2k_mb_per_second", message.substr(0, 2048));
    std::string bare;
    std::ranges::remove_copy(message, std::back_inserter(bare), '\r');
    measure("digest_bare_lf_mb_per_second", bare);
}

void pair(std::uint64_t count) {
    std::vector<Known> source;
    for (std::uint64_t i = 0; i < count; ++i) {
        source.emplace_back(make_row(i, CopyState::copied).digests, "", WallTime{});
    }
    std::vector<Known> destination{source.rbegin(), source.rend()};
    const Watch all;
    const auto pairs = pair_up(source, destination);
    print("pair_up_seconds", all.seconds());
    print("pairs", static_cast<double>(pairs.size()));
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 3) {
        std::fprintf(stderr, "backfill_ledger DIRECTORY ROWS\n");
        return 2;
    }
    const std::filesystem::path directory = arguments[1];
    const std::uint64_t rows = std::strtoull(arguments[2], nullptr, 10);
    {
        const auto ledger = must(Ledger::open(directory));
        const AccountId account = must(ledger->account("ann")).id;
        copy(*ledger, account, must(ledger->mailbox(account, "INBOX")), rows);
    }
    print("rss_mib_after_copy", rss_mib("VmRSS:"));
    print("disk_mib", disk_mib(directory));
    const Watch opening;
    const auto ledger = must(Ledger::open(directory));
    print("open_ms", opening.seconds() * 1000);
    const AccountId account = must(ledger->account("ann")).id;
    const MailboxRecord inbox = must(ledger->mailbox(account, "INBOX"));
    must(ledger->totals(account, inbox));
    print("open_and_totals_ms", opening.seconds() * 1000);
    read(*ledger, account, inbox, rows);
    print("rss_mib_after_read", rss_mib("VmRSS:"));
    print("rss_mib_peak", rss_mib("VmHWM:"));
    digest();
    pair(rows);
    return 0;
}
