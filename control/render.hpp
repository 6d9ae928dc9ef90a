// The queue's values as the documented JSON (docs/control-api.md). Pure.
#pragma once

#include "control/message_view.hpp"
#include "cutover/audit.hpp"
#include "queue/store.hpp"

#include <boost/json/object.hpp>

namespace siding::control {

boost::json::object recipient_json(const queue::Recipient& row);

// The counts of every state, without octets.
boost::json::object counts_json(const queue::StateCounts& counts);

boost::json::object ledger_json(const queue::LedgerEntry& entry);

boost::json::object message_json(const MessageView& message);

boost::json::object audit_json(const cutover::AuditReport& report);

}  // namespace siding::control
