// The backfill as the rest of the program sees it: the accounts of the accounts file, what each is
// doing, and the orders for them. So many accounts run at once, each on one io thread for life; one
// that fails keeps nobody else waiting and is not tried again by itself.
//
// Thread-safe.
#pragma once

#include "backfill/account_run.hpp"
#include "backfill/account_status.hpp"
#include "backfill/accounts_file.hpp"
#include "backfill/archive_keeper.hpp"
#include "backfill/bandwidth.hpp"
#include "backfill/ledger.hpp"
#include "base/clock.hpp"
#include "config/live.hpp"
#include "net/runtime.hpp"
#include "net/task_group.hpp"

#include <chrono>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::backfill {

enum class Order { copy, verify, check, archive, restore };

class Backfill {
public:
    // All of it outlives the backfill.
    struct Parts {
        const config::Live& config;
        Ledger& ledger;
        net::Runtime& runtime;
        const Clock& clock;
    };

    explicit Backfill(Parts parts);
    ~Backfill();  // after stop()
    Backfill(const Backfill&) = delete;
    Backfill& operator=(const Backfill&) = delete;

    // Reads the accounts file; blocks. Accounts whose lines are wrong are left out, and problems()
    // names them. After an error the accounts are as before.
    Result<void> load();
    std::vector<AccountsProblem> problems() const;
    std::vector<AccountsProblem> warnings() const;

    // No names: all accounts. Answers with the names of those that were not busy and are now
    // waiting for their turn. Errc::not_found names the one that there is not; nothing is ordered
    // then.
    Result<std::vector<std::string>> order(Order order, const std::vector<std::string>& names);

    // Passes again and again, one poll interval behind the end of the last one.
    void follow(bool on);
    bool is_following() const;
    // A pause lets each account finish its mailbox.
    void pause();
    void resume();
    bool is_paused() const;

    std::vector<AccountStatus> status() const;
    Result<AccountStatus> status(std::string_view name) const;
    net::awaitable<Result<FolderPlan>> plan(std::string name);
    Ledger& ledger() { return parts_.ledger; }
    net::asio::any_io_executor blocking() { return parts_.runtime.blocking(); }

    Result<void> start();
    net::awaitable<void> stop();

private:
    struct Entry {
        Account account;
        AccountStatus status;
        bool is_listed = true;  // in the file as it is now
        bool is_busy = false;   // waiting or running
    };
    struct Job {
        std::string name;
        Order order = Order::copy;
    };

    void dispatch();
    static net::awaitable<Result<void>> run_archive(Backfill& self, Order order, AccountRun& run);
    static net::awaitable<void> run(Backfill& self, Job job, Account account);
    static net::awaitable<void> keep_following(Backfill& self);
    std::size_t accounts_at_once() const;
    std::size_t pairs() const;
    AccountRun::Needs needs_of(const Account& account);
    std::optional<WallTime> switched_at(const Account& account) const;
    void end_job(const Job& job, const Result<void>& done);
    bool is_quiet_hour() const;
    std::filesystem::path spool() const;

    Parts parts_;
    ArchiveKeeper archive_;
    Bandwidth bandwidth_;
    net::TaskGroup tasks_;
    mutable std::mutex mutex_;
    std::map<std::string, Entry> entries_;  // by name
    std::vector<std::string> names_;        // in the order of the file
    std::vector<AccountsProblem> problems_;
    std::vector<AccountsProblem> warnings_;
    std::deque<Job> jobs_;
    std::size_t running_ = 0;
    bool is_paused_ = false;
    bool is_following_ = false;
    bool is_stopping_ = false;
};

}  // namespace siding::backfill
