#include "relay/inbound_conversation.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"
#include "net/network_error.hpp"
#include "relay/refusal_of_reply.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <utility>

namespace siding::relay {
namespace {

const Logger log{"smtpd"};

// At shutdown a client that keeps an idle connection may not delay the restart.
constexpr std::chrono::seconds farewell_timeout{1};

using Steady = std::chrono::steady_clock;

SessionInfo describe(
    const net::Stream& stream, const Client& client, const InboundListener& listener, WallTime since
) {
    SessionInfo info;
    info.peer = client.endpoint.text();
    info.proxy = client.proxy_address;
    info.listener = listener.name();
    info.tls = stream.is_tls() ? stream.tls().version : std::string{};
    info.since = since;
    return info;
}

}  // namespace

Conversation::Conversation(
    net::Stream& stream,
    net::ReadBuffer& buffer,
    Welcome welcome,
    const InboundListener& listener,
    const InboundContext& context
)
    : context_{context},
      listener_{listener},
      metrics_{listener.metrics()},
      config_{context.config.get()},
      stream_{stream},
      buffer_{buffer},
      client_{std::move(welcome.client)},
      seat_{std::move(welcome.seat)},
      spoke_early_{welcome.spoke_early},
      dialogue_{listener.dialogue_options(*config_, client_.endpoint)},
      entry_{context.sessions, describe(stream, client_, listener, context.queue.clock().now())},
      admission_{config_, context.queue.phases()} {}

net::awaitable<void> Conversation::run() {
    log.debug("connect", {{"peer", client_.endpoint.text()}});
    smtp::Step step = greet();
    for (;;) {
        note_dialogue_refusal(step.output);
        output_ += step.output;
        if (step.delay.count() > 0) {
            net::asio::steady_timer pause{co_await net::asio::this_coro::executor, step.delay};
            static_cast<void>(co_await pause.async_wait(net::use_result));
        }
        if (lost_ || std::holds_alternative<smtp::action::Close>(step.action)) {
            break;
        }
        entry_.update([this](SessionInfo& info) { info.state = dialogue_.state_name(); });
        const smtp::Action action = std::move(step.action);
        step = co_await perform(action);
        const bool keeps_body =
            std::holds_alternative<smtp::action::Commit>(step.action) || dialogue_.is_chunking();
        if (body_ && !keeps_body) {
            co_await drop_body();
        }
        const bool goes_on = std::holds_alternative<smtp::action::Commit>(step.action) ||
                             dialogue_.is_in_transaction();
        if (pass_ != nullptr && !goes_on) {
            pass_.reset();
            show_upstream();
        }
    }
    if (body_) {
        co_await drop_body();
    }
    if (!lost_) {
        static_cast<void>(co_await flush());
        const auto state = co_await net::asio::this_coro::cancellation_state;
        const bool stopping = state.cancelled() != net::asio::cancellation_type::none;
        co_await stream_.finish(stopping ? farewell_timeout : limits::quit_timeout);
    }
    log.debug("disconnect", {{"peer", client_.endpoint.text()}});
}

smtp::Step Conversation::greet() {
    if (stream_.is_tls()) {
        static_cast<void>(dialogue_.on_tls_started());
    }
    if (spoke_early_) {
        log.info("early_talker", {{"peer", client_.endpoint.address}});
        if (config_->early_talkers == config::EarlyTalkers::reject) {
            return dialogue_.on_early_talker();
        }
    }
    const auto room = context_.queue.check_room(0);
    if (!room && room.error().is(Errc::storage_failure)) {
        const Refused refused{RefusalClass::storage, {421, {4, 3, 2}, "Not accepting mail now"}};
        return dialogue_.turn_away(note_refusal(refused, {}));
    }
    return dialogue_.greet();
}

// No coroutine: its frame would stand under every idle connection.
net::awaitable<smtp::Step> Conversation::perform(const smtp::Action& action) {
    if (const auto* mail = std::get_if<smtp::action::CheckMail>(&action)) {
        return check_mail(*mail);
    }
    if (const auto* rcpt = std::get_if<smtp::action::CheckRcpt>(&action)) {
        return check_rcpt(*rcpt);
    }
    if (std::holds_alternative<smtp::action::ReceiveData>(action)) {
        return receive_data();
    }
    if (const auto* chunk = std::get_if<smtp::action::ReceiveChunk>(&action)) {
        return receive_chunk(*chunk);
    }
    if (const auto* message = std::get_if<smtp::action::Commit>(&action)) {
        return commit(*message);
    }
    if (std::holds_alternative<smtp::action::StartTls>(action)) {
        return start_tls();
    }
    if (const auto* xclient = std::get_if<smtp::action::Xclient>(&action)) {
        return adopt(*xclient);
    }
    return read_command();
}

net::awaitable<Result<void>> Conversation::flush() {
    if (output_.empty()) {
        co_return Result<void>{};
    }
    const std::string pending = std::exchange(output_, {});
    metrics_.count_replies(pending);
    if (Logger::enabled(LogLevel::trace)) {
        log.trace("out", {{"peer", client_.endpoint.address}, {"octets", pending}});
    }
    auto sent = co_await stream_.write(pending, limits::write_timeout);
    lost_ = lost_ || sent.has_error();
    co_return sent;
}

bool Conversation::is_stressed() const {
    return context_.limits.is_stressed(config_->limits, context_.connections_max);
}

std::chrono::milliseconds Conversation::command_timeout() const {
    const config::Timeouts& timeouts = config_->timeouts;
    return is_stressed() ? std::min(timeouts.stressed_command, timeouts.command) : timeouts.command;
}

net::awaitable<smtp::Step> Conversation::read_command() {
    auto line = buffer_.next_line();
    if (!line) {
        // Replies to a pipelined group go out together, when the group is used up (RFC 2920 §3.2).
        if (!co_await flush()) {
            co_return smtp::Step{{}, smtp::action::Close{}};
        }
        auto read = co_await stream_.read_line(buffer_, command_timeout());
        if (!read) {
            co_return on_read_failure(read.error());
        }
        line = *read;
    }
    if (Logger::enabled(LogLevel::trace)) {
        log.trace("in", {{"peer", client_.endpoint.address}, {"line", line->text}});
    }
    metrics_.count_command(line->text);
    if (line->too_long) {
        co_return dialogue_.on_line_too_long();
    }
    const bool more_input = !buffer_.empty();
    if (!line->crlf) {
        // RFC 5321 §2.3.8: a bare LF ends nothing; the dialogue sees it as part of the line.
        co_return dialogue_.on_line(std::string{line->text} + "\n", more_input);
    }
    co_return dialogue_.on_line(line->text, more_input);
}

smtp::Step Conversation::on_read_failure(const Error& error) {
    if (net::is_timeout(error)) {
        return dialogue_.on_timeout();
    }
    if (net::is_cancelled(error)) {
        return dialogue_.on_shutdown();
    }
    if (error.is(Errc::limit_exceeded)) {
        return dialogue_.on_line_endless();
    }
    lost_ = true;
    return {{}, smtp::action::Close{}};
}

net::awaitable<smtp::Step> Conversation::check_mail(const smtp::action::CheckMail& action) {
    config_ = context_.config.get();
    admission_ = Admission{config_, context_.queue.phases()};
    recipients_.clear();
    names_ = 0;
    sender_ = action.reverse_path.text;
    entry_.update([this](SessionInfo& info) { info.helo = dialogue_.helo(); });
    if (!context_.limits.allow_message(client_.endpoint.address, config_->limits)) {
        co_return refuse({RefusalClass::rate, too_much_mail(client_.endpoint.address)});
    }
    const auto refused = admission_.check_mail(context_.queue, action.parameters);
    co_return refused ? refuse(*refused) : dialogue_.on_accepted();
}

net::awaitable<smtp::Step> Conversation::check_rcpt(const smtp::action::CheckRcpt& action) {
    const auto start = Steady::now();
    const std::string& recipient = action.forward_path.text;
    if (!context_.limits.allow_recipient(client_.endpoint.address, config_->limits)) {
        const Refused refused{RefusalClass::rate, too_many_recipients(client_.endpoint.address)};
        co_return refuse(refused, recipient);
    }
    auto answer = co_await admission_.check_rcpt(action.forward_path, context_.recipients);
    const std::chrono::duration<double> took = Steady::now() - start;
    metrics_.rcpt.observe(took.count());
    if (const auto* refused = std::get_if<Refused>(&answer)) {
        co_return refuse(*refused, recipient);
    }
    auto& admitted = std::get<Admitted>(answer);
    const std::size_t names = std::max<std::size_t>(admitted.rewritten_to.size(), 1);
    // Nobody multiplies mail by naming a list many times: RFC 5321 §4.5.3.1.10.
    const auto names_max = std::max<std::size_t>(config_->limits.recipients, limits::names_max);
    if (names_ + names > names_max) {
        const smtp::Reply reply{452, {4, 5, 3}, "Too many recipients"};
        co_return refuse({RefusalClass::too_many_recipients, reply}, recipient);
    }
    names_ += names;
    InboundRecipient accepted{std::move(admitted)};
    accepted.destination = admission_.destination_of(accepted.admitted);
    // A list of several names has several answers, and RCPT only one.
    if (accepted.destination.way == Destination::Way::pass && names == 1 &&
        context_.upstreams != nullptr) {
        co_return co_await pass_rcpt(std::move(accepted), action);
    }
    recipients_.push_back(std::move(accepted));
    co_return dialogue_.on_accepted();
}

smtp::Step Conversation::refuse(const Refused& refused, std::string_view recipient) {
    return dialogue_.on_answer(note_refusal(refused, recipient));
}

smtp::Reply Conversation::note_refusal(const Refused& refused, std::string_view recipient) {
    const std::string text = refused.reply.text();
    is_refusal_noted_ = true;
    metrics_.count_refused(refused.reason);
    context_.refusals.note(
        refused.reason,
        {.client_address = client_.endpoint.address,
         .sender = sender_,
         .recipient = recipient,
         .reply = text}
    );
    log.debug(
        "refused",
        {{"peer", client_.endpoint.address},
         {"class", format_refusal_class(refused.reason)},
         {"rcpt", recipient},
         {"reply", text}}
    );
    return refused.reply;
}

// What the dialogue refuses on its own counts, too.
void Conversation::note_dialogue_refusal(std::string_view output) {
    const auto reason = refusal_of_reply(output);
    if (std::exchange(is_refusal_noted_, false) || !reason) {
        return;
    }
    const bool is_early = spoke_early_ && dialogue_.helo().empty();
    const RefusalClass counted = is_early ? RefusalClass::early_talker : *reason;
    metrics_.count_refused(counted);
    const std::string_view reply = output.substr(0, output.find('\r'));
    context_.refusals.note(
        counted,
        {.client_address = client_.endpoint.address,
         .sender = sender_,
         .recipient = {},
         .reply = reply}
    );
}

// RFC 3207 §4.2. What the client has sent beside the command is plain text that anybody may have
// put there.
net::awaitable<smtp::Step> Conversation::start_tls() {
    const smtp::Step end{{}, smtp::action::Close{}};
    auto server = listener_.tls();
    if (server == nullptr || !co_await flush()) {
        lost_ = true;
        co_return end;
    }
    buffer_.consume(buffer_.data().size());
    const auto started = co_await stream_.start_tls(std::move(server), config_->timeouts.greeting);
    if (!started) {
        metrics_.tls_failures.add();
        log.info("tls_failed", {{"peer", client_.endpoint.address}, {"reason", started.error()}});
        lost_ = true;
        co_return end;
    }
    metrics_.count_tls_handshake(stream_.tls().version);
    entry_.update([this](SessionInfo& info) { info.tls = stream_.tls().version; });
    co_return dialogue_.on_tls_started();
}

net::awaitable<smtp::Step> Conversation::adopt(const smtp::action::Xclient& action) {
    const smtp::XclientAttributes& said = action.attributes;
    if (client_.proxy_address.empty()) {
        client_.proxy_address = client_.endpoint.address;
    }
    client_.name = said.name.value_or(client_.name);
    if (said.port) {
        client_.endpoint.port = *said.port;
    }
    if (said.address && !said.address->empty()) {
        client_.endpoint.address = *said.address;
        client_.endpoint.family =
            said.address->find(':') == std::string::npos ? net::Family::ipv4 : net::Family::ipv6;
        const std::string& address = client_.endpoint.address;
        if (const auto refusal = context_.limits.reseat(seat_, address, config_->limits)) {
            const Refused refused{class_of(*refusal), reply_to(*refusal)};
            co_return refuse(refused);
        }
    }
    stream_.set_peer(client_.endpoint);
    entry_.update([this](SessionInfo& info) {
        info.peer = client_.endpoint.text();
        info.proxy = client_.proxy_address;
    });
    co_return dialogue_.on_xclient_done();
}

}  // namespace siding::relay
