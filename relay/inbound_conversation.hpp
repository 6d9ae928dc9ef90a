// One client's session from the greeting to the close: does what the smtp dialogue says. Holds no
// protocol decisions. Lives on one io thread. Its messages are in inbound_message.cpp, and how they
// are passed on to a server meanwhile in inbound_passing.cpp.
#pragma once

#include "net/stream.hpp"
#include "relay/admission.hpp"
#include "relay/arrival.hpp"
#include "relay/inbound_envelope.hpp"
#include "relay/inbound_session.hpp"
#include "relay/message_body.hpp"
#include "relay/pass_through.hpp"
#include "smtp/server_dialogue.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::relay {

class Conversation {
public:
    Conversation(
        net::Stream& stream,
        net::ReadBuffer& buffer,
        Welcome welcome,
        const InboundListener& listener,
        const InboundContext& context
    );

    net::awaitable<void> run();

private:
    smtp::Step greet();
    net::awaitable<smtp::Step> perform(const smtp::Action& action);
    net::awaitable<smtp::Step> read_command();
    net::awaitable<smtp::Step> check_mail(const smtp::action::CheckMail& action);
    net::awaitable<smtp::Step> check_rcpt(const smtp::action::CheckRcpt& action);
    net::awaitable<smtp::Step> pass_rcpt(
        InboundRecipient recipient, const smtp::action::CheckRcpt& action
    );
    net::awaitable<smtp::Step> receive_data();
    net::awaitable<smtp::Step> receive_chunk(const smtp::action::ReceiveChunk& action);
    net::awaitable<smtp::Step> commit(const smtp::action::Commit& action);
    net::awaitable<smtp::Step> start_tls();
    net::awaitable<smtp::Step> adopt(const smtp::action::Xclient& action);

    net::awaitable<Result<void>> flush();
    net::awaitable<void> drop_body();
    net::awaitable<smtp::Reply> store(const smtp::Envelope& said);
    net::awaitable<std::optional<Refused>> pass_on(const std::string& trace_header);
    net::awaitable<smtp::Reply> keep(queue::Envelope envelope);
    std::optional<Refused> check_storage() const;
    net::awaitable<std::string> header_section();
    void on_placed(
        const queue::Envelope& envelope, RecipientId id, const queue::Placement& placement
    ) const;
    std::vector<const Passed*> passed() const;
    smtp::Transaction transaction_head() const;
    void show_upstream();
    net::awaitable<std::optional<FilterVerdict>> ask_filter(const queue::Envelope& envelope);
    smtp::Step refuse(const Refused& refused, std::string_view recipient = {});
    smtp::Reply note_refusal(const Refused& refused, std::string_view recipient);
    void note_dialogue_refusal(std::string_view output);
    smtp::Step on_read_failure(const Error& error);
    BodyInput body_input();
    bool is_stressed() const;
    std::chrono::milliseconds command_timeout() const;
    const net::TlsFacts* tls() const { return stream_.is_tls() ? &stream_.tls() : nullptr; }
    void log_accepted(const queue::Envelope& envelope, MessageId id, std::uint64_t octets) const;

    const InboundContext& context_;
    const InboundListener& listener_;
    const ListenerMetrics& metrics_;
    std::shared_ptr<const config::Config> config_;
    net::Stream& stream_;
    net::ReadBuffer& buffer_;
    Client client_;
    ClientLimits::Seat seat_;
    bool spoke_early_;
    smtp::ServerDialogue dialogue_;
    SessionList::Entry entry_;
    std::string output_;
    bool lost_ = false;              // the client is gone: no more replies
    bool is_refusal_noted_ = false;  // of the step under way

    // The transaction under way.
    Admission admission_;
    std::string sender_;
    std::vector<InboundRecipient> recipients_;
    std::size_t names_ = 0;  // that they become, rewritten
    std::unique_ptr<PassThrough> pass_;
    std::optional<MessageBody> body_;
};

}  // namespace siding::relay
