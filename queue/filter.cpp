#include "queue/filter.hpp"

#include "base/address.hpp"
#include "base/bytes.hpp"

#include <algorithm>

namespace siding::queue {
namespace {

bool has_tag(const Recipient& recipient, const std::string& tag) {
    return std::ranges::find(recipient.tags, tag) != recipient.tags.end();
}

}  // namespace

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
           (!filter.tag || has_tag(recipient, *filter.tag)) &&
           (!filter.not_tag || !has_tag(recipient, *filter.not_tag)) &&
           (!filter.cause || *filter.cause == recipient.cause) &&
           (!filter.server || *filter.server == recipient.lane) &&
           (!filter.copy || *filter.copy == recipient.copy) &&
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
