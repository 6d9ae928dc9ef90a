// A client that costs little: blocking sockets and one process for each session (threads would wait
// for each other in OpenSSL). Says what a sender sees, as one line of JSON: seconds, and how long
// the answer to the end of data took, or the whole transaction. bench_load.py builds it.
//
//   smtp_load PORT SESSIONS MESSAGES OCTETS FRESH TLS ADDRESSES WHOLE
//
// FRESH 1: each message has its own connection; TLS 1: STARTTLS with TLS 1.3, never resumed.
// ADDRESSES: sessions come from so many loopback addresses, from 127.0.0.1 on.
// WHOLE 1: the time is that from MAIL to the last answer.
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <arpa/inet.h>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <netinet/tcp.h>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

using Steady = std::chrono::steady_clock;

struct Settings {
    std::uint16_t port = 0;
    unsigned sessions = 1;
    unsigned messages = 1;
    std::size_t octets = 4096;
    bool fresh = false;
    bool tls = false;
    unsigned addresses = 1;
    bool whole = false;
};

struct FreeContext {
    void operator()(SSL_CTX* context) const { ::SSL_CTX_free(context); }
};
struct FreeHandle {
    void operator()(SSL* handle) const { ::SSL_free(handle); }
};
using Context = std::unique_ptr<SSL_CTX, FreeContext>;

[[noreturn]] void fail(const std::string& what) {
    throw std::runtime_error{what};
}

Context make_context() {
    Context context{::SSL_CTX_new(::TLS_client_method())};
    SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
    SSL_CTX_set1_groups_list(context.get(), "X25519");
    ::SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    return context;
}

class Connection {
public:
    Connection(const Settings& settings, unsigned session) {
        socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in from{};
        from.sin_family = AF_INET;
        from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + session % settings.addresses);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(settings.port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const int on = 1;
        const timeval patience{120, 0};
        // The port is chosen at connect(), so that addresses do not run out of them.
        ::setsockopt(socket_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        if (::bind(socket_, reinterpret_cast<sockaddr*>(&from), sizeof from) != 0 ||
            ::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
            fail(std::string{"connect: "} + std::strerror(errno));
        }
    }
    ~Connection() {
        handle_.reset();
        ::close(socket_);
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void start_tls(SSL_CTX* context) {
        handle_.reset(::SSL_new(context));
        ::SSL_set_fd(handle_.get(), socket_);
        if (::SSL_connect(handle_.get()) != 1) {
            fail("handshake: " + std::to_string(::ERR_get_error()));
        }
        if (::SSL_session_reused(handle_.get()) == 1) {
            fail("a resumed session is no new handshake");
        }
    }

    void send(std::string_view octets) {
        while (!octets.empty()) {
            const auto sent =
                handle_ ? ::SSL_write(handle_.get(), octets.data(), static_cast<int>(octets.size()))
                        : ::send(socket_, octets.data(), octets.size(), MSG_NOSIGNAL);
            if (sent <= 0) {
                fail("the server closed the connection while we wrote");
            }
            octets.remove_prefix(static_cast<std::size_t>(sent));
        }
    }

    // The last line of each reply decides.
    void expect(std::initializer_list<char> kinds) {
        for (const char kind : kinds) {
            std::string line = read_line();
            while (line.size() > 3 && line[3] == '-') {
                line = read_line();
            }
            if (line.empty() || line[0] != kind) {
                fail("unexpected reply: " + line);
            }
        }
    }

private:
    std::string read_line() {
        for (;;) {
            const auto end = std::find(room_ + begin_, room_ + end_, '\n');
            if (end != room_ + end_) {
                std::string line{room_ + begin_, end};
                begin_ = static_cast<std::size_t>(end - room_) + 1;
                return line;
            }
            std::copy(room_ + begin_, room_ + end_, room_);
            end_ -= std::exchange(begin_, 0);
            const auto left = sizeof room_ - end_;
            const auto got = handle_
                                 ? ::SSL_read(handle_.get(), room_ + end_, static_cast<int>(left))
                                 : ::recv(socket_, room_ + end_, left, 0);
            if (got <= 0) {
                fail("the server closed the connection where a reply was due");
            }
            end_ += static_cast<std::size_t>(got);
        }
    }

    int socket_ = -1;
    std::unique_ptr<SSL, FreeHandle> handle_;
    char room_[4096];
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

// What the sessions' processes share; lives in shared memory.
struct Tally {
    std::atomic<unsigned> taken = 0;
    std::atomic<unsigned> done = 0;
    std::atomic<unsigned> failures = 0;
    float* answers = nullptr;  // milliseconds, one for each message done
};

void* shared_memory(std::size_t octets) {
    void* const memory =
        ::mmap(nullptr, octets, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        fail("no shared memory");
    }
    return memory;
}

class Load {
public:
    explicit Load(Settings settings)
        : settings_{settings},
          context_{make_context()},
          tally_{*new (shared_memory(sizeof(Tally))) Tally} {
        tally_.answers =
            static_cast<float*>(shared_memory(sizeof(float) * (settings_.messages + 1)));
        body_ = "From: <ann@sender.example>\r\nTo: <bob@example.com>\r\nSubject: load\r\n\r\n";
        while (body_.size() < settings_.octets) {
            body_ += "The quick brown fox jumps over the lazy dog, again and again and again.\r\n";
        }
        body_ += ".\r\n";
    }

    int run() {
        const auto start = Steady::now();
        unsigned running = 0;
        for (; running < settings_.sessions; ++running) {
            const auto child = ::fork();
            if (child == 0) {
                run_session(running);
                ::_exit(0);
            }
            if (child < 0) {
                fail("cannot fork");
            }
        }
        for (; running > 0; --running) {
            int status = 0;
            ::wait(&status);
            tally_.failures += status != 0 ? 1 : 0;
        }
        print(std::chrono::duration<double>(Steady::now() - start).count());
        return tally_.failures == 0 ? 0 : 1;
    }

private:
    void run_session(unsigned session) {
        try {
            std::unique_ptr<Connection> connection;
            while (tally_.taken.fetch_add(1) < settings_.messages) {
                if (!connection) {
                    connection = open(session);
                }
                const float answer = send_message(*connection);
                tally_.answers[tally_.done.fetch_add(1)] = answer;
                if (settings_.fresh) {
                    close(std::move(connection));
                }
            }
            if (connection) {
                close(std::move(connection));
            }
        } catch (const std::exception& failure) {
            if (tally_.failures.fetch_add(1) == 0) {
                std::fprintf(stderr, "session %u: %s\n", session, failure.what());
            }
        }
    }

    std::unique_ptr<Connection> open(unsigned session) const {
        auto connection = std::make_unique<Connection>(settings_, session);
        connection->expect({'2'});
        connection->send("EHLO load.example\r\n");
        connection->expect({'2'});
        if (settings_.tls) {
            connection->send("STARTTLS\r\n");
            connection->expect({'2'});
            connection->start_tls(context_.get());
            connection->send("EHLO load.example\r\n");
            connection->expect({'2'});
        }
        return connection;
    }

    float send_message(Connection& connection) const {
        auto start = Steady::now();
        connection.send("MAIL FROM:<ann@sender.example>\r\nRCPT TO:<bob@example.com>\r\nDATA\r\n");
        connection.expect({'2', '2', '3'});
        connection.send(body_);
        if (!settings_.whole) {
            start = Steady::now();
        }
        connection.expect({'2'});
        return std::chrono::duration<float, std::milli>(Steady::now() - start).count();
    }

    static void close(std::unique_ptr<Connection> connection) {
        connection->send("QUIT\r\n");
        connection->expect({'2'});
    }

    void print(double seconds) const {
        std::vector<float> all{tally_.answers, tally_.answers + tally_.done};
        std::ranges::sort(all);
        const auto at = [&](double part) {
            return all.empty() ? 0.0 : all[static_cast<std::size_t>(part * double(all.size() - 1))];
        };
        rusage used{};
        ::getrusage(RUSAGE_CHILDREN, &used);
        const auto cpu_us = (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1'000'000 +
                            used.ru_utime.tv_usec + used.ru_stime.tv_usec;
        std::printf(
            "{\"messages\": %zu, \"seconds\": %.6f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, "
            "\"max_ms\": %.3f, \"cpu_seconds\": %.3f}\n",
            all.size(),
            seconds,
            at(0.5),
            at(0.99),
            at(1),
            double(cpu_us) / 1e6
        );
    }

    const Settings settings_;
    const Context context_;
    Tally& tally_;
    std::string body_;
};

}  // namespace

int main(int count, char** arguments) {
    if (count != 9) {
        std::fprintf(stderr, "smtp_load PORT SESSIONS MESSAGES OCTETS FRESH TLS ADDRESSES WHOLE\n");
        return 2;
    }
    const auto number = [&](int index) {
        return static_cast<unsigned>(std::strtoul(arguments[index], nullptr, 10));
    };
    Settings settings;
    settings.port = static_cast<std::uint16_t>(number(1));
    settings.sessions = std::max(1U, number(2));
    settings.messages = number(3);
    settings.octets = number(4);
    settings.fresh = number(5) != 0;
    settings.tls = number(6) != 0;
    settings.addresses = std::max(1U, number(7));
    settings.whole = number(8) != 0;
    return Load{settings}.run();
}
