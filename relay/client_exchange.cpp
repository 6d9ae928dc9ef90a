// ClientConnection: octets in and out, at the same time.
#include "base/bytes.hpp"
#include "base/check.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "net/network_error.hpp"
#include "relay/client_connection.hpp"
#include "relay/client_waiter.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace siding::relay {
namespace {

const Logger log{"smtp"};

constexpr std::chrono::hours patience{1};  // of who is woken by others
constexpr unsigned turns_in_a_row_max = 16;

std::string describe(const net::TlsFacts& facts) {
    const char* trust = "unverified";
    switch (facts.trust) {
    case net::TlsTrust::none:
        break;
    case net::TlsTrust::chain:
        trust = "verified";
        break;
    case net::TlsTrust::fingerprint:
        trust = "fingerprint";
        break;
    case net::TlsTrust::dane:
        trust = "dane";
        break;
    }
    return facts.version + " " + facts.cipher + " " + trust;
}

net::awaitable<bool> is_aborted() {
    const auto state = co_await net::asio::this_coro::cancellation_state;
    co_return (state.cancelled() & net::asio::cancellation_type::terminal) !=
        net::asio::cancellation_type::none;
}

}  // namespace

std::chrono::milliseconds ClientConnection::timeout_of(smtp::Wait wait) const {
    switch (wait) {
    case smtp::Wait::greeting:
    case smtp::Wait::hello:
        return timeouts_.greeting;
    case smtp::Wait::mail:
        return timeouts_.mail;
    case smtp::Wait::rcpt:
        return timeouts_.rcpt;
    case smtp::Wait::data:
        return timeouts_.data;
    case smtp::Wait::end_of_data:
        return timeouts_.end_of_data;
    case smtp::Wait::quit:
        return limits::quit_timeout;
    }
    return timeouts_.mail;
}

// Until the answer is there. One of those that wait reads and writes for all; each brings its own
// body when its turn has come.
net::awaitable<void> ClientConnection::drive(Waiter& me) {
    while (!me.is_done) {
        SIDING_CHECK(is_open_, "a connection that is over owes an answer");
        if (dialogue_.body_of() == me.ticket && is_body_due()) {
            co_await feed(me);
        } else if (driver_ == nullptr) {
            driver_ = &me;
            co_await turn();
            driver_ = nullptr;
        } else {
            co_await me.wakeup.wait(patience);
            const bool aborted = co_await is_aborted();
            if (aborted && !me.is_done) {
                lose(net::make_cancelled(peer_));
            }
        }
    }
    std::erase(waiters_, &me);
    wake_another(nullptr);
}

void ClientConnection::wake_another(const Waiter* but) {
    const auto other =
        std::ranges::find_if(waiters_, [but](const Waiter* one) { return one != but; });
    if (driver_ == nullptr && other != waiters_.end()) {
        (*other)->wakeup.nudge();
    }
}

bool ClientConnection::is_body_due() const {
    return dialogue_.body_of().has_value() && unwritten() < limits::unwritten_octets_max;
}

// True when it is for the driver to bring.
bool ClientConnection::call_for_body() {
    if (!is_body_due()) {
        return false;
    }
    Waiter* const owner = find(*dialogue_.body_of());
    owner->wakeup.nudge();
    return owner == driver_;
}

// Writes and reads what it can; only where that is nothing it waits.
net::awaitable<void> ClientConnection::turn() {
    if (wants_tls_) {
        co_await start_tls();
        co_return;
    }
    if (call_for_body()) {  // it goes in one packet with the commands before it
        co_return;
    }
    const bool wrote = write_out();
    const bool heard = is_open_ && read_in();
    if (!is_open_ || call_for_body()) {
        co_return;
    }
    if (heard) {
        if (++turns_in_a_row_ >= turns_in_a_row_max) {  // the other connections of the thread
            turns_in_a_row_ = 0;
            const auto executor = co_await net::asio::this_coro::executor;
            co_await net::asio::post(executor, net::asio::use_awaitable);
        }
        co_return;
    }
    turns_in_a_row_ = 0;
    if (unwritten() == 0) {
        write_due_.reset();
    } else if (wrote || !write_due_) {
        write_due_ = Clock::now() + limits::data_send_timeout;
    }
    const auto due = deadline();
    const auto left = due ? std::chrono::ceil<std::chrono::milliseconds>(*due - Clock::now())
                          : std::chrono::milliseconds{patience};
    const auto ready = co_await stream_->wait_ready(
        unwritten() > 0, std::max(left, std::chrono::milliseconds{0}), net::OnCancel::finish
    );
    if (!ready && (due || !net::is_timeout(ready.error()))) {
        lose(ready.error());
    }
}

// The next piece of the body, and after the last one what the dialogue has to say behind it. In
// doubt from here on: there is no way back between the last octets and on_body_end().
net::awaitable<void> ClientConnection::feed(Waiter& me) {
    std::string wire;
    if (body_left_ > 0) {
        wake_another(&me);
        auto piece = co_await me.body->next();
        if (dialogue_.body_of() != me.ticket) {
            co_return;  // the server has answered, or is gone
        }
        auto encoded = encode(std::move(piece));
        if (!encoded) {
            apply(dialogue_.on_body_failed(encoded.error().message()));
            co_return;
        }
        wire = std::move(*encoded);
    }
    if (body_left_ == 0 && !is_chunked_) {
        encoder_.finish(wire);
    }
    put_out(wire);
    if (body_left_ == 0) {
        ends_.emplace_back(me.ticket, put_out_);
        apply(dialogue_.on_body_end({}));
    }
}

// The server takes what is beyond the octets that were announced for commands.
Result<std::string> ClientConnection::encode(Result<std::string> piece) {
    if (piece && (piece->empty() || piece->size() > body_left_)) {
        return Error{Errc::corrupt, "the stored octets are not as many as they were"};
    }
    if (!piece) {
        return piece;
    }
    body_left_ -= piece->size();
    if (is_chunked_) {
        return piece;  // RFC 3030 §2: exactly as they are
    }
    std::string wire;
    encoder_.encode(*piece, wire);
    return wire;
}

void ClientConnection::put_out(std::string_view octets) {
    if (octets.empty() || !may_write_) {
        return;
    }
    if (out_at_ == out_.size()) {
        out_.clear();
        out_at_ = 0;
    }
    out_.append(octets);
    put_out_ += octets.size();
    if (stream_) {
        stream_->wake();
    }
}

bool ClientConnection::write_out() {
    if (unwritten() == 0) {
        return false;
    }
    const auto count = stream_->write_now(std::string_view{out_}.substr(out_at_));
    if (!count) {
        log.debug("write_failed", {{"peer", peer_}, {"reason", count.error()}});
        may_write_ = false;
        out_.clear();
        out_at_ = 0;
        apply(dialogue_.on_write_failed());
        return false;
    }
    out_at_ += *count;
    written_ += *count;
    while (!ends_.empty() && ends_.front().second <= written_) {
        ends_.pop_front();
    }
    if (out_at_ > limits::unwritten_octets_max) {
        out_.erase(0, std::exchange(out_at_, 0));
    }
    return *count > 0;
}

bool ClientConnection::read_in() {
    std::array<char, limits::reply_line_octets_max> room{};
    const auto count = stream_->read_now(room);
    if (!count) {
        lose(count.error());
        return true;
    }
    take_replies({room.data(), *count});
    return *count > 0;
}

void ClientConnection::take_replies(std::string_view octets) {
    while (!octets.empty() && is_open_) {
        if (wants_tls_) {
            early_ = octets;
            return;
        }
        const auto fed = parser_.feed(octets);
        octets.remove_prefix(fed.consumed);
        if (fed.status == smtp::ReplyParser::Status::malformed) {
            lose(Error{Errc::invalid_argument, "malformed reply: " + escape(parser_.line(), 128)});
            return;
        }
        if (fed.status == smtp::ReplyParser::Status::complete) {
            smtp::Reply reply = parser_.take();
            if (Logger::enabled(LogLevel::trace)) {
                log.trace("in", {{"peer", peer_}, {"reply", reply.text()}});
            }
            apply(dialogue_.on_reply(std::move(reply)));
            set_reply_deadline(true);
        }
    }
}

void ClientConnection::apply(smtp::ClientStep step) {
    if (!step.output.empty() && Logger::enabled(LogLevel::trace)) {
        const std::string shown = step.is_secret ? "AUTH ***" : step.output;
        log.trace("out", {{"peer", peer_}, {"octets", shown}});
    }
    put_out(step.output);
    for (smtp::Answer& one : step.answers) {
        answer(std::move(one));
    }
    if (step.session_failure) {
        session_failure_ = std::move(step.session_failure);
    }
    apply_action(step.action);
    set_reply_deadline(false);
}

void ClientConnection::apply_action(const smtp::ClientAction& action) {
    if (std::holds_alternative<smtp::client_action::StartTls>(action)) {
        wants_tls_ = true;
    } else if (const auto* body = std::get_if<smtp::client_action::SendBody>(&action)) {
        Waiter* const owner = find(body->ticket);
        is_chunked_ = body->is_chunked;
        encoder_ = {};
        body_left_ = owner->octets;
        owner->wakeup.nudge();
    } else if (std::holds_alternative<smtp::client_action::Close>(action)) {
        if (is_open_ && may_write_) {
            static_cast<void>(stream_->write_now(std::string_view{out_}.substr(out_at_)));
        }
        shut();
    }
    const bool is_ready = std::holds_alternative<smtp::client_action::Ready>(action);
    if (session_ != nullptr && (is_ready || !is_open_)) {
        session_->is_done = true;
        session_->wakeup.nudge();
    }
}

void ClientConnection::answer(smtp::Answer answer) {
    if (Waiter* const waiter = find(answer.ticket); waiter != nullptr) {
        waiter->verdicts = std::move(answer.verdicts);
        waiter->is_done = true;
        waiter->wakeup.nudge();
    }
}

ClientConnection::Waiter* ClientConnection::find(smtp::Ticket ticket) const {
    const auto found = std::ranges::find_if(waiters_, [ticket](const Waiter* one) {
        return one->ticket == ticket;
    });
    return found == waiters_.end() ? nullptr : *found;
}

void ClientConnection::lose(const Error& error) {
    smtp::Loss loss{error.message()};
    loss.is_by_peer = net::is_closed(error);
    if (!ends_.empty()) {
        loss.unsent_from = ends_.front().first;
    }
    apply(dialogue_.on_lost(std::move(loss)));
}

// Whoever waits for the socket hears of it; the stream itself stays for them.
void ClientConnection::shut() {
    if (std::exchange(is_open_, false)) {
        stream_->close();
        stream_->wake();
    }
    out_.clear();
    out_at_ = 0;
    put_out_ = written_ = 0;
    reply_due_.reset();
    write_due_.reset();
}

void ClientConnection::set_reply_deadline(bool anew) {
    auto wait = dialogue_.awaits();
    if (!wait && !may_write_) {
        wait = smtp::Wait::quit;
    }
    if (!wait || !is_open_) {
        reply_due_.reset();
    } else if (anew || !reply_due_) {
        reply_due_ = Clock::now() + timeout_of(*wait);
    }
}

std::optional<ClientConnection::Clock::time_point> ClientConnection::deadline() const {
    if (reply_due_ && write_due_) {
        return std::min(*reply_due_, *write_due_);
    }
    return reply_due_ ? reply_due_ : write_due_;
}

// In TLS the client speaks first, so whatever is there before it does was not meant to be seen as
// what it is.
net::awaitable<void> ClientConnection::start_tls() {
    wants_tls_ = false;
    if (early_.empty() && stream_->has_input()) {
        std::array<char, 1> room{};
        const auto count = stream_->read_now(room);
        if (!count) {
            lose(count.error());
            co_return;
        }
        early_.assign(room.data(), *count);
    }
    if (!early_.empty()) {
        log.warn("starttls_injection", {{"peer", peer_}, {"octets", escape(early_, 128)}});
        apply(dialogue_.on_early_octets());
        co_return;
    }
    const auto started = co_await stream_->start_tls(tls_client_, limits::tls_handshake_timeout);
    if (!started) {
        lose(started.error());
        co_return;
    }
    const net::TlsFacts& facts = stream_->tls();
    tls_ = describe(facts);
    log.debug("tls_started", {{"peer", peer_}, {"tls", tls_}});
    apply(dialogue_.on_tls_started(facts.peer_verified && is_authenticated(server_)));
}

}  // namespace siding::relay
