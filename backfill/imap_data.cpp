#include "backfill/imap_data.hpp"

#include "backfill/ascii.hpp"
#include "backfill/imap_data_values.hpp"
#include "base/bytes.hpp"

#include <algorithm>
#include <utility>

namespace siding::backfill {
namespace {

// A mailbox name of one value, or of several when a server forgot the quotes: up to the first list
// from values[at] on.
std::string mailbox_of(Values values, std::size_t& at) {
    std::string name;
    for (const std::size_t begin = at; at < values.size() && !values[at].is_list(); ++at) {
        name += (at == begin ? "" : " ") + text_of(values[at]);
    }
    return name;
}

bool is_section(std::string_view upper) {
    return upper.starts_with("BODY[") || upper.starts_with("BINARY[") || upper == "RFC822" ||
           upper == "RFC822.HEADER" || upper == "RFC822.TEXT";
}

void take_item(FetchItem& item, const std::string& name, const ImapValue& value) {
    if (name == "UID") {
        item.uid = value.number();
        if (item.uid == 0U) {
            item.uid.reset();
        }
    } else if (name == "FLAGS") {
        if (value.is_list()) {
            item.flags = texts_of(value.items);
        }
    } else if (name == "INTERNALDATE") {
        item.internal_date = string_of(value);
    } else if (name == "RFC822.SIZE") {
        item.octets = value.number();
    } else if (name == "MODSEQ") {
        item.modseq = only(value).number();
    } else if (name == "SAVEDATE") {
        item.save_date = string_of(value);
    } else if (name == "EMAILID") {
        item.email_id = string_of(only(value));
    } else if (name == "X-GM-MSGID") {
        item.gmail_id = decimal_of(value);
    } else if (name == "X-GM-LABELS") {
        item.gmail_labels = texts_of(value.items);
    } else if (is_section(name)) {
        FetchItem::Section& section = item.sections.emplace_back();
        section.name = name;
        section.is_nil = value.is_nil();
        section.is_streamed = value.kind == ImapValue::Kind::streamed;
        section.octets = value.is_nil() ? std::string{} : value.text;
    }
}

// "name value name value", as FETCH, STATUS and QUOTA have it.
template <typename Take>
void for_each_pair(Values values, Take take) {
    for (std::size_t i = 0; i + 1 < values.size();) {
        if (values[i].kind == ImapValue::Kind::atom) {
            take(to_upper(values[i].text), values[i + 1]);
            i += 2;
        } else {
            ++i;
        }
    }
}

void take_status(StatusItem& item, const std::string& name, const ImapValue& value) {
    if (name == "MESSAGES") {
        item.messages = value.number();
    } else if (name == "UNSEEN") {
        item.unseen = value.number();
    } else if (name == "UIDNEXT") {
        item.uid_next = value.number();
    } else if (name == "UIDVALIDITY") {
        item.uid_validity = decimal_of(value);
    } else if (name == "HIGHESTMODSEQ") {
        item.highest_modseq = value.number();
    } else if (name == "SIZE") {
        item.octets = value.number();
    } else if (name == "APPENDLIMIT") {
        item.append_limit = value.number();
    } else if (name == "MAILBOXID") {
        item.mailbox_id = string_of(only(value));
    }
}

// Numbers of one atom "3 4 5", see ImapResponse::values.
bool take_numbers(std::string_view text, std::vector<ImapSet::Range>& ranges) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(' '), text.size());
        ImapValue value;
        value.kind = ImapValue::Kind::atom;
        value.text = text.substr(0, end);
        const auto number = value.number();
        if (number) {
            ranges.push_back({*number, *number});
        } else if (end > 0) {
            return false;
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return true;
}

SearchResult search_of(Values values) {
    SearchResult result;
    std::vector<ImapSet::Range> ranges;
    for (const ImapValue& value : values) {
        if (value.is_list() && value.items.size() == 2 && value.items[0].is_atom("MODSEQ")) {
            result.modseq = value.items[1].number();
        } else if (value.is_text()) {
            static_cast<void>(take_numbers(value.text, ranges));
        }
    }
    result.all = ImapSet::of(std::move(ranges));
    return result;
}

// RFC 9051 §7.3.4: "(TAG "a1") UID MIN 1 ALL 1:3".
SearchResult esearch_of(Values values) {
    SearchResult result;
    if (!values.empty() && values[0].is_list()) {
        const Values correlator = values[0].items;
        if (correlator.size() == 2 && correlator[0].is_atom("TAG")) {
            result.tag = correlator[1].text;
        }
        values = values.subspan(1);
    }
    if (!values.empty() && values[0].is_atom("UID")) {
        result.is_uid = true;
        values = values.subspan(1);
    }
    for_each_pair(values, [&](const std::string& name, const ImapValue& value) {
        if (name == "MIN") {
            result.min = value.number();
        } else if (name == "MAX") {
            result.max = value.number();
        } else if (name == "COUNT") {
            result.count = value.number();
        } else if (name == "MODSEQ") {
            result.modseq = only(value).number();
        } else if (name == "ALL") {
            if (auto all = ImapSet::parse(value.text)) {
                result.all = std::move(*all);
            }
        }
    });
    return result;
}

}  // namespace

const FetchItem::Section* FetchItem::section(std::string_view name) const {
    const auto found = std::ranges::find(sections, name, &Section::name);
    return found == sections.end() ? nullptr : &*found;
}

std::optional<FetchItem> fetch_item(const ImapResponse& response) {
    if (!response.is_data("FETCH")) {
        return std::nullopt;
    }
    const bool is_list = response.values.size() == 1 && response.values[0].is_list();
    const Values values = is_list ? response.values[0].items : response.values;
    FetchItem item;
    for_each_pair(values, [&](const std::string& name, const ImapValue& value) {
        take_item(item, name, value);
    });
    return item;
}

bool ListItem::has_attribute(std::string_view attribute) const {
    return std::ranges::any_of(attributes, [&](const std::string& own) {
        return equals_ignoring_case(own, attribute);
    });
}

std::optional<ListItem> list_item(const ImapResponse& response) {
    const bool is_list =
        response.is_data("LIST") || response.is_data("LSUB") || response.is_data("XLIST");
    const Values values = response.values;
    if (!is_list || values.size() < 3) {
        return std::nullopt;
    }
    ListItem item;
    item.attributes = texts_of(values[0].items);
    item.separator = separator_of(values[1]);
    std::size_t at = 2;
    item.name = mailbox_of(values, at);
    if (at < values.size()) {  // RFC 5258 §6: extended data, in a list of pairs
        const Values extended = values[at].items;
        for (std::size_t i = 0; i + 1 < extended.size(); i += 2) {
            if (equals_ignoring_case(extended[i].text, "CHILDINFO")) {
                item.child_info = texts_of(extended[i + 1].items);
            } else if (equals_ignoring_case(extended[i].text, "OLDNAME")) {
                item.old_name = text_of(only(extended[i + 1]));
            }
        }
    }
    return item;
}

std::optional<StatusItem> status_item(const ImapResponse& response) {
    if (!response.is_data("STATUS") || response.values.empty()) {
        return std::nullopt;
    }
    StatusItem item;
    std::size_t at = 0;
    item.mailbox = mailbox_of(response.values, at);
    if (at < response.values.size()) {
        for_each_pair(
            response.values[at].items,
            [&](const std::string& name, const ImapValue& value) { take_status(item, name, value); }
        );
    }
    return item;
}

std::optional<SearchResult> search_result(const ImapResponse& response) {
    if (response.is_data("SEARCH") || response.is_data("SORT")) {
        return search_of(response.values);
    }
    return response.is_data("ESEARCH") ? std::optional{esearch_of(response.values)} : std::nullopt;
}

std::optional<Vanished> vanished(const ImapResponse& response) {
    if (!response.is_data("VANISHED") || response.values.empty()) {
        return std::nullopt;
    }
    Vanished gone;
    for (const ImapValue& value : response.values) {
        if (value.is_list()) {
            gone.is_earlier = !value.items.empty() && value.items[0].is_atom("EARLIER");
        } else if (auto uids = ImapSet::parse(value.text)) {
            gone.uids.add(*uids);
        }
    }
    return gone;
}

}  // namespace siding::backfill
