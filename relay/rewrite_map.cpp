#include "relay/rewrite_map.hpp"

#include "base/bytes.hpp"
#include "base/limits.hpp"
#include "relay/map_text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <unordered_set>

namespace siding::relay {
namespace {

constexpr char target_separator = '\n';

// One rule's text with its continuation lines, and the line that it starts on.
struct RuleText {
    std::size_t line = 0;
    std::string text;
};

class RuleReader {
public:
    explicit RuleReader(LineProblems& problems) : problems_{problems} {}

    void read(const RuleText& rule, AddressIndex& rules) {
        std::string_view rest = rule.text;
        const auto left = left_.read(take_word(rest));
        if (!left) {
            return problems_.add(rule.line, left.error().context);
        }
        const auto targets = read_targets(rest, left->starts_with('@'));
        if (!targets) {
            return problems_.add(rule.line, targets.error().context);
        }
        if (!rules.insert(*left, *targets)) {
            problems_.add(rule.line, fmt::format("'{}' has a rule above", escape(*left, 80)));
        }
    }

private:
    Result<std::string> read_targets(std::string_view text, bool of_whole_domain) {
        std::string targets;
        std::size_t count = 0;
        while (!text.empty()) {
            const std::string_view target = take_word(text, ",");
            if (text.starts_with(',')) {
                text.remove_prefix(1);
                text = trim(text);
            }
            if (target.empty()) {
                continue;
            }
            SIDING_ASSIGN(const auto key, right_.read(target));
            if (key.starts_with('@') && !of_whole_domain) {
                return Error{
                    Errc::invalid_argument,
                    fmt::format("'{}' stands for one address; name its new one", escape(target))};
            }
            targets += targets.empty() ? "" : std::string(1, target_separator);
            targets += target.substr(0, target.rfind('@') + 1);
            targets += domain_of_key(key);  // as A-labels: an ASCII mailbox stays one
            ++count;
        }
        if (count == 0 || count > limits::rewrite_targets_max) {
            return Error{
                Errc::invalid_argument,
                fmt::format(
                    "{} new addresses; a rule has 1 to {}", count, limits::rewrite_targets_max
                )};
        }
        return targets;
    }

    LineProblems& problems_;
    KeyReader left_{BareNames::allowed};
    KeyReader right_{BareNames::refused};
};

std::vector<std::string_view> split_targets(std::string_view targets) {
    std::vector<std::string_view> out;
    for (std::size_t start = 0; start <= targets.size();) {
        const std::size_t end = std::min(targets.find(target_separator, start), targets.size());
        out.push_back(targets.substr(start, end - start));
        start = end + 1;
    }
    return out;
}

std::string with_tag(std::string_view target, std::string_view tag) {
    const std::size_t at = target.rfind('@');
    return quote_local_part(unquote_local_part(target.substr(0, at)) + std::string{tag}) +
           std::string{target.substr(at)};
}

// Case and quotes of the local part do not make two addresses of one.
std::vector<std::string> without_duplicates(std::vector<std::string> paths) {
    std::unordered_set<std::string> seen;
    std::erase_if(paths, [&](const std::string& path) {
        const std::size_t at = path.rfind('@');
        const std::string key = unquote_local_part(path.substr(0, at)) + path.substr(at);
        return !seen.insert(to_lower(key)).second;
    });
    return paths;
}

}  // namespace

Result<RewriteMap> RewriteMap::parse(std::string_view text) {
    RewriteMap map;
    map.rules_.reserve(count_lines(text), text.size());
    LineProblems problems;
    RuleReader reader{problems};
    RuleText rule;
    const auto finish_rule = [&] {
        if (rule.line > 0) {
            reader.read(rule, map.rules_);
        }
    };
    MapLines lines{text};
    while (const auto line = lines.next()) {
        if (is_comment_or_blank(line->text)) {
            continue;
        }
        if (!is_continuation(line->text)) {
            finish_rule();
            rule.line = line->number;
            rule.text = trim(line->text);
        } else if (rule.line > 0) {
            rule.text += ' ';
            rule.text += trim(line->text);
        } else {
            problems.add(line->number, "white space in front, but no line to go on with");
        }
    }
    finish_rule();
    SIDING_TRY(problems.check());
    return map;
}

std::vector<std::string> RewriteMap::rewrite(const Address& address, const LookupKeys& keys) const {
    std::vector<std::string> paths;
    if (const auto rule = find_for_mailbox(keys)) {
        const std::string_view tag = rule->names_tag ? std::string_view{} : keys.tag;
        for (const std::string_view target : split_targets(rule->targets)) {
            paths.push_back(tag.empty() ? std::string{target} : with_tag(target, tag));
        }
        return without_duplicates(std::move(paths));
    }
    for (const std::string_view target : targets_of_domain(keys)) {
        paths.push_back(
            target.starts_with('@') ? fmt::format("{}{}", address.local_part(), target)
                                    : std::string{target}
        );
    }
    return without_duplicates(std::move(paths));
}

bool RewriteMap::has_rule_for_mailbox(const LookupKeys& keys) const {
    return find_for_mailbox(keys).has_value();
}

std::vector<std::string_view> RewriteMap::targets_of_domain(const LookupKeys& keys) const {
    const auto targets = rules_.find(keys.whole_domain);
    return targets ? split_targets(*targets) : std::vector<std::string_view>{};
}

// The order of virtual(5).
std::optional<RewriteMap::Rule> RewriteMap::find_for_mailbox(const LookupKeys& keys) const {
    if (keys.full == keys.whole_domain) {  // ""@example.com
        return std::nullopt;
    }
    const bool has_tag = !keys.tag.empty();
    if (const auto targets = rules_.find(keys.full)) {
        return Rule{*targets, has_tag};
    }
    if (const auto targets = rules_.find(keys.untagged)) {
        return Rule{*targets, false};
    }
    if (const auto targets = rules_.find(keys.bare)) {
        return Rule{*targets, has_tag};
    }
    if (const auto targets = rules_.find(keys.untagged_bare)) {
        return Rule{*targets, false};
    }
    return std::nullopt;
}

}  // namespace siding::relay
