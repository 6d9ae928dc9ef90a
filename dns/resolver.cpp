#include "dns/resolver.hpp"

#include "base/bytes.hpp"
#include "dns/ares_channel.hpp"
#include "dns/message.hpp"
#include "net/network_error.hpp"

#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace siding::dns {
namespace {

namespace asio = net::asio;
using boost::system::error_code;
using net::awaitable;
using SteadyTime = std::chrono::steady_clock::time_point;
using Octets = asio::experimental::channel<void(error_code, Result<std::string>)>;

// /etc/resolv.conf may have changed: some hundred octets, in memory.
constexpr std::chrono::minutes system_servers_kept_for{1};
constexpr std::size_t name_octets_max = 253;  // RFC 1035 §2.3.4
constexpr std::size_t label_octets_max = 63;

// Letters, digits, '-', '_' and single dots: the rest would be escaped one way or the other.
bool is_name(std::string_view name) {
    std::size_t label = 0;
    for (const char c : name) {
        const bool is_plain =
            (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (c == '.' ? label == 0 : !is_plain) {
            return false;
        }
        label = c == '.' ? 0 : label + 1;
        if (label > label_octets_max) {
            return false;
        }
    }
    return label > 0 && name.size() <= name_octets_max;
}

// What a Record can hold; dns::Prober asks for everything else.
bool is_of_next_hops(RecordType type) {
    return type == RecordType::a || type == RecordType::aaaa || type == RecordType::mx ||
           type == RecordType::tlsa;
}

}  // namespace

// On the executor, but for its construction and destruction.
class Resolver::Impl {
public:
    Impl(asio::any_io_executor executor, ResolverOptions options)
        : executor_{std::move(executor)}, options_{std::move(options)} {}

    const asio::any_io_executor& executor() const { return executor_; }

    void configure(ResolverOptions options) {
        if (options != options_) {
            options_ = std::move(options);
            retire();
        }
    }

    void ask(const std::string& name, RecordType type, AresChannel::Done done) {
        std::erase_if(retired_, [](const auto& channel) { return channel->is_idle(); });
        const auto now = std::chrono::steady_clock::now();
        if (options_.servers.empty() && now - opened_at_ > system_servers_kept_for) {
            retire();
        }
        if (!channel_) {
            auto opened = AresChannel::create(executor_, options_);
            if (!opened) {
                done(opened.error());
                return;
            }
            channel_ = std::move(*opened);
            opened_at_ = now;
        }
        channel_->send(name, type, std::move(done));
    }

private:
    void retire() {
        if (channel_ && !channel_->is_idle()) {
            retired_.push_back(channel_);
        }
        channel_.reset();
    }

    asio::any_io_executor executor_;
    ResolverOptions options_;
    SteadyTime opened_at_;
    std::shared_ptr<AresChannel> channel_;
    std::vector<std::shared_ptr<AresChannel>> retired_;  // with questions under way
};

Resolver::Resolver(asio::any_io_executor executor, ResolverOptions options)
    : impl_{std::make_shared<Impl>(std::move(executor), std::move(options))} {}

Resolver::~Resolver() = default;

void Resolver::configure(ResolverOptions options) {
    auto apply = [weak = std::weak_ptr{impl_}, options = std::move(options)]() mutable {
        if (const auto impl = weak.lock()) {
            impl->configure(std::move(options));
        }
    };
    asio::post(impl_->executor(), std::move(apply));
}

awaitable<Result<Answer>> Resolver::query(std::string name, RecordType type) {
    name = to_lower(name);
    if (name.ends_with('.')) {
        name.pop_back();
    }
    if (!is_name(name)) {
        co_return Error{Errc::invalid_argument, "\"" + escape(name) + "\" is no name in DNS"};
    }
    if (!is_of_next_hops(type)) {
        const std::string what{format_type(type)};
        co_return Error{Errc::invalid_argument, "the resolver of next hops reads no " + what};
    }
    auto caller = co_await asio::this_coro::executor;
    auto octets = std::make_shared<Octets>(caller, 1);
    // Goes from hand to hand: the caller's loop may be gone as soon as it has been told, and
    // nothing of it may be left here then.
    auto give = [octets, caller](Result<std::string> reply) mutable {
        auto tell = [octets = std::move(octets), reply = std::move(reply)]() mutable {
            octets->try_send(error_code{}, std::move(reply));
        };
        asio::post(caller, std::move(tell));
    };
    auto ask = [weak = std::weak_ptr{impl_}, name, type, give = std::move(give)]() mutable {
        if (const auto impl = weak.lock()) {
            impl->ask(name, type, std::move(give));
        }
    };
    asio::post(impl_->executor(), std::move(ask));
    auto received = co_await octets->async_receive(net::use_result);
    auto& [code, reply] = received;
    if (code) {
        co_return net::make_cancelled("DNS about " + name);
    }
    SIDING_CO_ASSIGN(const std::string text, std::move(reply));
    auto answer = parse_answer(text, name, type);
    co_return answer;
}

}  // namespace siding::dns
