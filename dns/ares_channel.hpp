// A c-ares channel whose sockets and time an executor watches. Lives on that executor, which is
// serial. When it is destroyed every request under way ends with an error first.
#pragma once

#include "base/result.hpp"
#include "dns/resolver.hpp"

#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>

struct ares_channeldata;

namespace siding::dns {

class AresChannel : public std::enable_shared_from_this<AresChannel> {
public:
    // The octets of the answer. Called once, maybe before send() is over.
    using Done = std::function<void(Result<std::string>)>;

    // Reads /etc/resolv.conf and its like.
    static Result<std::shared_ptr<AresChannel>> create(
        net::asio::any_io_executor executor, const ResolverOptions& options
    );
    ~AresChannel();
    AresChannel(const AresChannel&) = delete;
    AresChannel& operator=(const AresChannel&) = delete;

    void send(const std::string& name, RecordType type, Done done);
    bool is_idle() const { return ids_.empty(); }

private:
    struct Watch;
    struct Request;
    enum class Want { read, write };
    using Time = net::asio::steady_timer;

    explicit AresChannel(net::asio::any_io_executor executor);

    Result<void> open(const ResolverOptions& options, int flags);
    std::size_t server_count() const;
    void close();
    std::uint16_t take_id();

    void watch(int socket, bool for_read, bool for_write);
    void wait(const std::shared_ptr<Watch>& watched, Want want);
    void wait_for_time();
    void process(int readable, int writable);
    static void on_reply(
        void* argument, int status, int timeouts, unsigned char* octets, int size
    ) noexcept;

    net::asio::any_io_executor executor_;
    Time timer_;
    std::map<int, std::shared_ptr<Watch>> watches_;
    std::set<std::uint16_t> ids_;  // of requests under way
    std::random_device random_;
    ares_channeldata* channel_ = nullptr;  // closed before the rest goes
};

}  // namespace siding::dns
