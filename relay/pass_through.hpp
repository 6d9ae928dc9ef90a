// One transaction's way on to the servers of its pass_* recipients, while its sender waits: a
// connection for each server, from the first RCPT to the verdict on the message. What the verdicts
// mean is pass_verdict's to say.
//
// Whatever goes wrong is an answer as well: the recipient is the queue's then. Lives on its
// session's io thread; when it dies, its connections go back to the pool.
#pragma once

#include "config/config.hpp"
#include "queue/intake.hpp"
#include "relay/pass_verdict.hpp"
#include "relay/upstream_pool.hpp"
#include "smtp/transaction.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::relay {

class PassThrough {
public:
    PassThrough(
        UpstreamPool& pool, std::shared_ptr<const config::Config> config, net::Endpoint client
    );
    ~PassThrough();
    PassThrough(const PassThrough&) = delete;
    PassThrough& operator=(const PassThrough&) = delete;

    struct Answer {
        Answer() = default;  // no aggregate: net/asio.hpp

        std::optional<smtp::Reply> reply;  // for the sender, the server's; else our own yes
        const Passed* passed = nullptr;    // lives as long as this; null: the reply refuses
    };
    // `head`: what was said at MAIL (ClientConnection::rcpt).
    net::awaitable<Answer> rcpt(
        std::string server, const smtp::Transaction& head, smtp::Transaction::Recipient recipient
    );

    // The message, to each server that has accepted a recipient. Afterwards the verdicts stand in
    // what the answers have pointed to.
    net::awaitable<void> send(const queue::Intake& intake, std::string_view trace_header);

    // A reply of one of these servers, for the sender.
    smtp::Reply as_ours(smtp::Reply reply) const;

    // What became of the recipients, for the metrics: once, when it is certain.
    void count_outcomes(bool is_refused);

    // "old 192.0.2.1:25", for the list of sessions; empty without a connection.
    std::string describe() const;

private:
    struct Leg {
        explicit Leg(std::string name) : server{std::move(name)} {}

        std::string server;
        std::unique_ptr<Upstream> upstream;
        std::string peer;
        std::string tls;
        std::optional<smtp::Verdict> verdict;  // of MAIL or of the session: everybody's from now on
        bool is_closed = false;                // nobody is asked any more
        std::vector<Passed*> accepted;
        std::string domain;  // of the first recipient
    };

    Leg& leg_of(const std::string& server);
    bool may_ask(const Leg& leg, const std::string& domain) const;
    net::awaitable<std::optional<smtp::Verdict>> ask(
        Leg& leg, const smtp::Transaction& head, const smtp::Transaction::Recipient& recipient
    );
    net::awaitable<std::optional<smtp::Verdict>> ask_first(
        Leg& leg, const smtp::Transaction& head, const smtp::Transaction::Recipient& recipient
    );
    void learn(Leg& leg, const smtp::Verdict& verdict);
    void lose(Leg& leg, const smtp::Verdict& verdict);
    void leave(Leg& leg, UpstreamPool::Left left);
    net::awaitable<void> send(Leg& leg, const queue::Intake& intake, std::string_view trace_header);
    Answer answer(Leg& leg, std::optional<smtp::Verdict> verdict, std::string sent_as);
    std::string remap(smtp::Transaction::Recipient& recipient) const;

    UpstreamPool& pool_;
    std::shared_ptr<const config::Config> config_;
    net::Endpoint client_;
    std::deque<Leg> legs_;
    std::deque<Passed> passed_;
    std::vector<std::string> their_names_;
};

}  // namespace siding::relay
