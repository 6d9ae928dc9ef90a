#include "queue/filter.hpp"

#include "base/address.hpp"
#include "base/bytes.hpp"

namespace siding::queue {

bool matches_id(const Filter& filter, RecipientId id) {
    return (!filter.message || *filter.message == id.message) &&
           (!filter.recipient_number || *filter.recipient_number == id.number) &&
           (!filter.since || id.message >= MessageId::at(*filter.since)) &&
           (!filter.before || id.message < MessageId::at(*filter.before)) &&
           (!filter.up_to || id.message <= *filter.up_to);
}

bool matches(const Filter& filter, const Recipient& recipient) {
    return matches_id(filter, recipient.id) &&
           (!filter.domain || *filter.domain == recipient.domain) &&
           (!filter.wave || *filter.wave == recipient.wave) &&
           (!filter.state || *filter.state == recipient.state) &&
           (!filter.kept || *filter.kept == recipient.kept) &&
           (!filter.larger_octets || recipient.size_octets > *filter.larger_octets) &&
           (!filter.recipient || *filter.recipient == to_lower(recipient.address)) &&
           (!filter.sender || *filter.sender == to_lower(recipient.sender));
}

Result<void> set_recipient(Filter& filter, std::string_view text) {
    if (text.starts_with('@')) {
        SIDING_ASSIGN(filter.domain, Domain::parse(text.substr(1)));
        return {};
    }
    SIDING_ASSIGN(const Address address, Address::parse(text));
    filter.recipient = address.key();
    // The domain narrows the search to one stretch of the index.
    filter.domain = address.domain();
    return {};
}

}  // namespace siding::queue
