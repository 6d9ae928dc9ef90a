#include "relay/recipient_file.hpp"

#include "relay/address_key.hpp"
#include "relay/map_text.hpp"

namespace siding::relay {

void RecipientSet::reserve(std::string_view file) {
    keys_.reserve(count_lines(file), file.size());
}

void RecipientSet::add(std::string_view key) {
    if (!keys_.insert(key)) {
        return;
    }
    const std::string_view domain = domain_of_key(key);
    if (last_ == nullptr || last_->first != domain) {
        last_ = &*sizes_.try_emplace(std::string{domain}).first;
    }
    ++last_->second;
}

Result<RecipientSet> parse_recipient_list(std::string_view text) {
    RecipientSet set;
    set.reserve(text);
    KeyReader keys{BareNames::refused};
    LineProblems problems;
    MapLines lines{text};
    while (const auto line = lines.next()) {
        if (is_comment_or_blank(line->text)) {
            continue;
        }
        std::string_view rest = trim(line->text);
        const auto key = keys.read(take_word(rest));
        if (!key) {
            problems.add(line->number, key.error().context);
        } else if (!is_comment_or_blank(rest)) {
            problems.add(line->number, "more than one address; write one on each line");
        } else {
            set.add(*key);
        }
    }
    SIDING_TRY(problems.check());
    return finish_recipients(std::move(set));
}

Result<RecipientSet> finish_recipients(RecipientSet set) {
    if (set.size() == 0) {
        return Error{Errc::invalid_argument, "holds no address"};
    }
    return set;
}

}  // namespace siding::relay
