#include "cutover/sender_watch.hpp"

#include "base/log.hpp"
#include "cutover/client_names.hpp"
#include "net/run_on.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <set>

namespace siding::cutover {
namespace {

using net::awaitable;

const Logger log{"dns"};

constexpr auto look_interval = std::chrono::seconds{2};
constexpr auto keep_interval = std::chrono::seconds{15};
constexpr std::size_t pages_max = 20;  // of the ledger in one go
constexpr std::size_t names_max = 8;   // looked up in one go

std::string tail_key(const std::string& path) {
    return "dns/tail/" + path;
}

awaitable<bool> is_cancelled() {
    const auto state = co_await net::asio::this_coro::cancellation_state;
    co_return state.cancelled() != net::asio::cancellation_type::none;
}

std::set<std::string> names_of(const config::Config& config) {
    std::set<std::string> names;
    for (const auto& [domain, settings] : config.domains) {
        names.insert(domain.text());
    }
    return names;
}

}  // namespace

SenderWatch::SenderWatch(
    queue::Queue& queue,
    const config::Live& config,
    dns::Prober& prober,
    net::asio::any_io_executor blocking
)
    : queue_{queue}, config_{config}, prober_{prober}, blocking_{std::move(blocking)} {}

awaitable<void> SenderWatch::run(SenderWatch& self) {
    net::asio::steady_timer timer{co_await net::asio::this_coro::executor};
    auto kept_at = std::chrono::steady_clock::now();
    while (!co_await is_cancelled()) {
        const auto config = self.config_.get();
        bool is_behind = false;
        if (config->dns.enabled) {
            is_behind = co_await self.read_feed(*config);
            co_await self.read_logs(*config);
            co_await self.find_names(*config);
        }
        if (std::chrono::steady_clock::now() - kept_at >= keep_interval) {
            co_await self.keep();
            kept_at = std::chrono::steady_clock::now();
        }
        if (!is_behind) {
            timer.expires_after(look_interval);
            static_cast<void>(co_await timer.async_wait(net::use_result));
        }
    }
}

awaitable<std::shared_ptr<SenderBook>> SenderWatch::book(Domain domain) {
    if (const auto found = books_.find(domain); found != books_.end()) {
        co_return found->second;
    }
    auto load = [domain](const queue::Store& store) { return SenderBook::load(store, domain); };
    auto loaded = co_await queue_.read(std::move(load));
    if (loaded.has_error()) {
        log.warn("dns_senders_unreadable", {{"domain", domain}, {"reason", loaded.error()}});
    }
    auto book = loaded ? std::make_shared<SenderBook>(std::move(*loaded))
                       : std::make_shared<SenderBook>(domain);
    // Somebody else may have loaded it meanwhile: the first one stays.
    co_return books_.emplace(std::move(domain), std::move(book)).first->second;
}

awaitable<void> SenderWatch::start_feed() {
    auto read = [](const queue::Store& store) { return store.read_value(sender_cursor_key); };
    const auto kept = co_await queue_.read(std::move(read));
    std::uint64_t sequence = 0;
    if (kept && *kept) {
        const std::string& text = **kept;
        std::from_chars(text.data(), text.data() + text.size(), sequence);
    }
    kept_sequence_ = sequence;
    feed_ = std::make_shared<SenderFeed>(sequence);
}

// True: there is more.
awaitable<bool> SenderWatch::read_feed(const config::Config& config) {
    if (!feed_) {
        co_await start_feed();
    }
    for (std::size_t page = 0; page < pages_max; ++page) {
        if (feed_->sequence() >= queue_.store().ledger_tail().sequence) {
            co_return false;
        }
        auto read = [feed = feed_, domains = names_of(config)](const queue::Store& store) {
            return feed->read(store, domains);
        };
        const auto found = co_await queue_.read(std::move(read));
        if (found.has_error()) {
            log.warn("dns_ledger_unreadable", {{"reason", found.error()}});
            co_return false;
        }
        for (const FeedMail& mail : found->mails) {
            const auto domain = Domain::parse(mail.domain);
            const auto settings = domain ? config.domains.find(*domain) : config.domains.end();
            if (settings == config.domains.end()) {
                continue;
            }
            const auto book = co_await this->book(*domain);
            const auto& networks = settings->second.stragglers.networks;
            const bool is_straggler = contains(networks, mail.proxy_address) ||
                                      contains(networks, mail.mail.client.address);
            if (is_straggler) {
                book->note_at_old(mail.mail);
            } else {
                book->note_at_siding(mail.mail);
            }
        }
        if (found->at_end) {
            co_return false;
        }
    }
    co_return true;
}

awaitable<void> SenderWatch::read_logs(const config::Config& config) {
    std::set<std::string> paths;
    for (const auto& [domain, settings] : config.domains) {
        if (settings.stragglers.log) {
            paths.insert(*settings.stragglers.log);
        }
    }
    std::erase_if(tails_, [&](const auto& entry) { return !paths.contains(entry.first); });
    for (const std::string& path : paths) {
        co_await read_log(config, path);
    }
}

awaitable<void> SenderWatch::read_log(const config::Config& config, std::string path) {
    std::shared_ptr<Tail>& tail = tails_[path];
    if (!tail) {
        tail = std::make_shared<Tail>(path);
    }
    const std::shared_ptr<Tail> held = tail;
    auto poll = [held, path, &queue = queue_, now = queue_.clock().now()] {
        if (!held->is_resumed) {
            if (const auto kept = queue.store().read_value(tail_key(path)); kept && *kept) {
                held->kept = **kept;
                held->tail.resume(held->kept);
            }
            held->is_resumed = true;
        }
        return held->tail.poll(now);
    };
    const auto mails = co_await net::run_on(blocking_, std::move(poll));
    if (mails.has_error() != held->has_failed) {
        held->has_failed = mails.has_error();
        if (mails.has_error()) {
            log.warn("dns_straggler_log_unreadable", {{"path", path}, {"reason", mails.error()}});
        } else {
            log.info("dns_straggler_log_again", {{"path", path}});
        }
    }
    if (mails.has_error()) {
        co_return;
    }
    if (mails->empty()) {
        co_return;
    }
    const SidingItself siding = this_siding(config.hostname);
    for (const auto& [domain, settings] : config.domains) {
        if (settings.stragglers.log != path) {
            continue;
        }
        const auto book = co_await this->book(domain);
        for (const LoggedMail& mail : *mails) {
            if (const auto straggler = straggler_of(mail, domain, siding)) {
                book->note_at_old(*straggler);
            }
        }
    }
}

// Clients of which only the address is known; a few at a time, and none while DNS is away.
awaitable<void> SenderWatch::find_names(const config::Config& config) {
    std::vector<std::shared_ptr<SenderBook>> books;
    for (const auto& [domain, book] : books_) {
        if (!book->unnamed().empty()) {
            books.push_back(book);
        }
    }
    if (books.empty()) {
        co_return;
    }
    std::vector<net::HostPort> resolvers;
    for (const config::Endpoint& server : config.dns.servers) {
        resolvers.emplace_back(server.host, server.port);
    }
    const RecursiveLookup lookup{prober_, std::move(resolvers), blocking_};
    std::size_t asked = 0;
    for (const auto& book : books) {
        for (const dns::Client& client : book->unnamed()) {
            if (asked++ == names_max || co_await is_cancelled()) {
                co_return;
            }
            const auto name = co_await find_client_name(lookup, client);
            if (name.has_error()) {
                co_return;
            }
            book->name(client.address, *name);
        }
    }
}

awaitable<Result<void>> SenderWatch::import(
    Domain domain, SenderBaseline baseline, ImportMode mode
) {
    if (!config_.get()->domains.contains(domain)) {
        co_return Error{Errc::not_found, domain.text() + " is no domain of the configuration"};
    }
    const auto book = co_await this->book(domain);
    book->import(std::move(baseline), mode);
    for (queue::PutValues& values : book->take_changes()) {
        queue::Change change{std::move(values)};
        SIDING_CO_TRY(co_await queue_.commit(std::move(change)));
    }
    co_return Result<void>{};
}

awaitable<bool> SenderWatch::commit(queue::PutValues values) {
    queue::Change change{std::move(values)};
    const auto done = co_await queue_.commit(std::move(change));
    if (done.has_error()) {
        log.warn("dns_senders_not_kept", {{"reason", done.error()}});
    }
    co_return done.has_value();
}

awaitable<void> SenderWatch::keep() {
    // First the books, then how far they go: a crash in between counts a few mails twice.
    const std::uint64_t sequence = feed_ ? feed_->sequence() : 0;
    std::vector<queue::PutValues> changes;
    for (const auto& [domain, book] : books_) {
        for (queue::PutValues& values : book->take_changes()) {
            changes.push_back(std::move(values));
        }
    }
    queue::PutValues cursors;
    if (feed_ && sequence != kept_sequence_) {
        cursors.values.push_back({std::string{sender_cursor_key}, std::to_string(sequence)});
    }
    for (const auto& [path, tail] : tails_) {
        const std::string position = tail->is_resumed ? tail->tail.position() : tail->kept;
        if (position != tail->kept) {
            tail->kept = position;
            cursors.values.push_back({tail_key(path), position});
        }
    }
    for (queue::PutValues& values : changes) {
        co_await commit(std::move(values));
    }
    if (!cursors.values.empty() && co_await commit(std::move(cursors))) {
        kept_sequence_ = sequence;
    }
}

}  // namespace siding::cutover
