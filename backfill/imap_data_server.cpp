// What is said of the server and its accounts, and in codes; imap_data.cpp has mailboxes and
// messages.
#include "backfill/ascii.hpp"
#include "backfill/imap_data.hpp"
#include "backfill/imap_data_values.hpp"
#include "backfill/limits.hpp"
#include "base/bytes.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace siding::backfill {
namespace {

std::vector<Namespaces::Namespace> namespaces_of(const ImapValue& value) {
    std::vector<Namespaces::Namespace> all;
    for (const ImapValue& one : value.items) {
        if (one.is_list() && !one.items.empty()) {
            all.push_back(
                {text_of(one.items[0]),
                 one.items.size() > 1 ? separator_of(one.items[1]) : std::nullopt}
            );
        }
    }
    return all;
}

}  // namespace

std::optional<ImapCapabilities> capabilities(const ImapResponse& response) {
    const bool is_data = response.is_data("CAPABILITY");
    if (!is_data && !response.is_code("CAPABILITY")) {
        return std::nullopt;
    }
    ImapCapabilities offered;
    for (const std::string& name : texts_of(is_data ? response.values : response.code_values)) {
        offered.add(name);
    }
    return offered;
}

std::optional<std::vector<std::string>> enabled(const ImapResponse& response) {
    if (!response.is_data("ENABLED")) {
        return std::nullopt;
    }
    std::vector<std::string> names = texts_of(response.values);
    for (std::string& name : names) {
        name = to_upper(name);
    }
    return names;
}

std::optional<std::vector<std::pair<std::string, std::string>>> server_id(
    const ImapResponse& response
) {
    if (!response.is_data("ID")) {
        return std::nullopt;
    }
    std::vector<std::pair<std::string, std::string>> words;
    const Values values = response.values.empty() ? Values{} : Values{response.values[0].items};
    for (std::size_t i = 0; i + 1 < values.size(); i += 2) {
        words.emplace_back(to_lower(values[i].text), string_of(values[i + 1]).value_or(""));
    }
    return words;
}

std::optional<Namespaces> namespaces(const ImapResponse& response) {
    if (!response.is_data("NAMESPACE")) {
        return std::nullopt;
    }
    Namespaces all;
    const std::array<std::vector<Namespaces::Namespace>*, 3> kinds = {
        &all.personal, &all.other_users, &all.shared};
    for (std::size_t i = 0; i < std::min(response.values.size(), kinds.size()); ++i) {
        *kinds.at(i) = namespaces_of(response.values[i]);
    }
    return all;
}

std::optional<Quota> quota(const ImapResponse& response) {
    const Values values = response.values;
    if (!response.is_data("QUOTA") || values.size() < 2 || !values.back().is_list()) {
        return std::nullopt;
    }
    Quota quota;
    quota.root = text_of(values[0]);
    const Values items = values.back().items;
    for (std::size_t i = 0; i + 2 < items.size(); i += 3) {
        const auto used = items[i + 1].number();
        const auto limit = items[i + 2].number();
        if (used && limit) {
            quota.resources.push_back({to_upper(items[i].text), *used, *limit});
        }
    }
    return quota;
}

std::optional<QuotaRoots> quota_roots(const ImapResponse& response) {
    if (!response.is_data("QUOTAROOT") || response.values.empty()) {
        return std::nullopt;
    }
    QuotaRoots found;
    found.mailbox = text_of(response.values[0]);
    for (const ImapValue& root : Values{response.values}.subspan(1)) {
        found.roots.push_back(text_of(root));
    }
    return found;
}

std::optional<Acl> acl(const ImapResponse& response) {
    if (!response.is_data("ACL") || response.values.empty()) {
        return std::nullopt;
    }
    Acl acl;
    acl.mailbox = text_of(response.values[0]);
    for (std::size_t i = 1; i + 1 < response.values.size(); i += 2) {
        acl.rights.emplace_back(text_of(response.values[i]), text_of(response.values[i + 1]));
    }
    return acl;
}

std::optional<MyRights> my_rights(const ImapResponse& response) {
    if (!response.is_data("MYRIGHTS") || response.values.size() < 2) {
        return std::nullopt;
    }
    return MyRights{text_of(response.values[0]), text_of(response.values[1])};
}

std::optional<AppendUid> append_uid(const ImapResponse& response) {
    const Values values = response.code_values;
    if (!response.is_code("APPENDUID") || values.size() != 2) {
        return std::nullopt;
    }
    auto validity = decimal_of(values[0]);
    auto uids = ImapSet::in_order(values[1].text, limits::imap_values_max);
    if (!validity || !uids) {
        return std::nullopt;
    }
    return AppendUid{std::move(*validity), std::move(*uids)};
}

std::optional<CopyUid> copy_uid(const ImapResponse& response) {
    const Values values = response.code_values;
    if (!response.is_code("COPYUID") || values.size() != 3) {
        return std::nullopt;
    }
    auto validity = decimal_of(values[0]);
    auto source = ImapSet::in_order(values[1].text, limits::imap_values_max);
    auto destination = ImapSet::in_order(values[2].text, limits::imap_values_max);
    if (!validity || !source || !destination || source->size() != destination->size()) {
        return std::nullopt;
    }
    return CopyUid{std::move(*validity), std::move(*source), std::move(*destination)};
}

std::optional<std::uint64_t> code_number(const ImapResponse& response, std::string_view code) {
    return response.is_code(code) && !response.code_values.empty()
               ? only(response.code_values[0]).number()
               : std::nullopt;
}

std::optional<std::string> code_text(const ImapResponse& response, std::string_view code) {
    return response.is_code(code) && !response.code_values.empty()
               ? string_of(only(response.code_values[0]))
               : std::nullopt;
}

std::optional<std::vector<std::string>> flag_list(
    const ImapResponse& response, std::string_view name
) {
    const bool is_data = response.is_data(name);
    const Values values = is_data ? response.values : response.code_values;
    if ((!is_data && !response.is_code(name)) || values.empty() || !values[0].is_list()) {
        return std::nullopt;
    }
    return texts_of(values[0].items);
}

}  // namespace siding::backfill
