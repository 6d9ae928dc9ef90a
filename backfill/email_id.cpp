#include "backfill/email_id.hpp"

namespace siding::backfill {

std::string email_item(const ImapCapabilities& capabilities) {
    if (capabilities.gmail()) {
        return "X-GM-MSGID";
    }
    return capabilities.object_id() ? "EMAILID" : "";
}

std::string email_id_of(const FetchItem& item) {
    if (item.gmail_id && !item.gmail_id->empty()) {
        return "gmail " + *item.gmail_id;
    }
    return item.email_id && !item.email_id->empty() ? "object " + *item.email_id : "";
}

}  // namespace siding::backfill
