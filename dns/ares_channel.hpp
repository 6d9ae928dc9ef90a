// A c-ares channel whose sockets and time an executor watches. Lives on that executor, which is
// serial. When it is destroyed every request under way ends with an error first.
#pragma once

#include "base/result.hpp"
#include "dns/probe_socket.hpp"
#include "dns/resolver.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>

struct ares_channeldata;
struct ares_options;

namespace siding::dns {

class AresChannel : public std::enable_shared_from_this<AresChannel> {
public:
    // The octets of the answer. Called once, maybe before send() is over.
    using Done = std::function<void(Result<std::string>)>;

    enum class Failure { timed_out, unreachable, other };
    // How one query ended: with the octets of an answer, which may be an error or cut off, or with
    // why there are none. Called once, maybe before send_query() is over.
    using Reply = std::function<void(std::optional<Failure>, std::string_view)>;

    // Reads /etc/resolv.conf and its like.
    static Result<std::shared_ptr<AresChannel>> create(
        net::asio::any_io_executor executor, const ResolverOptions& options
    );
    // Of one server, for one query with this id; tries once, and reads no file.
    static Result<std::shared_ptr<AresChannel>> create_probe(
        net::asio::any_io_executor executor,
        const net::HostPort& server,
        std::chrono::milliseconds timeout,
        bool by_tcp,
        std::uint16_t id
    );
    ~AresChannel();
    AresChannel(const AresChannel&) = delete;
    AresChannel& operator=(const AresChannel&) = delete;

    void send(const std::string& name, RecordType type, Done done);
    bool is_idle() const { return ids_.empty(); }

    void send_query(std::string_view query, Reply reply);
    // Of a probe; what its sockets have seen.
    const ProbeSocket& seen() const { return *probe_; }

private:
    struct Watch;
    struct Request;
    struct Query;
    enum class Want { read, write };
    using Time = net::asio::steady_timer;

    explicit AresChannel(net::asio::any_io_executor executor);

    Result<void> open(const ResolverOptions& options, int flags);
    Result<void> open_probe(
        const net::HostPort& server, std::chrono::milliseconds timeout, bool by_tcp
    );
    void report_sockets_to(ares_options& settings);
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
    static void on_query_reply(
        void* argument, int status, int timeouts, unsigned char* octets, int size
    ) noexcept;

    net::asio::any_io_executor executor_;
    Time timer_;
    std::map<int, std::shared_ptr<Watch>> watches_;
    std::set<std::uint16_t> ids_;  // of requests under way
    std::random_device random_;
    std::optional<ProbeSocket> probe_;
    ares_channeldata* channel_ = nullptr;  // closed before the rest goes
};

}  // namespace siding::dns
