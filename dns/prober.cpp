#include "dns/prober.hpp"

#include "dns/exchange.hpp"

#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <memory>
#include <utility>

namespace siding::dns {
namespace {

namespace asio = net::asio;
using boost::system::error_code;

// A socket each: within what a process may have open, beside a listener's.
constexpr std::size_t in_flight_max = 512;

// All on the prober's executor; whoever waits on another is told there.
class Batch : public std::enable_shared_from_this<Batch> {
public:
    using Finished = std::function<void()>;

    Batch(asio::any_io_executor executor, const Clock& clock, std::vector<Order> orders)
        : executor_{std::move(executor)},
          clock_{clock},
          orders_{std::move(orders)},
          samples_(orders_.size()),
          exchanges_(orders_.size()) {}

    void start(Finished finished) {
        finished_ = std::move(finished);
        const std::size_t first = std::min(in_flight_max, orders_.size());
        while (next_ < first) {
            start_next();
        }
    }

    void cancel() { exchanges_.clear(); }

    // When finished, or when nothing will be written any more.
    std::vector<Sample> take() { return std::move(samples_); }

private:
    void start_next() {
        const std::size_t at = next_++;
        auto on_sample = [this, at](Sample sample) { take_sample(at, std::move(sample)); };
        const auto exchange = std::make_shared<Exchange>(
            executor_, clock_, std::move(orders_[at]), std::move(on_sample)
        );
        exchanges_[at] = exchange;
        exchange->start();
    }

    void take_sample(std::size_t at, Sample sample) {
        samples_[at] = std::move(sample);
        ++done_;
        exchanges_[at].reset();
        if (done_ == samples_.size()) {
            const auto self = shared_from_this();  // who waits may let go of it at once
            Finished finished = std::exchange(finished_, nullptr);
            finished();
        } else if (next_ < orders_.size()) {
            // Not from within: a list of names that are none would recurse.
            asio::post(executor_, [weak = weak_from_this()] {
                const auto self = weak.lock();
                if (self && self->next_ < self->exchanges_.size()) {
                    self->start_next();
                }
            });
        }
    }

    asio::any_io_executor executor_;
    const Clock& clock_;
    std::vector<Order> orders_;
    std::vector<Sample> samples_;
    std::vector<std::shared_ptr<Exchange>> exchanges_;
    std::size_t next_ = 0;
    std::size_t done_ = 0;
    Finished finished_;
};

// What stands there when nobody waits for the answer any more.
Sample make_abandoned(const Order& order) {
    Sample sample;
    sample.server = order.server;
    sample.question = order.question;
    sample.problem = "given up";
    return sample;
}

}  // namespace

Prober::Prober(asio::any_io_executor executor, const Clock& clock)
    : executor_{std::move(executor)}, clock_{clock} {}

net::awaitable<Sample> Prober::ask(net::HostPort server, Question question, Ask how) {
    std::vector<Order> orders;
    orders.emplace_back(std::move(server), std::move(question), how);
    auto samples = co_await ask_all(std::move(orders));
    co_return std::move(samples.front());
}

net::awaitable<std::vector<Sample>> Prober::ask_all(std::vector<Order> orders) {
    if (orders.empty()) {
        co_return std::vector<Sample>{};
    }
    std::vector<Sample> abandoned;
    abandoned.reserve(orders.size());
    for (const Order& order : orders) {
        abandoned.push_back(make_abandoned(order));
    }
    auto caller = co_await asio::this_coro::executor;
    using Signal = asio::experimental::channel<void(error_code)>;
    const auto signal = std::make_shared<Signal>(caller, 1);
    auto batch = std::make_shared<Batch>(executor_, clock_, std::move(orders));
    // The caller's loop may be gone as soon as it has been told: nothing of it stays here.
    auto begin = [batch, told = signal, caller]() mutable {
        batch->start([told = std::move(told), caller]() mutable {
            asio::post(caller, [told = std::move(told)] { told->try_send(error_code{}); });
        });
    };
    asio::post(executor_, std::move(begin));
    auto received = co_await signal->async_receive(net::use_result);
    auto& [code] = received;
    if (code) {
        asio::post(executor_, [batch] { batch->cancel(); });
        co_return abandoned;
    }
    co_return batch->take();
}

}  // namespace siding::dns
