#include "backfill/source_watches.hpp"

#include "backfill/limits.hpp"
#include "base/log.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace siding::backfill {
namespace {

using net::awaitable;
using std::chrono::steady_clock;

const Logger log{"backfill"};

}  // namespace

SourceWatches::SourceWatches(Parts parts)
    : parts_{std::move(parts)}, tasks_{parts_.runtime.io(0), "watches", limits::accounts_max} {}

void SourceWatches::tend(const std::map<std::string, Wanted>& wanted, std::size_t connections_max) {
    const std::lock_guard lock{mutex_};
    std::size_t left = connections_max;
    for (auto at = watches_.begin(); at != watches_.end();) {
        Watch& watch = *at->second;
        const auto found = wanted.find(at->first);
        const bool is_given_up = found == wanted.end() || found->second.login != watch.login ||
                                 watch.permit.is_wanted_elsewhere();
        if (watch.is_running) {
            const bool has_room = left > 0;
            left -= has_room ? 1 : 0;
            watch.is_wanted = watch.is_wanted && !is_given_up && has_room;
        }
        const bool is_forgotten = !watch.is_running && is_given_up;
        at = is_forgotten ? watches_.erase(at) : std::next(at);
    }
    for (const auto& [account, want] : wanted) {
        auto& watch = watches_[account];
        if (!watch) {
            watch = std::make_shared<Watch>();
            watch->login = want.login;
        }
        if (left > 0 && may_begin(*watch, want)) {
            begin(account, watch, want);
            left -= watch->is_running ? 1 : 0;
        }
    }
}

bool SourceWatches::may_begin(const Watch& watch, const Wanted& wanted) const {
    if (watch.is_running || !wanted.may_begin || steady_clock::now() < watch.not_before) {
        return false;
    }
    // A login that was refused is for a pass to try, and what the server cannot do it cannot do.
    return watch.end != SourceWatch::End::unable &&
           (watch.end != SourceWatch::End::refused || wanted.pass > watch.pass);
}

void SourceWatches::begin(
    const std::string& account, std::shared_ptr<Watch> watch, const Wanted& wanted
) {
    Governor::Taken taken = parts_.governor.take({place_of(wanted.login)}, Governor::Use::more);
    if (!taken.permit) {
        return;  // the account is polled
    }
    watch->permit = std::move(taken.permit);
    watch->is_wanted = true;
    watch->is_running = true;
    watch->pass = wanted.pass;
    watch->began = steady_clock::now();
    auto task = keep(*this, account, watch);
    if (!tasks_.spawn_on(parts_.runtime.next_io(), std::move(task))) {
        watch->is_running = false;
        watch->permit.give_back();
    }
}

awaitable<void> SourceWatches::keep(
    SourceWatches& self, std::string account, std::shared_ptr<Watch> watch
) {
    SourceWatch::Needs needs{
        .host = {self.parts_.runtime.blocking(), &self.parts_.tokens},
        .governor = self.parts_.governor,
        .is_wanted = [watch] { return watch->is_wanted.load(); },
        .on_news = [&self, account](SourceWatch::News news) { self.parts_.on_news(account, news); },
        .on_watching =
            [&self, account, watch](SourceWatch::Kind kind) {
                log.info("watch_begun", {{"account", account}, {"by", to_text(kind)}});
                const std::lock_guard lock{self.mutex_};
                watch->kind = kind;
            },
    };
    Login login = watch->login;
    const SourceWatch::End end = co_await SourceWatch::run(std::move(login), std::move(needs));
    log.info("watch_ended", {{"account", account}, {"lost", end == SourceWatch::End::lost}});
    const std::lock_guard lock{self.mutex_};
    self.on_end(*watch, end);
}

// One that has stood for long is made again soon.
void SourceWatches::on_end(Watch& watch, SourceWatch::End end) {
    const auto now = steady_clock::now();
    const bool has_stood = watch.kind && now - watch.began >= limits::watch_pause_max;
    watch.pause =
        has_stood || watch.pause.count() == 0
            ? std::chrono::milliseconds{limits::watch_pause_min}
            : std::min<std::chrono::milliseconds>(2 * watch.pause, limits::watch_pause_max);
    watch.not_before = end == SourceWatch::End::unwanted ? now : now + watch.pause;
    watch.end = end;
    watch.is_running = false;
    watch.kind.reset();
    watch.permit.give_back();
}

void SourceWatches::end_all() {
    const std::lock_guard lock{mutex_};
    for (auto& [account, watch] : watches_) {
        watch->is_wanted = false;
    }
}

std::size_t SourceWatches::count() const {
    const std::lock_guard lock{mutex_};
    return static_cast<std::size_t>(std::ranges::count_if(watches_, [](const auto& entry) {
        return entry.second->is_running;
    }));
}

std::string SourceWatches::kind(const std::string& account) const {
    const std::lock_guard lock{mutex_};
    const auto found = watches_.find(account);
    return found == watches_.end() || !found->second->kind
               ? ""
               : std::string{to_text(*found->second->kind)};
}

awaitable<void> SourceWatches::stop() {
    tasks_.cancel();
    co_await tasks_.join();
}

}  // namespace siding::backfill
