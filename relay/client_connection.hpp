// One connection to a server, in the clear or with TLS: does what the smtp client dialogue says.
// Replies are read while octets are being written, so a server that answers early, or gives up, is
// heard at once and neither end can wait for the other for ever. Holds no protocol decisions and
// knows no store.
//
// Lives on one io thread. Several coroutines may be in send() at the same time, up to window() of
// them: whoever waits does the reading and writing for all, in the order of the calls. Everything
// else is used by one coroutine, alone. Nobody may be inside when it is destroyed.
#pragma once

#include "base/limits.hpp"
#include "config/config.hpp"
#include "net/stream.hpp"
#include "relay/next_hop.hpp"
#include "relay/tls_clients.hpp"
#include "relay/wakeup.hpp"
#include "smtp/client_dialogue.hpp"
#include "smtp/data_codec.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace siding::relay {

// The octets of a message on their way out: our Received line, then as they are stored.
class OutgoingBody {
public:
    virtual ~OutgoingBody() = default;
    // The next piece, never empty, until Transaction::octets of them were given. Where a checksum
    // is to be compared, that is done before the last piece is handed out. After an error the
    // server never gets the message's end.
    virtual net::awaitable<Result<std::string>> next() = 0;
};

// How long each answer may take; RFC 5321 §4.5.3.2 where nothing else is said.
struct ReplyTimeouts {
    ReplyTimeouts() = default;  // no aggregate: net/asio.hpp

    std::chrono::milliseconds greeting = limits::greeting_timeout;  // and EHLO, STARTTLS, AUTH
    std::chrono::milliseconds mail = limits::mail_timeout;
    std::chrono::milliseconds rcpt = limits::rcpt_timeout;
    std::chrono::milliseconds data = limits::data_timeout;
    std::chrono::milliseconds end_of_data = limits::data_done_timeout;
};

class ClientConnection {
public:
    ClientConnection(TlsClients& tls_clients, std::string hostname);
    ~ClientConnection();
    ClientConnection(const ClientConnection&) = delete;
    ClientConnection& operator=(const ClientConnection&) = delete;

    // Before open(), or between transactions.
    void set_timeouts(const ReplyTimeouts& timeouts) { timeouts_ = timeouts; }

    // Connects to one candidate after the other until a session stands: greeting, TLS as the
    // server's `tls` says, AUTH. What it gives back on failure is about the server, never about a
    // message. `client` is who PROXY speaks of, where the server has `proxy_protocol`.
    net::awaitable<std::optional<smtp::Verdict>> open(
        const config::Server& server,
        const std::vector<Candidate>& candidates,
        std::optional<net::Endpoint> client = {}
    );
    // The same, with the system's resolver for `address` and `fallback`: no MX, no DANE.
    net::awaitable<std::optional<smtp::Verdict>> open(const config::Server& server);

    // Transactions that may be under way at once. With more than one they are streamed: whole, back
    // to back, without waiting for answers.
    std::size_t window() const { return dialogue_.window(); }

    // One verdict for each recipient, whatever happens.
    net::awaitable<std::vector<smtp::Verdict>> send(
        smtp::Transaction transaction, OutgoingBody& body
    );
    net::awaitable<std::vector<smtp::Verdict>> probe(smtp::Probe probe);

    // A transaction step by step, alone on its connection. The first rcpt() says MAIL as well, with
    // `head`: reverse path, parameters, and octets where they are known (else 0); its recipients
    // are not looked at. `delivered` at Stage::rcpt: the recipient is accepted. A permanent verdict
    // without a reply: the server cannot take this, and was not asked.
    net::awaitable<smtp::Verdict> rcpt(
        const smtp::Transaction& head, smtp::Transaction::Recipient recipient
    );
    // The message, for those that were accepted: one verdict each, in their order. None accepted:
    // nothing is said.
    net::awaitable<std::vector<smtp::Verdict>> finish(std::uint64_t octets, OutgoingBody& body);
    // Gives the transaction up (RSET); without one it says nothing.
    net::awaitable<void> reset();

    // QUIT, if the server still listens.
    net::awaitable<void> close();

    // False after a loss, when the server has closed or spoken while nothing was asked, and when it
    // takes no more transactions (RFC 9422 MAILMAX).
    bool is_usable() const;
    // Nothing is under way.
    bool is_idle() const;
    std::size_t recipients_max() const { return dialogue_.recipients_max(); }
    const smtp::Extensions& extensions() const { return dialogue_.extensions(); }
    const std::string& greeting() const { return dialogue_.greeting(); }        // one line
    const std::string& server_name() const { return dialogue_.server_name(); }  // by its EHLO
    bool is_tls() const { return dialogue_.is_tls(); }
    // "TLSv1.3 TLS_AES_256_GCM_SHA384 verified"; or dane, fingerprint, unverified. Empty without.
    const std::string& tls() const { return tls_; }

    // Whether a reload has left this way to the server as it was at open().
    bool leads_to(const config::Server& server) const;
    // Whether a message of this client may go here: always, but with PROXY only its own.
    bool speaks_for(const std::optional<net::Endpoint>& client) const;
    const std::string& peer() const { return peer_; }

private:
    struct Waiter;
    struct Target;
    using Clock = std::chrono::steady_clock;

    net::awaitable<std::optional<smtp::Verdict>> open_one_of(std::vector<Target> targets);
    net::awaitable<std::optional<smtp::Verdict>> open_at(const Target& target);
    net::awaitable<std::optional<smtp::Verdict>> connect(const Target& target, smtp::ClientTls tls);
    net::awaitable<Result<net::Stream>> reach(const Target& target);
    net::awaitable<Result<void>> read_credentials();
    net::awaitable<void> run_session(smtp::ClientStep first);

    // client_exchange.cpp
    net::awaitable<void> drive(Waiter& me);
    net::awaitable<void> turn();
    net::awaitable<void> feed(Waiter& me);
    net::awaitable<void> start_tls();
    Result<std::string> encode(Result<std::string> piece);
    void apply(smtp::ClientStep step);
    void apply_action(const smtp::ClientAction& action);
    void answer(smtp::Answer answer);
    void put_out(std::string_view octets);
    bool write_out();
    bool read_in();
    void take_replies(std::string_view octets);
    void lose(const Error& error);
    void shut();
    void set_reply_deadline(bool anew);
    std::optional<Clock::time_point> deadline() const;
    bool is_body_due() const;
    bool call_for_body();
    std::size_t unwritten() const { return out_.size() - out_at_; }
    Waiter* find(smtp::Ticket ticket) const;
    void wake_another(const Waiter* but);
    std::chrono::milliseconds timeout_of(smtp::Wait wait) const;

    TlsClients& tls_clients_;
    std::string hostname_;
    ReplyTimeouts timeouts_;
    config::Server server_;
    std::optional<net::Endpoint> client_;
    std::optional<smtp::Credentials> credentials_;
    std::shared_ptr<net::TlsClient> tls_client_;
    smtp::ClientDialogue dialogue_;
    std::optional<net::Stream> stream_;
    bool is_open_ = false;  // the stream is good for something
    std::string peer_;
    std::string tls_;
    smtp::ReplyParser parser_;
    std::string early_;  // octets behind the answer to STARTTLS
    std::optional<smtp::Verdict> session_failure_;

    std::string out_;  // not written yet, from out_at_ on
    std::size_t out_at_ = 0;
    std::uint64_t put_out_ = 0;  // octets ever
    std::uint64_t written_ = 0;
    bool may_write_ = true;
    // Where the last octet of each transaction stands, of those that are not written.
    std::deque<std::pair<smtp::Ticket, std::uint64_t>> ends_;

    std::vector<Waiter*> waiters_;  // in the order of their tickets
    const Waiter* driver_ = nullptr;
    Waiter* session_ = nullptr;  // waits for the session to be ready, or over
    smtp::Ticket last_ticket_ = 0;
    bool wants_tls_ = false;
    unsigned turns_in_a_row_ = 0;  // that did not have to wait

    bool is_chunked_ = false;  // the body under way
    smtp::DataEncoder encoder_;
    std::uint64_t body_left_ = 0;
    std::optional<Clock::time_point> reply_due_;
    std::optional<Clock::time_point> write_due_;
};

}  // namespace siding::relay
