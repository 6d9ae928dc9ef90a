// Folder plans. The first octet says what the rest is: the text of a plan, or lists of folders, a
// line each, the destination's after an empty one. However hostile the names: a row for each
// folder, no name twice, none that the rules forbid, and the plan's text gives the plan again.
#include "backfill/folder_levels.hpp"
#include "backfill/folder_plan.hpp"
#include "backfill/mailbox_name.hpp"
#include "base/check.hpp"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace {

using namespace siding;
using namespace siding::backfill;

void check_text(std::string_view text) {
    const auto plan = parse_plan(text);
    if (!plan) {
        SIDING_CHECK(!plan.error().context.empty(), "refused without a reason");
        return;
    }
    const auto again = parse_plan(format_plan(*plan));
    SIDING_CHECK(again.has_value(), "what was written cannot be read");
}

void add_line(FolderSide& side, std::string_view line) {
    Folder folder;
    folder.separator = line.front() == '.' ? '.' : line.front() == '-' ? '\0' : side.separator;
    if (line.front() == '\\') {
        folder.attributes = {std::string{line.substr(0, line.find(' '))}};
    }
    folder.name = decode_mailbox_name(line.substr(std::min(line.size(), line.find(' ') + 1)));
    folder.messages = line.size();
    folder.is_subscribed = line.size() % 2 != 0;
    side.folders.push_back(std::move(folder));
}

struct Lists {
    FolderSide source{};
    FolderSide destination{};
};

Lists read_lists(std::string_view text, std::uint8_t flags) {
    Lists lists;
    lists.source.separator = (flags & 2) != 0 ? '.' : '/';
    lists.destination.separator = (flags & 4) != 0 ? '.' : '/';
    lists.destination.prefix =
        (flags & 8) != 0 ? std::string{"INBOX"} + lists.destination.separator : "";
    lists.destination.kind = static_cast<ServerKind>((flags >> 4) % 8);
    lists.source.kind = static_cast<ServerKind>((flags >> 5) % 8);
    lists.destination.strict_names = flags == 0xff;
    FolderSide* side = &lists.source;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        if (end == 0) {
            side = &lists.destination;
        } else {
            add_line(*side, text.substr(0, end));
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    lists.source.prefix = guess_prefix(lists.source.folders);
    return lists;
}

void check_plan(const Lists& lists) {
    const FolderPlan plan = make_plan("joe", lists.source, lists.destination, {});
    std::set<std::string> selectable;
    std::set<std::string>
        others;  // a folder that is told twice is no folder if one of them says so
    for (const Folder& folder : lists.source.folders) {
        const std::string name = is_inbox(folder.name) ? "INBOX" : folder.name;
        (is_selectable(folder) ? selectable : others).insert(name);
    }
    std::erase_if(selectable, [&](const std::string& name) { return others.contains(name); });
    SIDING_CHECK(plan.rows.size() == selectable.size(), "a row for each folder");
    std::set<std::string> names;
    const std::size_t octets_max =
        (lists.destination.strict_names
             ? NameRules::strict()
             : NameRules::of(lists.destination.kind, lists.destination.separator))
            .name_octets_max;
    for (const FolderPlan::Row& row : plan.rows) {
        if (row.action == FolderPlan::Row::Action::skip) {
            SIDING_CHECK(!row.why.empty() && row.destination.empty(), "skipped without a reason");
            continue;
        }
        SIDING_CHECK(!row.destination.empty(), "no destination");
        SIDING_CHECK(names.insert(row.destination).second, "two folders become one");
        const bool is_there =
            std::ranges::find(lists.destination.folders, row.destination, &Folder::name) !=
            lists.destination.folders.end();
        SIDING_CHECK(
            is_there || to_mutf7(row.destination).size() <= octets_max + 8, "a name too long"
        );
        SIDING_CHECK(
            is_there || std::ranges::none_of(
                            row.destination, [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; }
                        ),
            "a control character"
        );
    }
    const auto again = parse_plan(format_plan(plan));
    SIDING_CHECK(again.has_value() && *again == plan, "the text is not the plan");
    SIDING_CHECK(drift(plan, plan).empty(), "drift from itself");
    SIDING_CHECK(follow_plan(plan, plan).rows.size() == plan.rows.size(), "rows lost");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string_view text{reinterpret_cast<const char*>(data) + 1, size - 1};
    if (data[0] % 2 != 0) {
        check_text(text);
    }
    check_plan(read_lists(text, data[0]));
    return 0;
}
