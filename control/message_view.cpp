#include "control/message_view.hpp"

namespace siding::control {
namespace {

bool is_of_the_record(const Error& error) {
    return error.is(Errc::corrupt) || error.is(Errc::not_found);
}

Result<void> add_ended(MessageView& view, const queue::Store& store) {
    SIDING_ASSIGN(const auto entries, store.ledger_of(view.envelope.id));
    for (const queue::LedgerEntry& entry : entries) {
        if (entry.kind == queue::LedgerKind::delivered) {
            view.ended.emplace(entry.recipient.number, queue::State::delivered);
        } else if (entry.kind == queue::LedgerKind::discarded) {
            view.ended.emplace(entry.recipient.number, queue::State::discarded);
        }
    }
    return {};
}

}  // namespace

Result<MessageView> read_message(const queue::Store& store, MessageId id) {
    MessageView view;
    SIDING_ASSIGN(view.envelope, store.read_envelope(id));
    for (std::uint32_t number = 0; number < view.envelope.recipients.size(); ++number) {
        auto row = store.read_recipient({id, number});
        if (row.has_value()) {
            view.rows.emplace(number, std::move(*row));
        } else if (!is_of_the_record(row.error())) {
            return row.error();
        }
    }
    if (view.rows.size() < view.envelope.recipients.size()) {
        SIDING_TRY(add_ended(view, store));
    }
    return view;
}

}  // namespace siding::control
