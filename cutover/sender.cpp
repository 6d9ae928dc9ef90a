#include "cutover/sender.hpp"

#include "base/limits.hpp"
#include "net/connect.hpp"
#include "net/run_on.hpp"
#include "smtp/client_dialogue.hpp"
#include "smtp/data_codec.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <variant>

namespace siding::cutover {
namespace {

using net::awaitable;

// Enough of them that group commit can show what it does.
constexpr std::size_t sessions_max = 16;
constexpr std::chrono::seconds step_timeout{30};  // on loopback

class SendingSession {
public:
    awaitable<bool> open(net::HostPort target);
    awaitable<std::vector<smtp::Verdict>> send(std::size_t number, RehearsalMail mail);
    awaitable<void> close();
    bool is_usable() const { return stream_ && dialogue_.is_ready(); }

private:
    awaitable<smtp::ClientStep> perform(smtp::ClientStep step);
    awaitable<Result<smtp::Reply>> read_reply();
    awaitable<smtp::ClientStep> send_body();

    smtp::ClientDialogue dialogue_{{.hostname = "sender.example", .use_chunking = false}};
    std::optional<net::Stream> stream_;
    smtp::ReplyParser parser_;
    std::string unread_;  // octets behind the last reply
    std::string body_;    // of the transaction under way
};

awaitable<bool> SendingSession::open(net::HostPort target) {
    net::ConnectOptions options;
    options.timeout = step_timeout;
    auto stream = co_await net::connect(std::move(target), std::move(options));
    if (!stream) {
        co_return false;
    }
    stream_ = std::move(*stream);
    const smtp::ClientStep step = co_await perform(dialogue_.on_connected());
    co_return !step.session_failure;
}

awaitable<std::vector<smtp::Verdict>> SendingSession::send(std::size_t number, RehearsalMail mail) {
    smtp::Transaction transaction;
    transaction.reverse_path = std::move(mail.reverse_path);
    const auto is_eight_bit = [](char c) { return (c & 0x80) != 0; };
    if (std::ranges::any_of(mail.octets, is_eight_bit)) {
        transaction.mail_parameters.body = smtp::Body::eight_bit_mime;
    }
    for (std::size_t recipient = 0; recipient < mail.recipients; ++recipient) {
        transaction.recipients.push_back({Proof::address_of(number, recipient), {}});
    }
    transaction.octets = mail.octets.size();
    body_ = std::move(mail.octets);
    smtp::ClientStep step = co_await perform(dialogue_.begin(std::move(transaction)));
    co_return step.answers.empty() ? std::vector<smtp::Verdict>{}
                                   : std::move(step.answers.front().verdicts);
}

awaitable<void> SendingSession::close() {
    if (is_usable()) {
        static_cast<void>(co_await perform(dialogue_.quit()));
    }
    stream_.reset();
}

// Until the dialogue is ready for the next transaction or is done with the connection.
awaitable<smtp::ClientStep> SendingSession::perform(smtp::ClientStep step) {
    std::vector<smtp::Answer> answers;
    for (;;) {
        if (!step.answers.empty()) {
            answers = std::move(step.answers);
        }
        if (!step.output.empty()) {
            const auto sent = co_await stream_->write(step.output, step_timeout);
            if (!sent) {
                step = dialogue_.on_lost(sent.error().message());
                continue;
            }
        }
        if (std::holds_alternative<smtp::client_action::ReadReply>(step.action)) {
            auto reply = co_await read_reply();
            step = reply ? dialogue_.on_reply(std::move(*reply))
                         : dialogue_.on_lost(reply.error().message());
        } else if (std::holds_alternative<smtp::client_action::SendBody>(step.action)) {
            step = co_await send_body();
        } else {
            break;
        }
    }
    if (std::holds_alternative<smtp::client_action::Close>(step.action)) {
        stream_.reset();
    }
    step.answers = std::move(answers);
    co_return step;
}

awaitable<Result<smtp::Reply>> SendingSession::read_reply() {
    std::array<char, limits::reply_line_octets_max> room{};
    for (;;) {
        if (unread_.empty()) {
            SIDING_CO_ASSIGN(
                const std::size_t got, co_await stream_->read_some(room, step_timeout)
            );
            unread_.assign(room.data(), got);
        }
        const auto fed = parser_.feed(unread_);
        unread_.erase(0, fed.consumed);
        if (fed.status == smtp::ReplyParser::Status::malformed) {
            co_return Error{Errc::invalid_argument, "malformed reply"};
        }
        if (fed.status == smtp::ReplyParser::Status::complete) {
            co_return parser_.take();
        }
    }
}

awaitable<smtp::ClientStep> SendingSession::send_body() {
    smtp::DataEncoder encoder;
    std::string wire;
    for (std::size_t at = 0; at < body_.size(); at += limits::body_chunk_octets) {
        if (at > 0) {
            const auto sent = co_await stream_->write(wire, step_timeout);
            if (!sent) {
                co_return dialogue_.on_lost(sent.error().message());
            }
            wire.clear();
        }
        encoder.encode(std::string_view{body_}.substr(at, limits::body_chunk_octets), wire);
    }
    encoder.finish(wire);
    co_return dialogue_.on_body_end(std::move(wire));
}

}  // namespace

Sender::Sender(
    net::asio::any_io_executor executor,
    net::asio::any_io_executor files,
    const MailSource& mail,
    Proof& proof
)
    : files_{std::move(files)},
      mail_{mail},
      proof_{proof},
      sessions_{std::move(executor), "sender", sessions_max} {}

Result<void> Sender::start(
    std::vector<std::size_t> numbers, net::HostPort target, std::function<void()> on_acknowledged
) {
    waiting_.assign(numbers.begin(), numbers.end());
    target_ = std::move(target);
    on_acknowledged_ = std::move(on_acknowledged);
    const std::size_t sessions = std::min(numbers.size(), sessions_max);
    for (std::size_t session = 0; session < sessions; ++session) {
        SIDING_TRY(sessions_.spawn(run_session(*this)));
    }
    return {};
}

awaitable<void> Sender::stop() {
    sessions_.abort();
    co_await sessions_.join();
}

awaitable<void> Sender::run_session(Sender& self) {
    co_await self.send_waiting();
}

awaitable<void> Sender::send_waiting() {
    SendingSession session;
    if (!co_await session.open(target_)) {
        co_return;
    }
    while (!waiting_.empty() && session.is_usable()) {
        const std::size_t number = waiting_.front();
        waiting_.pop_front();
        auto load = [this, number] { return mail_.load(number); };
        auto mail = co_await net::run_on(files_, load);
        if (!mail) {
            proof_.on_unreadable(number, mail.error());
            continue;
        }
        proof_.on_sending(number, *mail);
        const auto verdicts = co_await session.send(number, std::move(*mail));
        proof_.on_answer(number, verdicts);
        if (on_acknowledged_ && !proof_.is_open(number)) {
            on_acknowledged_();
        }
    }
    co_await session.close();
}

}  // namespace siding::cutover
