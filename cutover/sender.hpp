// The outside world of a rehearsal: a mail server that has messages to send, over several sessions
// at once, and that remembers which of them were acknowledged. Does not try again by itself: who
// calls asks the proof what is still open.
#pragma once

#include "cutover/rehearsal_mail.hpp"
#include "cutover/rehearsal_proof.hpp"
#include "net/endpoint.hpp"
#include "net/task_group.hpp"

#include <deque>
#include <functional>
#include <string>
#include <vector>

namespace siding::cutover {

class Sender {
public:
    // `files` runs what reads from disk. What is referred to outlives the sender.
    Sender(
        net::asio::any_io_executor executor,
        net::asio::any_io_executor files,
        const MailSource& mail,
        Proof& proof
    );

    // Begins; is_done() when the last session has ended, which a lost connection makes it do.
    // `on_acknowledged` is called after each 250, on the session's stack.
    Result<void> start(
        std::vector<std::size_t> numbers,
        net::HostPort target,
        std::function<void()> on_acknowledged = {}
    );
    bool is_done() const { return sessions_.count() == 0; }

    // Once, before the sender goes: ends what is under way.
    net::awaitable<void> stop();

private:
    static net::awaitable<void> run_session(Sender& self);
    net::awaitable<void> send_waiting();

    net::asio::any_io_executor files_;
    const MailSource& mail_;
    Proof& proof_;
    net::HostPort target_;
    std::deque<std::size_t> waiting_;
    std::function<void()> on_acknowledged_;
    net::TaskGroup sessions_;
};

}  // namespace siding::cutover
