// The messages of a session: octets in, the filter's verdict, the way on, the commit.
#include "base/log.hpp"
#include "relay/inbound_conversation.hpp"
#include "relay/inbound_envelope.hpp"

#include <algorithm>
#include <utility>

namespace siding::relay {
namespace {

const Logger log{"smtpd"};

using Steady = std::chrono::steady_clock;

double seconds_since(Steady::time_point start) {
    return std::chrono::duration<double>(Steady::now() - start).count();
}

}  // namespace

BodyInput Conversation::body_input() {
    return BodyInput{stream_, buffer_, [this] { return is_stressed(); }};
}

net::awaitable<smtp::Step> Conversation::receive_data() {
    if (!co_await flush()) {
        co_return smtp::Step{{}, smtp::action::Close{}};
    }
    body_.emplace(context_.queue, *config_, MessageBody::Kind::data);
    BodyInput source = body_input();
    const auto received = co_await body_->receive_data(source);
    co_return received ? dialogue_.on_data_end(body_->summary())
                       : on_read_failure(received.error());
}

net::awaitable<smtp::Step> Conversation::receive_chunk(const smtp::action::ReceiveChunk& action) {
    if (!co_await flush()) {
        co_return smtp::Step{{}, smtp::action::Close{}};
    }
    BodyInput source = body_input();
    if (action.discard) {
        const auto discarded = co_await discard_chunk(source, config_->timeouts, action.octets);
        co_return discarded ? dialogue_.on_chunk_end({}) : on_read_failure(discarded.error());
    }
    if (action.first) {
        body_.emplace(
            context_.queue,
            *config_,
            action.binary ? MessageBody::Kind::binary_chunks : MessageBody::Kind::text_chunks
        );
    }
    const auto received = co_await body_->receive_chunk(source, action.octets, action.last);
    co_return received ? dialogue_.on_chunk_end(body_->summary())
                       : on_read_failure(received.error());
}

net::awaitable<void> Conversation::drop_body() {
    co_await body_->abort();
    body_.reset();
}

net::awaitable<smtp::Step> Conversation::commit(const smtp::action::Commit& action) {
    const auto start = Steady::now();
    const smtp::Reply reply = co_await store(action.envelope);
    metrics_.end_of_data.observe(seconds_since(start));
    co_await drop_body();  // the intake keeps what has a receipt
    pass_.reset();
    show_upstream();
    co_return dialogue_.on_answer(reply);
}

net::awaitable<smtp::Reply> Conversation::store(const smtp::Envelope& said) {
    if (const auto refused = check_storage()) {
        co_return note_refusal(*refused, {});
    }
    const EnvelopeFacts facts{
        said,
        recipients_,
        client_,
        tls(),
        listener_,
        config_->hostname,
        context_.queue.clock().now()};
    queue::Envelope envelope = make_envelope(facts, *body_);
    const auto verdict = co_await ask_filter(envelope);
    if (verdict && verdict->action != FilterVerdict::Action::accept) {
        const bool rejects = verdict->action == FilterVerdict::Action::reject;
        const Refused refused{
            rejects ? RefusalClass::filter_reject : RefusalClass::filter_defer, reply_to(*verdict)};
        co_return note_refusal(refused, {});
    }
    if (verdict) {
        add_verdict(envelope, *verdict);
    }
    if (pass_ != nullptr) {
        // What a server has taken must not fail here for want of room.
        auto refused = check_storage();
        if (!refused) {
            refused = co_await pass_on(envelope.trace_header);
        }
        if (refused) {
            co_return note_refusal(*refused, {});
        }
    }
    co_return co_await keep(std::move(envelope));
}

std::optional<Refused> Conversation::check_storage() const {
    if (const auto room = context_.queue.check_room(0); !room) {
        return refuse_storage(room.error());
    }
    if (body_->storage_failed()) {
        return refuse_storage(Error{Errc::storage_failure, {}});
    }
    return std::nullopt;
}

// The one commit of a message, then its 250.
net::awaitable<smtp::Reply> Conversation::keep(queue::Envelope envelope) {
    const auto header = co_await header_section();
    const std::uint64_t octets = body_->intake().size_octets();
    const ExpressQuestion question{*config_, header, octets};
    std::vector<queue::Placement> placements = make_placements(envelope, recipients_, question);
    add_copies(envelope, placements, recipients_);
    const queue::Envelope kept = envelope;
    const std::vector<queue::Placement> placed = placements;
    const auto start = Steady::now();
    const auto receipt =
        co_await body_->intake().commit(std::move(envelope), std::move(placements));
    metrics_.commit.observe(seconds_since(start));
    if (!receipt) {
        log.error("commit_failed", {{"mid", body_->intake().id()}, {"reason", receipt.error()}});
        co_return note_refusal(refuse_storage(receipt.error()), {});
    }
    metrics_.messages.add();
    metrics_.octets.add(static_cast<double>(octets));
    entry_.update([&](SessionInfo& info) {
        info.messages += 1;
        info.octets += octets;
    });
    log_accepted(kept, receipt->id(), octets);
    for (std::size_t i = 0; i < placed.size(); ++i) {
        on_placed(kept, {receipt->id(), static_cast<std::uint32_t>(i)}, placed[i]);
    }
    const auto theirs = acceptance_of(passed());
    co_return theirs ? pass_->as_ours(*theirs)
                     : smtp::Reply{250, {2, 0, 0}, "Ok: queued as " + receipt->id().text()};
}

// What the rules for express mail may ask about; empty where there are none.
net::awaitable<std::string> Conversation::header_section() {
    if (config_->express.empty()) {
        co_return std::string{};
    }
    auto first = co_await body_->intake().read_piece(0);
    std::string header = first ? std::move(*first) : std::string{};
    if (const auto end = header.find("\r\n\r\n"); end != std::string::npos) {
        header.resize(end + 2);
    }
    co_return header;
}

void Conversation::on_placed(
    const queue::Envelope& envelope, RecipientId id, const queue::Placement& placement
) const {
    if (placement.state == queue::State::due) {
        context_.wake_lane(placement.lane, std::max(placement.due_at, envelope.received_at));
    }
    if (placement.attempted || placement.state == queue::State::delivered) {
        log.info(
            placement.state == queue::State::delivered ? "delivered"
            : placement.in_doubt                       ? "in_doubt"
                                                       : "deferred",
            {{"mid", id.text()},
             {"rcpt", envelope.recipients[id.number].address},
             {"route", placement.lane},
             {"peer", placement.peer},
             {"reply", placement.reply}}
        );
    }
}

net::awaitable<std::optional<FilterVerdict>> Conversation::ask_filter(
    const queue::Envelope& envelope
) {
    if (!context_.filter.is_on()) {
        co_return std::nullopt;
    }
    const auto start = Steady::now();
    FilterQuestion question;
    question.client_address = envelope.client_address;
    question.client_name = envelope.client_name;
    question.helo = envelope.helo;
    question.sender = envelope.reverse_path;
    for (const queue::EnvelopeRecipient& recipient : envelope.recipients) {
        question.recipients.push_back(recipient.address);
    }
    question.queue_id = body_->intake().id().text();
    if (const net::TlsFacts* facts = tls()) {
        question.tls_version = facts->version;
        question.tls_cipher = facts->cipher;
    }
    question.hostname = config_->hostname;
    question.octets = body_->intake().size_octets();
    net::HttpPieces next_piece = [&intake = body_->intake(), number = std::uint32_t{0}]() mutable {
        return intake.read_piece(number++);
    };
    auto verdict = co_await context_.filter.check(std::move(question), std::move(next_piece));
    metrics_.filter.observe(seconds_since(start));
    co_return verdict;
}

void Conversation::log_accepted(const queue::Envelope& envelope, MessageId id, std::uint64_t octets)
    const {
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
         {"size", octets},
         {"bare_newlines", envelope.body.bare_newlines},
         {"tls", envelope.tls.empty() ? "none" : envelope.tls}}
    );
}

}  // namespace siding::relay
