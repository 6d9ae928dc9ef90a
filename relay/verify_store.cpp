#include "relay/verify_store.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace siding::relay {
namespace {

const Logger logger{"verify"};

std::optional<Knowledge> read_one(const queue::Store& store, const std::string& key) {
    const auto stored = store.read_value(key);
    if (!stored) {
        logger.warn("answer_unreadable", {{"key", key}, {"reason", stored.error()}});
        return std::nullopt;
    }
    return *stored ? parse_knowledge(**stored) : std::nullopt;
}

// Nobody can use it any more. What cannot be read was written by another version.
bool is_worthless(const queue::StoredValue& value, const config::Verify& settings, WallTime now) {
    const auto knowledge = parse_knowledge(value.value);
    if (!knowledge) {
        return true;
    }
    auto kept = lifetime_of(knowledge->kind, settings);
    if (is_last_known_good(*knowledge)) {
        kept += limits::verify_last_known_kept;
    }
    return age_of(*knowledge, now) >= kept;
}

}  // namespace

VerifyStore::VerifyStore(queue::Queue& queue, const config::Live& config, net::TaskGroup& tasks)
    : queue_{queue}, config_{config}, tasks_{tasks}, turn_{tasks.executor(), 1} {
    turn_.try_send(boost::system::error_code{});
}

net::awaitable<VerifyStore::Found> VerifyStore::read(std::vector<std::string> keys) {
    auto look = [wanted = std::move(keys)](const queue::Store& store) {
        Found found;
        for (const std::string& key : wanted) {
            found.push_back(read_one(store, key));
        }
        return found;
    };
    co_return co_await queue_.read(std::move(look));
}

void VerifyStore::write(std::string key, const Knowledge& knowledge) {
    if (key.size() > limits::value_key_octets_max || pending_.size() >= limits::verify_writes_max) {
        return;
    }
    pending_.push_back({std::move(key), format_knowledge(knowledge)});
    if (!writing_) {
        writing_ = tasks_.spawn(run_writer()).has_value();
    }
}

net::awaitable<void> VerifyStore::run_writer() {
    bool going = true;
    while (going && !pending_.empty()) {
        const auto [code] = co_await turn_.async_receive(net::use_result);
        if (code) {
            break;  // stopping
        }
        going = co_await write_batch();
        const auto now = std::chrono::steady_clock::now();
        if (going && (!swept_at_ || now - *swept_at_ >= limits::verify_sweep_interval)) {
            swept_at_ = now;
            co_await sweep();
        }
        turn_.try_send(boost::system::error_code{});
    }
    writing_ = false;
}

net::awaitable<bool> VerifyStore::write_batch() {
    const auto count =
        static_cast<std::ptrdiff_t>(std::min(pending_.size(), limits::change_page_rows));
    queue::PutValues put;
    put.values.assign(
        std::make_move_iterator(pending_.begin()), std::make_move_iterator(pending_.begin() + count)
    );
    pending_.erase(pending_.begin(), pending_.begin() + count);
    if (count == 0) {
        co_return true;  // a flush took them while this waited for its turn
    }
    queue::Change change{std::move(put)};
    const auto applied = co_await queue_.commit(std::move(change));
    if (!applied) {
        logger.warn("answers_not_stored", {{"count", count}, {"reason", applied.error()}});
        pending_.clear();
    }
    co_return applied.has_value();
}

net::awaitable<void> VerifyStore::sweep() {
    const config::Verify settings = config_.get()->verify;
    const WallTime now = queue_.clock().now();
    Goes filter{[settings, now](const queue::StoredValue& value) {
        return is_worthless(value, settings, now);
    }};
    const auto erased = co_await erase_where(std::move(filter));
    if (!erased) {
        logger.warn("sweep_failed", {{"reason", erased.error()}});
    }
}

net::awaitable<Result<std::uint64_t>> VerifyStore::erase(KeyFilter filter) {
    std::erase_if(pending_, [&filter](const queue::Value& value) { return filter(value.key); });
    const auto [code] = co_await turn_.async_receive(net::use_result);
    if (code) {
        co_return Error{Errc::unavailable, "recipient verification is stopping"};
    }
    Goes goes{
        [keys = std::move(filter)](const queue::StoredValue& value) { return keys(value.key); }};
    auto erased = co_await erase_where(std::move(goes));
    turn_.try_send(boost::system::error_code{});
    co_return erased;
}

net::awaitable<Result<std::uint64_t>> VerifyStore::erase_where(Goes goes) {
    std::uint64_t count = 0;
    std::string cursor;
    do {
        auto list = [from = cursor](const queue::Store& store) {
            return store.list_values(verify_prefix, from, limits::change_page_rows);
        };
        auto page = co_await queue_.read(std::move(list));
        if (!page) {
            co_return std::move(page).error();
        }
        cursor = page->cursor;
        queue::PutValues put;
        for (queue::StoredValue& value : page->values) {
            if (goes(value)) {
                put.values.push_back({std::move(value.key), std::nullopt});
            }
        }
        if (put.values.empty()) {
            continue;
        }
        count += put.values.size();
        queue::Change change{std::move(put)};
        auto applied = co_await queue_.commit(std::move(change));
        if (!applied) {
            co_return std::move(applied).error();
        }
    } while (!cursor.empty());
    co_return count;
}

}  // namespace siding::relay
