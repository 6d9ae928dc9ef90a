#include "dns/ares_channel.hpp"

#include "base/bytes.hpp"
#include "base/limits.hpp"
#include "dns/query.hpp"

#include <ares.h>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <arpa/inet.h>
#include <array>
#include <chrono>
#include <sys/time.h>
#include <utility>

namespace siding::dns {
namespace {

namespace asio = net::asio;
using boost::system::error_code;

constexpr int class_in = 1;
constexpr unsigned char authenticated_data = 0x20;  // in the fourth octet
constexpr std::size_t flags_octet = 3;

struct FreeServers {
    void operator()(ares_addr_port_node* servers) const { ::ares_free_data(servers); }
};

struct FreeQuery {
    void operator()(unsigned char* octets) const { ::ares_free_string(octets); }
};

// Counted by c-ares; the process keeps it until its end.
bool is_library_ready() {
    static const bool is_ready = ::ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS;
    return is_ready;
}

Error failure(const std::string& name, int status) {
    const std::string what = "DNS about " + name + ": ";
    switch (status) {
    case ARES_ETIMEOUT:
        return {Errc::unavailable, what + "no server has answered in time"};
    case ARES_ECONNREFUSED:
    case ARES_ESERVFAIL:
        return {Errc::unavailable, what + "no server can be reached, or each has failed"};
    case ARES_EBADNAME:
        return {Errc::invalid_argument, what + "this is no name"};
    default:
        return {Errc::unavailable, what + ::ares_strerror(status)};
    }
}

}  // namespace

// A socket of c-ares'. It closes it itself: here it is only watched.
struct AresChannel::Watch {
    explicit Watch(asio::any_io_executor executor) : descriptor{std::move(executor)} {}

    int socket = ARES_SOCKET_BAD;
    asio::posix::stream_descriptor descriptor;
    bool wants_read = false;
    bool wants_write = false;
    bool is_reading = false;  // a wait is under way
    bool is_writing = false;
};

struct AresChannel::Request {
    AresChannel& channel;
    std::uint16_t id;
    std::string name;
    Done done;
};

struct AresChannel::Query {
    Reply reply;
};

AresChannel::AresChannel(asio::any_io_executor executor)
    : executor_{executor}, timer_{std::move(executor)} {}

AresChannel::~AresChannel() {
    close();
}

Result<std::shared_ptr<AresChannel>> AresChannel::create(
    asio::any_io_executor executor, const ResolverOptions& options
) {
    if (!is_library_ready()) {
        return Error{Errc::internal, "c-ares cannot be started"};
    }
    std::shared_ptr<AresChannel> made{new AresChannel{std::move(executor)}};
    constexpr int flags = ARES_FLAG_EDNS | ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
    SIDING_TRY(made->open(options, flags));
    // c-ares keeps to itself why a server has failed, so that the next one can be asked. Where
    // there is no next one, we would rather know.
    if (made->server_count() == 1) {
        made->close();
        SIDING_TRY(made->open(options, flags | ARES_FLAG_NOCHECKRESP));
    }
    return made;
}

Result<std::shared_ptr<AresChannel>> AresChannel::create_probe(
    asio::any_io_executor executor,
    const net::HostPort& server,
    std::chrono::milliseconds timeout,
    bool by_tcp,
    std::uint16_t id
) {
    if (!is_library_ready()) {
        return Error{Errc::internal, "c-ares cannot be started"};
    }
    std::shared_ptr<AresChannel> made{new AresChannel{std::move(executor)}};
    made->probe_.emplace(id);
    SIDING_TRY(made->open_probe(server, timeout, by_tcp));
    return made;
}

void AresChannel::report_sockets_to(ares_options& settings) {
    settings.sock_state_cb_data = this;
    settings.sock_state_cb = [](void* self, ares_socket_t socket, int for_read, int for_write) {
        static_cast<AresChannel*>(self)->watch(socket, for_read != 0, for_write != 0);
    };
}

Result<void> AresChannel::open(const ResolverOptions& options, int flags) {
    ares_options settings{};
    settings.flags = flags;
    settings.timeout = static_cast<int>(options.timeout.count());
    settings.tries = static_cast<int>(options.tries);
    settings.ednspsz = udp_octets_max;
    report_sockets_to(settings);
    const int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ |
                     ARES_OPT_SOCK_STATE_CB | ARES_OPT_NOROTATE;
    int status = ::ares_init_options(&channel_, &settings, mask);
    if (status != ARES_SUCCESS) {
        channel_ = nullptr;
        return Error{Errc::unavailable, std::string{"preparing DNS: "} + ::ares_strerror(status)};
    }
    std::string servers;
    for (const net::HostPort& server : options.servers) {
        servers += (servers.empty() ? "" : ",") + server.text();
    }
    if (!servers.empty()) {
        status = ::ares_set_servers_ports_csv(channel_, servers.c_str());
    }
    if (status != ARES_SUCCESS) {
        return Error{
            Errc::invalid_argument, "DNS servers " + servers + ": " + ::ares_strerror(status)};
    }
    return {};
}

// Every setting that c-ares would otherwise look for in files is given: then it reads none.
Result<void> AresChannel::open_probe(
    const net::HostPort& server, std::chrono::milliseconds timeout, bool by_tcp
) {
    ares_addr_port_node node{};
    node.udp_port = node.tcp_port = server.port;
    node.family = AF_INET;
    if (::inet_pton(AF_INET, server.host.c_str(), &node.addr.addr4) != 1) {
        node.family = AF_INET6;
        if (::inet_pton(AF_INET6, server.host.c_str(), &node.addr.addr6) != 1) {
            return Error{
                Errc::invalid_argument,
                "\"" + escape(server.host) + "\" is no address of a server"};
        }
    }
    in_addr nobody{};
    std::array<char, 2> lookups{"b"};
    ares_options settings{};
    // With EDNS c-ares takes more than 512 octets; the OPT record itself is in our query.
    settings.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_NOCHECKRESP |
                     ARES_FLAG_IGNTC | ARES_FLAG_EDNS | (by_tcp ? ARES_FLAG_USEVC : 0);
    settings.timeout = static_cast<int>(timeout.count());
    settings.tries = 1;
    settings.ndots = 1;
    settings.servers = &nobody;
    settings.nservers = 1;
    settings.lookups = lookups.data();
    settings.ednspsz = udp_octets_max;
    report_sockets_to(settings);
    const int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS |
                     ARES_OPT_SERVERS | ARES_OPT_DOMAINS | ARES_OPT_SORTLIST | ARES_OPT_LOOKUPS |
                     ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB | ARES_OPT_NOROTATE;
    int status = ::ares_init_options(&channel_, &settings, mask);
    if (status != ARES_SUCCESS) {
        channel_ = nullptr;
        return Error{Errc::unavailable, std::string{"preparing DNS: "} + ::ares_strerror(status)};
    }
    probe_->attach(channel_);
    status = ::ares_set_servers_ports(channel_, &node);
    if (status != ARES_SUCCESS) {
        return Error{
            Errc::invalid_argument, "DNS server " + server.text() + ": " + ::ares_strerror(status)};
    }
    return {};
}

std::size_t AresChannel::server_count() const {
    ares_addr_port_node* raw = nullptr;
    if (::ares_get_servers_ports(channel_, &raw) != ARES_SUCCESS) {
        return 0;
    }
    const std::unique_ptr<ares_addr_port_node, FreeServers> owner{raw};
    std::size_t count = 0;
    for (const ares_addr_port_node* server = raw; server != nullptr; server = server->next) {
        ++count;
    }
    return count;
}

void AresChannel::close() {
    if (channel_ != nullptr) {
        ::ares_destroy(std::exchange(channel_, nullptr));
    }
    timer_.cancel();
}

// RFC 5452 §4.5: nobody must be able to guess it.
std::uint16_t AresChannel::take_id() {
    while (true) {
        const auto id = static_cast<std::uint16_t>(random_());
        if (ids_.insert(id).second) {
            return id;
        }
    }
}

void AresChannel::send(const std::string& name, RecordType type, Done done) {
    if (ids_.size() >= limits::dns_questions_max) {
        done(Error{Errc::unavailable, "too many questions to DNS at once"});
        return;
    }
    const std::uint16_t id = take_id();
    unsigned char* raw = nullptr;
    int size = 0;
    const int status = ::ares_create_query(
        name.c_str(), class_in, static_cast<int>(type), id, 1, &raw, &size, udp_octets_max
    );
    if (status != ARES_SUCCESS) {
        ids_.erase(id);
        done(failure(name, status));
        return;
    }
    const std::unique_ptr<unsigned char, FreeQuery> octets{raw};
    // RFC 6840 §5.7: we want to know whether it was validated, without all the signatures.
    octets.get()[flags_octet] |= authenticated_data;
    auto request = std::make_unique<Request>(Request{*this, id, name, std::move(done)});
    ::ares_send(channel_, octets.get(), size, on_reply, request.release());
    wait_for_time();
}

void AresChannel::on_reply(
    void* argument, int status, int /*timeouts*/, unsigned char* octets, int size
) noexcept {
    const std::unique_ptr<Request> request{static_cast<Request*>(argument)};
    request->channel.ids_.erase(request->id);
    if (octets == nullptr || size <= 0 || status == ARES_EDESTRUCTION) {
        request->done(failure(request->name, status));
        return;
    }
    const auto* const text = reinterpret_cast<const char*>(octets);
    request->done(std::string{text, static_cast<std::size_t>(size)});
}

void AresChannel::send_query(std::string_view query, Reply reply) {
    auto request = std::make_unique<Query>(Query{std::move(reply)});
    const auto* const octets = reinterpret_cast<const unsigned char*>(query.data());
    ::ares_send(
        channel_, octets, static_cast<int>(query.size()), on_query_reply, request.release()
    );
    wait_for_time();
}

void AresChannel::on_query_reply(
    void* argument, int status, int /*timeouts*/, unsigned char* octets, int size
) noexcept {
    const std::unique_ptr<Query> request{static_cast<Query*>(argument)};
    if (status == ARES_SUCCESS && octets != nullptr && size > 0) {
        request->reply({}, {reinterpret_cast<const char*>(octets), static_cast<std::size_t>(size)});
        return;
    }
    const bool is_unreachable = status == ARES_ECONNREFUSED;
    const Failure failure = status == ARES_ETIMEOUT ? Failure::timed_out
                            : is_unreachable        ? Failure::unreachable
                                                    : Failure::other;
    request->reply(failure, {});
}

void AresChannel::watch(int socket, bool for_read, bool for_write) {
    auto& watched = watches_[socket];
    if (watched && !for_read && !for_write) {
        watched->wants_read = watched->wants_write = false;
        watched->descriptor.release();  // before c-ares closes it
    }
    if (!for_read && !for_write) {
        watches_.erase(socket);
        return;
    }
    if (!watched) {
        watched = std::make_shared<Watch>(executor_);
        watched->socket = socket;
        error_code code;
        watched->descriptor.assign(socket, code);
        if (code) {  // out of memory for the event loop: the request will end by its time
            watches_.erase(socket);
            return;
        }
    }
    watched->wants_read = for_read;
    watched->wants_write = for_write;
    wait(watched, Want::read);
    wait(watched, Want::write);
}

void AresChannel::wait(const std::shared_ptr<Watch>& watched, Want want) {
    const bool is_read = want == Want::read;
    bool& is_waiting = is_read ? watched->is_reading : watched->is_writing;
    if (is_waiting || !(is_read ? watched->wants_read : watched->wants_write)) {
        return;
    }
    is_waiting = true;
    auto on_ready = [self = weak_from_this(), held = std::weak_ptr{watched}, want](error_code code
                    ) {
        const auto channel = self.lock();
        const auto ready = held.lock();
        if (!channel || !ready) {
            return;
        }
        const bool was_read = want == Want::read;
        (was_read ? ready->is_reading : ready->is_writing) = false;
        if (code) {
            return;
        }
        if (was_read) {
            channel->process(ready->socket, ARES_SOCKET_BAD);
        } else {
            channel->process(ARES_SOCKET_BAD, ready->socket);
        }
        channel->wait(ready, want);
    };
    using Descriptor = asio::posix::stream_descriptor;
    watched->descriptor.async_wait(
        is_read ? Descriptor::wait_read : Descriptor::wait_write, std::move(on_ready)
    );
}

void AresChannel::process(int readable, int writable) {
    if (channel_ != nullptr) {
        ::ares_process_fd(channel_, readable, writable);
        wait_for_time();
    }
}

void AresChannel::wait_for_time() {
    timeval left{};
    if (::ares_timeout(channel_, nullptr, &left) == nullptr) {
        timer_.cancel();
        return;
    }
    using std::chrono::milliseconds;
    const auto time = std::chrono::seconds{left.tv_sec} + std::chrono::microseconds{left.tv_usec};
    // One more, so that it has really passed.
    timer_.expires_after(std::chrono::duration_cast<milliseconds>(time) + milliseconds{1});
    timer_.async_wait([self = weak_from_this()](error_code code) {
        const auto channel = self.lock();
        if (channel && !code) {
            channel->process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
        }
    });
}

}  // namespace siding::dns
