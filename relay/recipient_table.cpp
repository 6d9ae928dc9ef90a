#include "relay/recipient_table.hpp"

#include <algorithm>

namespace siding::relay {

RecipientTable::Answer RecipientTable::find(const Address& address, std::string_view delimiter)
    const {
    const DomainFiles* files = files_of(address.domain().text());
    if (files == nullptr) {
        return Answer::no_files;
    }
    const LookupKeys keys{address, delimiter};
    if (is_listed(*files, keys) ||
        (files->rewrite != nullptr && is_rewritten(*files->rewrite, keys))) {
        return Answer::known;
    }
    return files->recipients.empty() || !files->complete ? Answer::no_files : Answer::unknown;
}

bool RecipientTable::names(const Address& address) const {
    constexpr std::string_view no_delimiter;
    const DomainFiles* files = files_of(address.domain().text());
    const LookupKeys keys{address, no_delimiter};
    return files != nullptr &&
           (is_named(*files, keys) ||
            (files->rewrite != nullptr && files->rewrite->has_rule_for_mailbox(keys)));
}

std::vector<std::string> RecipientTable::rewrite(const Address& address, std::string_view delimiter)
    const {
    const DomainFiles* files = files_of(address.domain().text());
    if (files == nullptr || files->rewrite == nullptr) {
        return {};
    }
    return files->rewrite->rewrite(address, LookupKeys{address, delimiter});
}

const RecipientTable::DomainFiles* RecipientTable::files_of(std::string_view domain) const {
    const auto found = domains_.find(domain);
    return found == domains_.end() ? nullptr : &found->second;
}

bool RecipientTable::is_listed(const DomainFiles& files, const LookupKeys& keys) const {
    return is_named(files, keys) || std::ranges::any_of(files.recipients, [&](const auto& set) {
               return set->contains(keys.whole_domain);
           });
}

bool RecipientTable::is_named(const DomainFiles& files, const LookupKeys& keys) const {
    return std::ranges::any_of(files.recipients, [&](const auto& set) {
        return set->contains(keys.full) || set->contains(keys.untagged) ||
               set->contains(keys.bare) || set->contains(keys.untagged_bare);
    });
}

bool RecipientTable::is_rewritten(const RewriteMap& map, const LookupKeys& keys) const {
    if (map.has_rule_for_mailbox(keys)) {
        return true;
    }
    const auto targets = map.targets_of_domain(keys);
    return std::ranges::any_of(targets, [&](std::string_view target) {
        if (!target.starts_with('@')) {
            return true;
        }
        KeyReader reader{BareNames::refused};
        const auto key = reader.read(target);
        const DomainFiles* files = key ? files_of(domain_of_key(*key)) : nullptr;
        return files != nullptr && is_listed(*files, keys.at(domain_of_key(*key)));
    });
}

}  // namespace siding::relay
