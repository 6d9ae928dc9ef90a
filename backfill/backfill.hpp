// The backfill as the rest of the program sees it: the accounts of the accounts file, what each is
// doing, and the orders for them. So many accounts run at once, each on one io thread for life; one
// that fails keeps nobody else waiting and is not tried again by itself.
//
// Thread-safe.
#pragma once

#include "backfill/account_pace.hpp"
#include "backfill/account_run.hpp"
#include "backfill/account_status.hpp"
#include "backfill/accounts_file.hpp"
#include "backfill/archive_keeper.hpp"
#include "backfill/bandwidth.hpp"
#include "backfill/budget.hpp"
#include "backfill/forecast.hpp"
#include "backfill/governor.hpp"
#include "backfill/ledger.hpp"
#include "backfill/order.hpp"
#include "backfill/rate_meter.hpp"
#include "backfill/source_watches.hpp"
#include "backfill/token_device.hpp"
#include "backfill/token_source.hpp"
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
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace siding::backfill {

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

    // No names: all accounts. An account does one order after the other; the same one that waits
    // already is not given twice. Answers with the names. Errc::not_found names the one that there
    // is not, Errc::conflict one with too many orders that wait; nothing is ordered then. Blocks:
    // the ledger has it, so that it goes on after a restart.
    Result<std::vector<std::string>> order(
        Order order, const std::vector<std::string>& names, const OrderOptions& options = {}
    );

    // What holds until it is changed, over restarts, too.
    struct Standing {
        // Passes again and again, one poll interval behind the end of the last one; at once where
        // the source is watched and something happens there.
        bool following = false;
        // Nothing is begun, and each account settles what is under way.
        bool paused = false;
    };
    struct StandingChange {
        std::optional<bool> following = std::nullopt;
        std::optional<bool> paused = std::nullopt;
    };
    // Blocks: it is in the ledger before it is in force.
    Result<void> change(const StandingChange& change);
    Standing standing() const;

    std::vector<AccountStatus> status() const;
    Result<AccountStatus> status(std::string_view name) const;
    net::awaitable<Result<FolderPlan>> plan(std::string name);
    // Errc::not_found for one that is not in the file as it is now.
    Result<Account> account(std::string_view name) const;
    DeviceFlows& device_flows() { return flows_; }
    Ledger& ledger() { return parts_.ledger; }
    WallTime now() const { return parts_.clock.now(); }
    const Governor& governor() const { return governor_; }
    const Budget& budget() const { return budget_; }
    struct Outlook {
        Forecast forecast;
        RateMeter::Rate rate;     // now
        std::size_t unknown = 0;  // accounts that wait, and nobody has looked at what they have
    };
    Outlook outlook(const std::vector<AccountStatus>& accounts) const;
    Forecast forecast(const AccountStatus& account) const;
    // What an assessment is to be reckoned with: rates of the passes so far, bounds.
    AssessTerms assess_terms() const;
    // Of the key of manifests.
    std::filesystem::path directory() const { return spool(); }
    net::asio::any_io_executor blocking() { return parts_.runtime.blocking(); }

    Result<void> start();  // with what has been standing before; blocks
    net::awaitable<void> stop();

private:
    struct Entry {
        Account account;
        AccountStatus status;
        bool is_listed = true;  // in the file as it is now
        bool is_busy = false;   // waiting or running
        bool is_running = false;
        GivenOrder given = {};             // while it is busy
        bool is_kept = false;              // in the ledger; a pass of `follow` is not
        std::deque<GivenOrder> next = {};  // behind that
        bool was_told_to_stop = false;     // the last time that its order asked
        bool is_woken = false;             // by something at the source, since the last order
        bool are_flags_new = false;        // by flags
        RateMeter meter;
        double last_rate = 0;  // octets a second, when there was one
    };
    struct Job {
        std::string name;
        GivenOrder given = {};
        WallTime not_before{};
        bool waits_for_turn = false;  // until another one ends
        bool is_resumed = false;      // it has stopped for a while, and goes on
        Governor::Permit permit = {};
    };

    void dispatch();
    std::optional<Hold> budget_hold(const Job& job) const;
    void put_off(Job& job, Hold hold);
    Result<void> give(const std::vector<std::string>& names, const GivenOrder& given, bool is_kept);
    Result<void> keep_orders();
    void begin_order(Entry& entry, const std::string& name, GivenOrder given, bool is_kept);
    Result<std::map<std::string, std::vector<GivenOrder>>> kept_orders() const;
    void resume_orders(Entry& entry, const std::string& name, std::vector<GivenOrder> orders);
    void end_order(Entry& entry, const std::string& name, AccountPhase phase);
    static std::vector<Place> places_of(const Account& account, Order order);
    static net::awaitable<Result<Governor::Permit>> wait_for_turn(
        Backfill& self, const Account& account
    );
    AccountPace::Order pace_of(const Account& account, Order order);
    void on_work(const std::string& name, std::uint64_t octets, std::uint64_t messages);
    std::optional<WallTime> quiet_until() const;
    AccountStatus status_of(const Entry& entry) const;
    ForecastNeeds forecast_needs() const;
    Allowance allowance(const std::string& account) const;
    static net::awaitable<Result<void>> run_archive(Backfill& self, Order order, AccountRun& run);
    static net::awaitable<void> run(Backfill& self, Job job, Account account);
    static net::awaitable<void> run_job(Backfill& self, Job job, Account account);
    static net::awaitable<Result<void>> run_order(Backfill& self, const Job& job, AccountRun& run);
    static net::awaitable<void> keep_following(Backfill& self);
    void on_news(const std::string& account, SourceWatch::News news);
    void order_due();
    void tend_watches();
    Result<std::map<std::string, AccountStatus>> known_accounts() const;
    config::ImapServer server(Side side) const;
    std::size_t accounts_at_once() const;
    std::size_t pairs() const;
    AccountRun::Needs needs_of(const Account& account, Order order);
    std::optional<WallTime> switched_at(const Account& account) const;
    std::shared_ptr<const AclNames> acl_names_for(const Account& account) const;
    void end_job(Job job, const Result<void>& done, const std::optional<Hold>& hold);
    std::filesystem::path spool() const;

    Parts parts_;
    ArchiveKeeper archive_;
    Bandwidth bandwidth_;
    Governor governor_;
    Budget budget_;
    AccountPace::Process pace_;
    RateMeter meter_;  // of all
    double last_rate_ = 0;
    struct {
        std::uint64_t messages = 0;
        std::uint64_t octets = 0;
        std::chrono::milliseconds spent{0};
    } measured_;  // passes that have ended
    TokenSource tokens_;
    DeviceFlows flows_;
    SourceWatches watches_;
    net::TaskGroup tasks_;
    mutable std::mutex mutex_;
    std::map<std::string, Entry> entries_;  // by name
    std::vector<std::string> names_;        // in the order of the file
    AclDirectory directory_;
    std::vector<AccountsProblem> problems_;
    std::vector<AccountsProblem> warnings_;
    std::deque<Job> jobs_;
    std::set<std::string> unkept_;  // what they are ordered is not in the ledger as it is now
    std::size_t running_ = 0;
    std::mutex changing_;  // held while what is ordered is written, which blocks
    Standing standing_;
    bool is_stopping_ = false;
};

}  // namespace siding::backfill
