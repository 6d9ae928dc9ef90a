// Mail for tests, put into a store by hand.
#pragma once

#include "queue/store.hpp"

#include <gtest/gtest.h>

namespace siding::test {

inline constexpr WallTime noon{std::chrono::seconds{1'795'262'400}};

inline queue::AcceptMessage make_mail(
    MessageId id, const std::vector<std::string>& recipients, const std::string& body = "hi\r\n"
) {
    queue::AcceptMessage mail;
    mail.envelope.id = id;
    mail.envelope.received_at = noon;
    mail.envelope.reverse_path = "ann@example.org";
    mail.envelope.client_address = "192.0.2.1";
    mail.envelope.helo = "mx.example.org";
    mail.envelope.trace_header = "Received: from mx.example.org\r\n";
    mail.envelope.message_id_header = "<" + id.text() + "@example.org>";
    for (const std::string& address : recipients) {
        const auto at = address.find('@');
        mail.envelope.recipients.push_back(
            {.address = address,
             .parameters = {},
             .domain = Domain::parse(address.substr(at + 1)).value()}
        );
        mail.placements.push_back({queue::State::held, {}});
    }
    mail.envelope.body.size_octets = body.size();
    mail.envelope.body.sha256 = sha256(body);
    mail.envelope.body.chunks = 1;
    mail.inline_body = body;
    return mail;
}

inline queue::Applied apply(queue::Store& store, queue::Change change) {
    const queue::Change* const one = &change;
    auto applied = store.apply({&one, 1}, noon);
    EXPECT_TRUE(applied.has_value());
    EXPECT_TRUE(applied->front().has_value());
    return applied->front().value();
}

inline void release(queue::Store& store, RecipientId id) {
    queue::MoveRecipients move;
    move.event = queue::Event::release;
    move.recipients = {id};
    move.server = "new";
    move.due_at = noon;
    EXPECT_EQ(apply(store, move).moved, 1U);
}

inline void attempt(queue::Store& store, RecipientId id) {
    apply(store, queue::StartAttempt{{id}, "new"});
}

inline void finish(queue::Store& store, RecipientId id, queue::OutcomeKind kind) {
    queue::RecordOutcome outcome;
    outcome.outcomes = {{id, kind, "250 ok", noon}};
    outcome.server = "new";
    EXPECT_EQ(apply(store, outcome).moved, 1U);
}

inline void deliver(queue::Store& store, RecipientId id) {
    release(store, id);
    attempt(store, id);
    finish(store, id, queue::OutcomeKind::delivered);
}

inline void discard(queue::Store& store, RecipientId id) {
    queue::MoveRecipients move;
    move.event = queue::Event::discard;
    move.recipients = {id};
    move.who = "ann";
    EXPECT_EQ(apply(store, move).moved, 1U);
}

}  // namespace siding::test
