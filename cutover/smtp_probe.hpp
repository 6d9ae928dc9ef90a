// Looks at a mail server without sending mail: the greeting, EHLO, STARTTLS and the certificates
// that it shows, and the answers to commands that lead to no message. TLS is never a condition:
// whatever certificate comes is taken, kept, and judged by who asked (net/certificate.hpp).
#pragma once

#include "base/result.hpp"
#include "net/asio.hpp"
#include "net/endpoint.hpp"
#include "net/stream.hpp"
#include "net/tls_facts.hpp"
#include "smtp/extensions.hpp"
#include "smtp/reply.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::cutover {

struct SmtpProbeOptions {
    SmtpProbeOptions() = default;  // no aggregate: net/asio.hpp

    std::string hello = "localhost";  // who we say we are
    std::string name;                 // to ask for by SNI; empty or an address: nobody
    std::chrono::milliseconds timeout = std::chrono::seconds{4};  // of connecting and each answer
    std::vector<std::string> source_addresses;                    // as net::ConnectOptions
    bool wants_tls = true;                                        // where it is offered
    bool is_implicit_tls = false;                                 // port 465
    bool says_proxy = false;  // a PROXY header first, that speaks of ourselves
};

// What one address of a server has shown.
struct SmtpView {
    SmtpView() = default;  // no aggregate: net/asio.hpp

    enum class Reach {
        answered,   // greeting and EHLO
        no_route,   // this machine has no way there (IPv6 without IPv6)
        refused,    // nobody listens
        timed_out,  // packets vanish, or the server says nothing
        failed,     // it is no mail server, turns us away, or hangs up
    };

    net::Endpoint address;
    Reach reach = Reach::failed;
    std::string problem;                    // when not answered: one line
    std::string greeting;                   // one line, escaped
    std::string server_name;                // of its EHLO reply, lower case
    std::vector<std::string> keywords;      // of EHLO, upper case, before TLS
    std::vector<std::string> tls_keywords;  // after STARTTLS; empty without
    smtp::Extensions extensions;            // of the last EHLO
    bool offers_tls = false;
    std::optional<net::TlsFacts> tls;  // after a handshake
    std::string tls_problem;           // STARTTLS was offered and went wrong
    std::vector<std::string> chain;    // DER, the server's own certificate first
    std::chrono::milliseconds took{0};

    bool has_answered() const { return reach == Reach::answered; }
};

class SmtpProbe {
public:
    // Connects and greets, STARTTLS included; the view says how far it got. With a view that
    // has_answered() the probe takes commands.
    static net::awaitable<std::unique_ptr<SmtpProbe>> open(
        net::Endpoint address, SmtpProbeOptions options
    );
    ~SmtpProbe();
    SmtpProbe(const SmtpProbe&) = delete;
    SmtpProbe& operator=(const SmtpProbe&) = delete;

    const SmtpView& view() const { return view_; }

    // Without CRLF; the view is used before the first wait.
    net::awaitable<Result<smtp::Reply>> say(std::string_view line);
    // QUIT, if the server still listens.
    net::awaitable<void> close();

private:
    SmtpProbe(net::Endpoint address, SmtpProbeOptions options);

    net::awaitable<void> run();
    net::awaitable<Result<void>> greet();
    net::awaitable<Result<void>> start_tls();
    net::awaitable<Result<smtp::Reply>> ehlo(std::vector<std::string>& keywords);
    net::awaitable<Result<smtp::Reply>> read_reply();
    void fail(const Error& error);

    SmtpProbeOptions options_;
    SmtpView view_;
    std::optional<net::Stream> stream_;
    smtp::ReplyParser parser_;
    std::string unread_;
};

// open(), and close at once.
net::awaitable<SmtpView> look_at_smtp(net::Endpoint address, SmtpProbeOptions options);

}  // namespace siding::cutover
