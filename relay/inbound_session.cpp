#include "relay/inbound_session.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"
#include "net/network_error.hpp"
#include "queue/intake.hpp"
#include "relay/admission.hpp"
#include "smtp/server_dialogue.hpp"
#include "smtp/trace_header.hpp"

#include <boost/asio/steady_timer.hpp>

#include <fmt/format.h>

namespace siding::relay {
namespace {

const Logger log{"smtpd"};

// At shutdown a client that keeps an idle connection may not delay the restart.
constexpr std::chrono::seconds farewell_timeout{1};

smtp::ServerOptions make_options(const config::Config& config) {
    smtp::ServerOptions options;
    options.hostname = config.hostname;
    options.recipients_max = config.limits.recipients;
    options.message_octets_max = config.limits.message_size_bytes;
    options.errors_soft = config.limits.soft_errors;
    options.errors_hard = config.limits.hard_errors;
    return options;
}

smtp::DataLimits make_limits(const config::Config& config) {
    return {
        config.bare_newlines == config::BareNewlines::reject ? smtp::BareNewline::reject
                                                             : smtp::BareNewline::normalize,
        config.limits.message_size_bytes};
}

class Session {
public:
    Session(net::Stream stream, const InboundContext& context)
        : context_{context},
          config_{context.config.get()},
          stream_{std::move(stream)},
          buffer_{limits::read_buffer_octets, limits::command_line_octets_max},
          dialogue_{make_options(*config_)},
          admission_{config_, context.queue.phases()} {}

    net::awaitable<void> run();

private:
    net::awaitable<smtp::Step> perform(smtp::action::ReadCommand);
    net::awaitable<smtp::Step> perform(const smtp::action::CheckMail& action);
    net::awaitable<smtp::Step> perform(const smtp::action::CheckRcpt& action);
    net::awaitable<smtp::Step> perform(smtp::action::ReceiveData);
    net::awaitable<smtp::Step> perform(const smtp::action::Commit& action);

    net::awaitable<Result<void>> flush();
    net::awaitable<Result<void>> receive(smtp::DataDecoder& decoder, smtp::HeaderScan& header);
    net::awaitable<smtp::Reply> commit(const smtp::Envelope& envelope);
    queue::Envelope make_envelope(const smtp::Envelope& said) const;
    smtp::Step on_read_failure(const Error& error);
    void log_accepted(const queue::Envelope& envelope, MessageId id) const;

    const InboundContext& context_;
    std::shared_ptr<const config::Config> config_;
    net::Stream stream_;
    net::ReadBuffer buffer_;
    smtp::ServerDialogue dialogue_;
    std::string output_;
    bool lost_ = false;  // the client is gone: no more replies

    // The transaction under way.
    Admission admission_;
    std::vector<Admitted> admitted_;
    std::optional<queue::Intake> intake_;
    bool storage_failed_ = false;
    std::uint64_t bare_newlines_ = 0;
    std::string message_id_header_;
};

net::awaitable<void> Session::run() {
    log.debug("connect", {{"peer", stream_.peer().text()}});
    smtp::Step step = dialogue_.greet();
    for (;;) {
        output_ += step.output;
        if (step.delay.count() > 0) {
            net::asio::steady_timer pause{co_await net::asio::this_coro::executor, step.delay};
            static_cast<void>(co_await pause.async_wait(net::use_result));
        }
        if (lost_ || std::holds_alternative<smtp::action::Close>(step.action)) {
            break;
        }
        const smtp::Action action = std::move(step.action);
        if (const auto* read = std::get_if<smtp::action::ReadCommand>(&action)) {
            step = co_await perform(*read);
        } else if (const auto* mail = std::get_if<smtp::action::CheckMail>(&action)) {
            step = co_await perform(*mail);
        } else if (const auto* rcpt = std::get_if<smtp::action::CheckRcpt>(&action)) {
            step = co_await perform(*rcpt);
        } else if (const auto* data = std::get_if<smtp::action::ReceiveData>(&action)) {
            step = co_await perform(*data);
        } else if (const auto* commit_action = std::get_if<smtp::action::Commit>(&action)) {
            step = co_await perform(*commit_action);
        }
        if (intake_ && !std::holds_alternative<smtp::action::Commit>(step.action)) {
            co_await intake_->abort();
            intake_.reset();
        }
    }
    if (!lost_) {
        static_cast<void>(co_await flush());
        const auto state = co_await net::asio::this_coro::cancellation_state;
        const bool stopping = state.cancelled() != net::asio::cancellation_type::none;
        co_await stream_.finish(stopping ? farewell_timeout : limits::quit_timeout);
    }
    log.debug("disconnect", {{"peer", stream_.peer().text()}});
}

net::awaitable<Result<void>> Session::flush() {
    if (output_.empty()) {
        co_return Result<void>{};
    }
    const std::string pending = std::exchange(output_, {});
    if (Logger::enabled(LogLevel::trace)) {
        log.trace("out", {{"peer", stream_.peer().address}, {"octets", pending}});
    }
    auto sent = co_await stream_.write(pending, limits::write_timeout);
    lost_ = lost_ || sent.has_error();
    co_return sent;
}

net::awaitable<smtp::Step> Session::perform(smtp::action::ReadCommand) {
    auto line = buffer_.next_line();
    if (!line) {
        // Replies to a pipelined group go out together, when the group is used up (RFC 2920 §3.2).
        if (!co_await flush()) {
            co_return smtp::Step{{}, smtp::action::Close{}};
        }
        auto read = co_await stream_.read_line(buffer_, limits::command_timeout);
        if (!read) {
            co_return on_read_failure(read.error());
        }
        line = *read;
    }
    if (Logger::enabled(LogLevel::trace)) {
        log.trace("in", {{"peer", stream_.peer().address}, {"line", line->text}});
    }
    if (line->too_long) {
        co_return dialogue_.on_line_too_long();
    }
    if (!line->crlf) {
        // RFC 5321 §2.3.8: a bare LF ends nothing; the dialogue sees it as part of the line.
        co_return dialogue_.on_line(std::string{line->text} + "\n");
    }
    co_return dialogue_.on_line(line->text);
}

smtp::Step Session::on_read_failure(const Error& error) {
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

net::awaitable<smtp::Step> Session::perform(const smtp::action::CheckMail& action) {
    config_ = context_.config.get();
    admission_ = Admission{config_, context_.queue.phases()};
    admitted_.clear();
    const auto refusal = admission_.check_mail(context_.queue, action.parameters);
    if (refusal) {
        context_.metrics.refused.add();
    }
    co_return refusal ? dialogue_.on_answer(*refusal) : dialogue_.on_accepted();
}

net::awaitable<smtp::Step> Session::perform(const smtp::action::CheckRcpt& action) {
    auto answer = admission_.check_rcpt(action.forward_path);
    if (const auto* refusal = std::get_if<smtp::Reply>(&answer)) {
        context_.metrics.refused.add();
        log.debug(
            "rcpt_refused",
            {{"peer", stream_.peer().address},
             {"rcpt", action.forward_path.text},
             {"code", refusal->code}}
        );
        co_return dialogue_.on_answer(*refusal);
    }
    admitted_.push_back(std::get<Admitted>(std::move(answer)));
    co_return dialogue_.on_accepted();
}

net::awaitable<smtp::Step> Session::perform(smtp::action::ReceiveData) {
    if (!co_await flush()) {
        co_return smtp::Step{{}, smtp::action::Close{}};
    }
    intake_.emplace(context_.queue);
    storage_failed_ = false;
    smtp::DataDecoder decoder{make_limits(*config_)};
    smtp::HeaderScan header;
    const auto received = co_await receive(decoder, header);
    if (!received) {
        co_return on_read_failure(received.error());
    }
    bare_newlines_ = decoder.bare_newlines();
    message_id_header_ = header.message_id();
    co_return dialogue_.on_data_end(smtp::summarize(decoder, header));
}

// To the true end of the data, whatever happens to the store meanwhile: the client must stay in
// step.
net::awaitable<Result<void>> Session::receive(
    smtp::DataDecoder& decoder, smtp::HeaderScan& header
) {
    std::string& body = intake_->buffer();
    for (;;) {
        if (buffer_.empty()) {
            SIDING_CO_TRY(
                co_await stream_.fill(buffer_, limits::data_block_timeout, net::OnCancel::finish)
            );
        }
        const std::size_t before = body.size();
        const auto fed = decoder.feed(buffer_.data(), body);
        buffer_.consume(fed.consumed);
        header.feed(std::string_view{body}.substr(before));
        if (storage_failed_) {
            body.clear();
        } else if (body.size() >= limits::body_chunk_octets) {
            // Not every client says how much will come: the reserve holds for the rest, too.
            Result<void> written = context_.queue.check_room(0);
            if (written) {
                written = co_await intake_->flush();
            }
            if (!written) {
                log.error(
                    "body_write_failed", {{"mid", intake_->id()}, {"reason", written.error()}}
                );
                storage_failed_ = true;
                co_await intake_->abort();
            }
        }
        if (fed.done) {
            co_return Result<void>{};
        }
    }
}

net::awaitable<smtp::Step> Session::perform(const smtp::action::Commit& action) {
    const auto start = std::chrono::steady_clock::now();
    const smtp::Reply reply = co_await commit(action.envelope);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    context_.metrics.end_of_data.observe(took.count());
    if (intake_) {
        co_await intake_->abort();  // a no-op after a receipt
        intake_.reset();
    }
    co_return dialogue_.on_answer(reply);
}

net::awaitable<smtp::Reply> Session::commit(const smtp::Envelope& said) {
    const auto room = context_.queue.check_room(0);
    if (!room) {
        co_return refuse_storage(room.error());
    }
    if (storage_failed_) {
        co_return refuse_storage(Error{Errc::storage_failure, {}});
    }
    queue::Envelope envelope = make_envelope(said);
    std::vector<queue::Placement> placements;
    placements.reserve(admitted_.size());
    for (const Admitted& recipient : admitted_) {
        placements.push_back(admission_.place(recipient));
    }
    const queue::Envelope facts = envelope;
    const std::vector<queue::Placement> placed = placements;
    const auto receipt = co_await intake_->commit(std::move(envelope), std::move(placements));
    if (!receipt) {
        log.error("commit_failed", {{"mid", intake_->id()}, {"reason", receipt.error()}});
        co_return refuse_storage(receipt.error());
    }
    context_.metrics.messages.add();
    context_.metrics.octets.add(static_cast<double>(intake_->size_octets()));
    log_accepted(facts, receipt->id());
    for (const queue::Placement& placement : placed) {
        if (placement.state == queue::State::due) {
            context_.wake_lane(placement.lane, facts.received_at);
        }
    }
    co_return smtp::Reply{250, {2, 0, 0}, "Ok: queued as " + receipt->id().text()};
}

queue::Envelope Session::make_envelope(const smtp::Envelope& said) const {
    queue::Envelope envelope;
    envelope.received_at = context_.queue.clock().now();
    envelope.reverse_path = said.reverse_path.text;
    envelope.mail_parameters = said.mail_parameters.verbatim;
    for (std::size_t i = 0; i < said.recipients.size(); ++i) {
        const smtp::Envelope::Recipient& recipient = said.recipients[i];
        envelope.recipients.push_back({
            recipient.path.text,
            recipient.parameters.verbatim,
            admitted_[i].domain,
            admitted_[i].wave,
        });
    }
    envelope.client_address = stream_.peer().address;
    envelope.helo = said.helo;
    envelope.message_id_header = message_id_header_;
    envelope.body.bare_newlines = static_cast<std::uint32_t>(bare_newlines_);
    envelope.body.declared_8bit = said.mail_parameters.body == smtp::Body::eight_bit_mime;
    envelope.trace_header = smtp::format_trace_header({
        .helo = said.helo,
        .peer_name = {},
        .peer_address = stream_.peer().address,
        .hostname = config_->hostname,
        .protocol = said.is_esmtp ? smtp::Protocol::esmtp : smtp::Protocol::smtp,
        .id = intake_->id().text(),
        .recipient = said.recipients.size() == 1 ? std::optional{said.recipients.front().path.text}
                                                 : std::nullopt,
        .date = format_rfc5322_date(envelope.received_at),
    });
    return envelope;
}

void Session::log_accepted(const queue::Envelope& envelope, MessageId id) const {
    if (!Logger::enabled(LogLevel::info)) {
        return;
    }
    log.info(
        "accepted",
        {{"mid", id},
         {"peer", envelope.client_address},
         {"from", envelope.reverse_path},
         {"rcpt", envelope.recipients.front().address},
         {"rcpts", envelope.recipients.size()},
         {"size", intake_->size_octets()},
         {"bare_newlines", envelope.body.bare_newlines}}
    );
}

}  // namespace

InboundMetrics::InboundMetrics(Metrics& metrics)
    : sessions{metrics.gauge("siding_smtpd_sessions", "Inbound sessions open now")},
      connections{metrics.counter("siding_smtpd_connections_total", "Inbound connections")},
      messages{metrics.counter("siding_smtpd_messages_total", "Messages answered 250")},
      octets{metrics.counter("siding_smtpd_octets_total", "Octets of those messages")},
      refused{metrics.counter("siding_smtpd_refused_total", "MAIL and RCPT commands refused")},
      end_of_data{metrics.histogram(
          "siding_smtpd_end_of_data_seconds",
          "From the end of the data to its reply",
          {0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30}
      )} {}

net::awaitable<void> run_inbound_session(net::Stream stream, const InboundContext& context) {
    context.metrics.sessions.add(1);
    Session session{std::move(stream), context};
    co_await session.run();
    context.metrics.sessions.add(-1);
}

}  // namespace siding::relay
