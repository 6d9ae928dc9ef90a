#include "cutover/sender_feed.hpp"

#include "base/limits.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace siding::cutover {
namespace {

bool is_spam(const std::vector<std::string>& tags) {
    return std::ranges::any_of(tags, [](std::string_view tag) {
        return tag == "spam" || tag == "phish" || tag == "virus";
    });
}

std::set<std::string> wanted_domains(
    const queue::LedgerEntry& entry, const std::set<std::string>& domains
) {
    std::set<std::string> wanted;
    for (const queue::AcceptedRecipient& recipient : entry.recipients) {
        if (!recipient.copy && domains.contains(recipient.domain)) {
            wanted.insert(recipient.domain);
        }
    }
    return wanted;
}

}  // namespace

Result<SenderFeed::Page> SenderFeed::read(
    const queue::Store& store, const std::set<std::string>& domains
) {
    Page page;
    SIDING_ASSIGN(const auto entries, store.read_ledger(sequence_ + 1, limits::change_page_rows));
    page.at_end = entries.size() < limits::change_page_rows;
    for (const queue::LedgerEntry& entry : entries) {
        sequence_ = entry.sequence;
        // Mail of our own making, such as a report, has no client.
        if (entry.kind != queue::LedgerKind::accepted || entry.client_address.empty()) {
            continue;
        }
        const auto wanted = wanted_domains(entry, domains);
        if (wanted.empty()) {
            continue;
        }
        FeedMail mail;
        mail.mail.at = entry.at;
        mail.mail.sender = entry.sender;
        mail.mail.is_spam = is_spam(entry.tags);
        mail.mail.client.address = entry.client_address;
        mail.proxy_address = entry.proxy_address;
        if (!names_.contains(entry.client_address)) {
            // Gone where the message has been delivered already: then the address must do.
            const auto envelope = store.read_envelope(entry.recipient.message);
            if (envelope.has_value()) {
                if (names_.size() >= limits::sender_names_max) {
                    names_.clear();
                }
                names_[entry.client_address] = {envelope->client_name, envelope->helo};
            }
        }
        if (const auto name = names_.find(entry.client_address); name != names_.end()) {
            mail.mail.client.name = name->second.name;
            mail.mail.client.helo = name->second.helo;
        }
        for (const std::string& domain : wanted) {
            mail.domain = domain;
            page.mails.push_back(mail);
        }
    }
    return page;
}

}  // namespace siding::cutover
