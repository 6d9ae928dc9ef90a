// Backfill: pass after pass, and the connections that say when there is something to do.
#include "backfill/backfill.hpp"
#include "backfill/limits.hpp"
#include "base/log.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

const Logger log{"backfill"};

// Of the ledger: what is standing.
constexpr std::string_view following_key = "following";
constexpr std::string_view paused_key = "paused";
constexpr std::string_view is_so = "yes";

std::string_view to_value(bool on) {
    return on ? is_so : std::string_view{};
}

constexpr std::chrono::seconds follow_look{1};
// Some of them may not be possible now.
constexpr std::size_t candidates_per_connection = 4;

}  // namespace

Backfill::Standing Backfill::standing() const {
    const std::lock_guard lock{mutex_};
    return standing_;
}

Result<void> Backfill::change(const StandingChange& change) {
    const std::lock_guard changing{changing_};
    Standing wanted = standing();
    wanted.following = change.following.value_or(wanted.following);
    wanted.paused = change.paused.value_or(wanted.paused);
    SIDING_TRY(parts_.ledger.put_value(everybody, following_key, to_value(wanted.following)));
    SIDING_TRY(parts_.ledger.put_value(everybody, paused_key, to_value(wanted.paused)));
    {
        const std::lock_guard lock{mutex_};
        standing_ = wanted;
    }
    if (!wanted.following || wanted.paused) {
        watches_.end_all();
    }
    dispatch();
    return {};
}

Result<void> Backfill::start() {
    SIDING_ASSIGN(const auto following, parts_.ledger.value(everybody, following_key));
    SIDING_ASSIGN(const auto paused, parts_.ledger.value(everybody, paused_key));
    {
        const std::lock_guard lock{mutex_};
        standing_.following = following == is_so;
        standing_.paused = paused == is_so;
    }
    if (standing_.following || standing_.paused) {
        log.info(
            "standing_orders", {{"following", standing_.following}, {"paused", standing_.paused}}
        );
    }
    return tasks_.spawn(keep_following(*this));
}

// Also begins what has had to wait.
awaitable<void> Backfill::keep_following(Backfill& self) {
    auto executor = co_await net::asio::this_coro::executor;
    net::asio::steady_timer timer{executor};
    for (;;) {
        timer.expires_after(follow_look);
        const auto [code] = co_await timer.async_wait(net::use_result);
        if (code) {
            co_return;
        }
        self.tend_watches();
        self.order_due();
        self.dispatch();
    }
}

void Backfill::on_news(const std::string& account, SourceWatch::News news) {
    const std::lock_guard lock{mutex_};
    Entry& entry = entries_.at(account);
    entry.is_woken = true;
    entry.are_flags_new = entry.are_flags_new || news == SourceWatch::News::flags;
}

// An account that has failed waits for a person.
void Backfill::order_due() {
    std::vector<std::string> due;
    std::vector<std::string> due_with_flags;
    const auto poll = parts_.config.get()->backfill.poll;
    const WallTime now = parts_.clock.now();
    {
        const std::lock_guard lock{mutex_};
        if (!standing_.following || standing_.paused) {
            return;
        }
        for (const std::string& name : names_) {
            Entry& entry = entries_.at(name);
            const bool is_due = entry.status.phase == AccountPhase::idle && !entry.is_busy &&
                                (entry.is_woken || now - entry.status.ended_at >= poll);
            if (is_due) {
                (entry.are_flags_new ? due_with_flags : due).push_back(name);
                entry.is_woken = false;
                entry.are_flags_new = false;
            }
        }
    }
    if (!due.empty()) {
        static_cast<void>(give(due, {Order::copy, {}}, false));
    }
    if (!due_with_flags.empty()) {
        OrderOptions options;
        options.compare_all_flags = true;
        static_cast<void>(give(due_with_flags, {Order::copy, options}, false));
    }
}

// Passes come first: a watch may have what they leave of the connections.
void Backfill::tend_watches() {
    std::map<std::string, SourceWatches::Wanted> wanted;
    std::size_t needed = accounts_at_once();
    const bool is_quiet = quiet_until().has_value();
    const std::size_t connections = server(Side::source).connections;
    {
        const std::lock_guard lock{mutex_};
        needed = std::min(needed, names_.size());
        for (const std::string& name : names_) {
            if (wanted.size() >= candidates_per_connection * connections) {
                break;
            }
            const Entry& entry = entries_.at(name);
            const AccountStatus& status = entry.status;
            if (standing_.following && !standing_.paused && !is_stopping_ && !is_quiet &&
                status.can_idle && status.phase != AccountPhase::failed) {
                const bool may_begin = status.phase == AccountPhase::idle;
                wanted.emplace(
                    name, SourceWatches::Wanted{entry.account.source, status.pass, may_begin}
                );
            }
        }
    }
    watches_.tend(wanted, connections - std::min(connections, needed));
}

// What the ledger has of the accounts from before the process began.
Result<std::map<std::string, AccountStatus>> Backfill::known_accounts() const {
    std::map<std::string, AccountStatus> known;
    SIDING_ASSIGN(const auto records, parts_.ledger.accounts());
    for (const AccountRecord& record : records) {
        AccountStatus& status = known[record.name];
        status.name = record.name;
        status.pass = record.pass;
        if (record.phase == "failed") {  // it waits for a person still
            status.phase = AccountPhase::failed;
            status.words = record.words;
        } else if (!record.phase.empty() && record.phase != "new" && record.phase != "idle") {
            status.words = "interrupted by a restart";
        }
        SIDING_ASSIGN(const auto final_at, parts_.ledger.value(record.id, final_key));
        if (const auto time = parse_time(final_at.value_or(""))) {
            status.final_at = *time;
        }
    }
    return known;
}

}  // namespace siding::backfill
