// What a server says of a message's identity, the same in every mailbox that shows it: OBJECTID's
// EMAILID (RFC 8474 §5.1: the same one, the same octets) or Gmail's X-GM-MSGID. Pure.
#pragma once

#include "backfill/imap_capabilities.hpp"
#include "backfill/imap_data.hpp"

#include <string>

namespace siding::backfill {

// The item of FETCH; empty: the server has none.
std::string email_item(const ImapCapabilities& capabilities);
// CopyRecord::email_id; empty: the response has none.
std::string email_id_of(const FetchItem& item);

}  // namespace siding::backfill
