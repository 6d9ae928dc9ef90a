#include "backfill/folder_name.hpp"

#include "backfill/mailbox_name.hpp"
#include "base/bytes.hpp"
#include "base/digest.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <fmt/format.h>

namespace siding::backfill {
namespace {

struct Range {
    std::uint32_t first;
    std::uint32_t last;
    std::uint32_t distance;  // of the small letter; 1: capitals and small ones by turns
};

// The simple case folding of the scripts that have cases and whose users have mailboxes.
constexpr std::array ranges{
    Range{'A', 'Z', 0x20},
    Range{0xc0, 0xd6, 0x20},
    Range{0xd8, 0xde, 0x20},
    Range{0x100, 0x12f, 1},
    Range{0x132, 0x137, 1},
    Range{0x14a, 0x177, 1},
    Range{0x1cd, 0x1dc, 1},
    Range{0x391, 0x3a1, 0x20},
    Range{0x3a3, 0x3ab, 0x20},
    Range{0x400, 0x40f, 0x50},
    Range{0x410, 0x42f, 0x20},
    Range{0x460, 0x481, 1},
    Range{0x48a, 0x4bf, 1},
    Range{0x531, 0x556, 0x30},
    Range{0x1e00, 0x1e95, 1},
    Range{0x1ea0, 0x1eff, 1},
    Range{0xff21, 0xff3a, 0x20},
};
// Those where the odd one is the capital.
constexpr std::array odd_ranges{Range{0x139, 0x148, 1}, Range{0x179, 0x17e, 1}};

std::uint32_t fold(std::uint32_t c) {
    for (const Range& range : ranges) {
        if (c >= range.first && c <= range.last) {
            const bool in_turns = range.distance == 1;
            const bool is_small = in_turns && (c - range.first) % 2 != 0;
            return is_small ? c : c + range.distance;
        }
    }
    for (const Range& range : odd_ranges) {
        if (c >= range.first && c <= range.last) {
            return (c - range.first) % 2 == 0 ? c + 1 : c;
        }
    }
    return c;
}

bool is_c1(std::string_view text) {
    return text.size() >= 2 && text[0] == '\xc2' && (text[1] & 0xe0) == 0x80;
}

// How many octets the character at the front has, of well-formed UTF-8; an octet that is none is
// one by itself.
std::size_t character_octets(std::string_view text) {
    const auto first = static_cast<unsigned char>(text.front());
    const std::size_t octets = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    const bool is_one = octets <= text.size() && (is_utf8(text.substr(0, octets)) || is_c1(text));
    return first < 0x80 || is_one ? octets : 1;
}

std::uint32_t code_point(std::string_view character) {
    constexpr std::array<std::uint32_t, 4> first_masks{0xff, 0x1f, 0x0f, 0x07};
    std::uint32_t c = static_cast<unsigned char>(character.front());
    c &= first_masks.at(character.size() - 1);
    for (const char next : character.substr(1)) {
        c = (c << 6) | (static_cast<unsigned char>(next) & 0x3fU);
    }
    return c;
}

void append(std::string& out, std::uint32_t c) {
    const auto part = [c](unsigned shift, std::uint32_t mask, std::uint32_t mark) {
        return static_cast<char>(((c >> shift) & mask) | mark);
    };
    if (c < 0x80) {
        out.push_back(static_cast<char>(c));
    } else if (c < 0x800) {
        out += {part(6, 0x1f, 0xc0), part(0, 0x3f, 0x80)};
    } else if (c < 0x10000) {
        out += {part(12, 0x0f, 0xe0), part(6, 0x3f, 0x80), part(0, 0x3f, 0x80)};
    } else {
        out +=
            {part(18, 0x07, 0xf0), part(12, 0x3f, 0x80), part(6, 0x3f, 0x80), part(0, 0x3f, 0x80)};
    }
}

bool is_control(std::string_view character) {
    const auto first = static_cast<unsigned char>(character.front());
    return character.size() == 1 ? first < ' ' || first >= 0x7f : is_c1(character);
}

// What was done to a name, for people.
class Reasons {
public:
    void add(std::string reason) {
        if (text_.find(reason) == std::string::npos) {
            text_ += (text_.empty() ? "" : ", ") + reason;
        }
    }
    std::string take() { return std::move(text_); }

private:
    std::string text_;
};

std::string replace_forbidden(
    std::string_view level, char separator, const NameRules& rules, Reasons& reasons
) {
    std::string out;
    while (!level.empty()) {
        const std::string_view character = level.substr(0, character_octets(level));
        level.remove_prefix(character.size());
        const char c = character.front();
        const bool is_ascii = character.size() == 1;
        if (is_ascii && c != '\0' &&
            (c == separator || rules.forbidden.find(c) != std::string::npos)) {
            reasons.add(fmt::format("'{}' cannot stand in a name there", c));
            out.push_back('_');
        } else if (is_control(character)) {
            reasons.add("a control character cannot stand in a name");
            out.push_back('_');
        } else if (is_ascii && out.empty() && rules.forbidden_first.find(c) != std::string::npos) {
            reasons.add(fmt::format("'{}' cannot begin a name there", c));
            out.push_back('_');
        } else {
            out += character;
        }
    }
    return out;
}

std::string set_blanks_right(std::string_view level, Reasons& reasons) {
    std::string out;
    for (const char c : level) {
        if (c != ' ' || (!out.empty() && out.back() != ' ')) {
            out.push_back(c);
        }
    }
    if (out.ends_with(' ')) {
        out.pop_back();
    }
    if (out.size() != level.size()) {
        reasons.add("blanks at its ends or twice in a row are not kept by every server");
    }
    return out;
}

// Cut between characters; what is cut stays told apart.
std::string cut(const std::string& level, std::size_t octets_max, Reasons& reasons) {
    if (to_mutf7(level).size() <= octets_max) {
        return level;
    }
    reasons.add(fmt::format("it is longer than {} octets", octets_max));
    const std::string mark = "-" + to_hex(sha256(level).substr(0, 3));
    std::string out;
    std::string_view rest = level;
    while (!rest.empty()) {
        const std::string_view character = rest.substr(0, character_octets(rest));
        if (to_mutf7(out + std::string{character} + mark).size() > octets_max) {
            break;
        }
        out += character;
        rest.remove_prefix(character.size());
    }
    while (out.ends_with(' ')) {
        out.pop_back();
    }
    return out + mark;
}

}  // namespace

ServerKind server_kind_of(std::string_view words) {
    struct Sign {
        std::string_view word;
        ServerKind kind;
    };
    constexpr std::array signs{
        Sign{"x-gm-ext-1", ServerKind::gmail},
        Sign{"gimap", ServerKind::gmail},
        Sign{"microsoft exchange", ServerKind::exchange},
        Sign{"outlook.com", ServerKind::exchange},
        Sign{"yahoo", ServerKind::yahoo},
        Sign{"courier", ServerKind::courier},
        Sign{"cyrus", ServerKind::cyrus},
        Sign{"dovecot", ServerKind::dovecot},
        Sign{"imap4d", ServerKind::mailutils},
        Sign{"mailutils", ServerKind::mailutils},
    };
    const std::string text = to_lower(words);
    const auto found = std::ranges::find_if(signs, [&](const Sign& sign) {
        return text.find(sign.word) != std::string::npos;
    });
    return found == signs.end() ? ServerKind::generic : found->kind;
}

NameRules NameRules::of(ServerKind kind, char separator) {
    NameRules rules;
    // RFC 9051 §5.1: wildcards of LIST. A slash is a directory where folders are files.
    rules.forbidden = "%*/";
    rules.forbidden_first = "~#";
    switch (kind) {
    case ServerKind::generic:
    case ServerKind::mailutils:
        rules.forbidden += "\\";
        break;
    case ServerKind::dovecot:
        // Maildir++: all levels are the name of one directory.
        rules.name_octets_max = separator == '.' ? 240 : 1000;
        break;
    case ServerKind::cyrus:
        rules.forbidden += "!\";<>?\\^`{|}";
        rules.name_octets_max = 400;  // 490 with the user's name
        break;
    case ServerKind::courier:
        rules.forbidden += "\\";
        rules.name_octets_max = 240;
        break;
    case ServerKind::gmail:
        rules.forbidden += "\"\\^";
        rules.level_octets_max = 200;
        rules.name_octets_max = 225;
        rules.reserved = {
            "[Gmail]",
            "[Google Mail]",
            "Inbox",
            "Sent",
            "Sent Mail",
            "Draft",
            "Drafts",
            "Spam",
            "Trash",
            "Bin",
            "Chat",
            "Chats",
            "Starred",
            "Important",
            "Unread",
            "Muted",
            "All Mail",
            "Snoozed",
            "Scheduled"};
        rules.ignores_case = true;
        rules.has_children_of_special = false;
        break;
    case ServerKind::exchange:
        rules.forbidden += "\\";
        rules.level_octets_max = 250;
        rules.reserved = {
            "Calendar",
            "Contacts",
            "Conversation History",
            "Files",
            "Journal",
            "Notes",
            "Outbox",
            "Sync Issues",
            "Tasks",
            "Yammer Root"};
        rules.ignores_case = true;
        break;
    case ServerKind::yahoo:
        rules.forbidden += "\"\\^&<>";
        rules.level_octets_max = 60;
        rules.ignores_case = true;
        break;
    }
    return rules;
}

NameRules NameRules::strict() {
    NameRules rules;
    rules.forbidden = "!\"#%&'*./:;<>?[\\]^`{|}~";
    rules.forbidden_first = "-";
    rules.level_octets_max = 60;
    rules.name_octets_max = 200;
    rules.ignores_case = true;
    return rules;
}

SafeLevel make_safe_level(std::string_view level, char separator, const NameRules& rules) {
    Reasons reasons;
    std::string name{level};
    if (has_kept_octets(name)) {
        reasons.add("its octets are no proper name of a folder");
        name = readable_mailbox_name(name);
    }
    name = replace_forbidden(name, separator, rules, reasons);
    name = set_blanks_right(name, reasons);
    if (name.find_first_not_of('.') == std::string::npos) {
        reasons.add("nothing of it is left");
        name = "_";
    }
    name = cut(name, rules.level_octets_max, reasons);
    return {std::move(name), reasons.take()};
}

std::string fold_case(std::string_view name) {
    std::string out;
    out.reserve(name.size());
    while (!name.empty()) {
        const std::string_view character = name.substr(0, character_octets(name));
        name.remove_prefix(character.size());
        if (character.size() == 1) {
            const char c = character.front();
            out.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
        } else {
            append(out, fold(code_point(character)));
        }
    }
    return out;
}

bool is_reserved(std::string_view level, const NameRules& rules) {
    const std::string folded = fold_case(level);
    return std::ranges::any_of(rules.reserved, [&](const std::string& word) {
        return fold_case(word) == folded;
    });
}

}  // namespace siding::backfill
