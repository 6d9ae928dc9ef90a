// A session's mail for pass_* phases: on to the server while the client waits.
#include "relay/inbound_conversation.hpp"

#include <utility>

namespace siding::relay {
namespace {

// As XCLIENT tells it to the next server.
smtp::XclientAttributes describe_client(
    const Client& client, const smtp::ServerDialogue& dialogue
) {
    smtp::XclientAttributes out;
    if (!client.name.empty()) {
        out.name = client.name;
    }
    out.address = client.endpoint.address;
    out.port = client.endpoint.port;
    out.helo = dialogue.helo();
    out.esmtp = dialogue.is_esmtp();
    return out;
}

}  // namespace

// What was said at MAIL. How many octets there will be is the client's word, if it gave one.
smtp::Transaction Conversation::transaction_head() const {
    const smtp::Envelope& said = dialogue_.envelope();
    smtp::Transaction head;
    head.reverse_path = said.reverse_path.text;
    head.mail_parameters = said.mail_parameters;
    head.octets = said.mail_parameters.size.value_or(0);
    head.client = describe_client(client_, dialogue_);
    return head;
}

net::awaitable<smtp::Step> Conversation::pass_rcpt(
    InboundRecipient recipient, const smtp::action::CheckRcpt& action
) {
    if (pass_ == nullptr) {
        const auto executor = co_await net::asio::this_coro::executor;
        UpstreamPool* const pool = context_.upstreams->of(executor);
        if (pool == nullptr) {
            recipients_.push_back(std::move(recipient));
            co_return dialogue_.on_accepted();
        }
        pass_ = std::make_unique<PassThrough>(*pool, config_, client_.endpoint);
    }
    const smtp::Transaction head = transaction_head();
    const auto& rewritten = recipient.admitted.rewritten_to;
    smtp::Transaction::Recipient forward{
        rewritten.empty() ? action.forward_path.text : rewritten.front(), action.parameters};
    std::string server = recipient.destination.server;
    const PassThrough::Answer answer =
        co_await pass_->rcpt(std::move(server), head, std::move(forward));
    show_upstream();
    if (answer.passed == nullptr) {
        names_ -= 1;
        const Refused refused{RefusalClass::upstream, *answer.reply};
        co_return refuse(refused, action.forward_path.text);
    }
    recipient.passed = answer.passed;
    recipients_.push_back(std::move(recipient));
    co_return answer.reply ? dialogue_.on_answer(*answer.reply) : dialogue_.on_accepted();
}

void Conversation::show_upstream() {
    std::string upstream = pass_ == nullptr ? std::string{} : pass_->describe();
    entry_.update([&upstream](SessionInfo& info) { info.upstream = std::move(upstream); });
}

std::vector<const Passed*> Conversation::passed() const {
    std::vector<const Passed*> out;
    for (const InboundRecipient& recipient : recipients_) {
        out.push_back(recipient.passed);
    }
    return out;
}

// The whole message. A server's no is the client's where nobody else has taken it.
net::awaitable<std::optional<Refused>> Conversation::pass_on(const std::string& trace_header) {
    co_await pass_->send(body_->intake(), trace_header);
    const auto refusal = refusal_of(passed());
    pass_->count_outcomes(refusal.has_value());
    if (!refusal) {
        co_return std::nullopt;
    }
    co_return Refused{RefusalClass::upstream, pass_->as_ours(*refusal)};
}

}  // namespace siding::relay
