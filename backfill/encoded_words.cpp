#include "backfill/encoded_words.hpp"

#include "base/bytes.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <vector>

namespace siding::backfill {
namespace {

constexpr std::size_t value_octets_max = 16 * 1024;
constexpr std::size_t line_octets = 76;
constexpr std::size_t word_octets = 48;  // of the encoded text: 75 with all around it

struct Word {
    std::string text;
    bool is_odd = false;        // has octets that are not ASCII
    bool follows_blank = true;  // stands behind a blank
};

bool is_blank(char octet) {
    return octet == ' ' || octet == '\t' || octet == '\r' || octet == '\n';
}

bool is_odd(std::string_view text) {
    return std::ranges::any_of(text, [](char octet) { return octet < 0; });
}

// Controls are nothing that a header may have (RFC 5322 §2.2); folds become blanks.
std::string printable(std::string_view value) {
    std::string out;
    for (const char octet : value.substr(0, value_octets_max)) {
        if (is_blank(octet)) {
            out += ' ';
        } else if (static_cast<unsigned char>(octet) > ' ' && octet != '\x7f') {
            out += octet;
        }
    }
    return out;
}

// RFC 5322 §3.2.4; without an end it is no quoted string.
std::size_t quoted_end(std::string_view text, std::size_t at) {
    for (++at; at < text.size(); ++at) {
        if (text[at] == '\\') {
            ++at;
        } else if (text[at] == '"') {
            return at + 1;
        }
    }
    return std::string_view::npos;
}

std::string unquoted(std::string_view quoted) {
    std::string out;
    for (std::size_t at = 1; at + 1 < quoted.size(); ++at) {
        at += quoted[at] == '\\' && at + 2 < quoted.size() ? 1 : 0;
        out += quoted[at];
    }
    return out;
}

std::vector<Word> words_of(std::string_view text, FieldKind kind) {
    std::vector<Word> words;
    bool follows_blank = true;
    for (std::size_t at = 0; at < text.size();) {
        if (text[at] == ' ') {
            follows_blank = true;
            ++at;
            continue;
        }
        Word word;
        word.follows_blank = follows_blank || words.empty();
        follows_blank = false;
        const bool has_quotes = kind == FieldKind::addresses;
        std::size_t end = has_quotes && text[at] == '"' ? quoted_end(text, at) : 0;
        if (end > 0 && end != std::string_view::npos) {
            const std::string_view quoted = text.substr(at, end - at);
            word.is_odd = is_odd(quoted);
            word.text = word.is_odd ? unquoted(quoted) : std::string{quoted};
        } else {
            end = std::min(text.find_first_of(has_quotes ? " \"" : " ", at + 1), text.size());
            word.text = text.substr(at, end - at);
            word.is_odd = is_odd(word.text);
        }
        at = end;
        words.push_back(std::move(word));
    }
    return words;
}

// RFC 2047 §5 (3): what stands for itself also in a phrase.
bool is_plain(char octet) {
    return (octet >= '0' && octet <= '9') || (octet >= 'A' && octet <= 'Z') ||
           (octet >= 'a' && octet <= 'z');
}

bool is_continuation(char octet) {
    return (static_cast<unsigned char>(octet) & 0xc0U) == 0x80U;
}

// One or more encoded words with blanks between; no character is cut in two (RFC 2047 §5).
std::vector<Word> encode(std::string_view text) {
    const bool is_known = is_utf8(text);
    const std::string head = is_known ? "=?utf-8?Q?" : "=?unknown-8bit?Q?";  // RFC 1428 §3
    std::vector<Word> words;
    std::string part;
    const auto close = [&] {
        if (!part.empty()) {
            words.push_back(Word{head + part + "?=", false, true});
            part.clear();
        }
    };
    for (std::size_t at = 0; at < text.size();) {
        std::size_t end = at + 1;
        while (is_known && end < text.size() && is_continuation(text[end])) {
            ++end;
        }
        std::string encoded;
        for (; at < end; ++at) {
            const char octet = text[at];
            encoded += is_plain(octet) ? std::string{octet}
                       : octet == ' '  ? "_"
                                       : fmt::format("={:02X}", static_cast<unsigned char>(octet));
        }
        if (part.size() + encoded.size() > word_octets) {
            close();
        }
        part += encoded;
    }
    close();
    return words;
}

// Encoded words that follow one another lose the blank between: it goes into them (RFC 2047 §6.2).
std::vector<Word> encoded(const std::vector<Word>& words) {
    std::vector<Word> out;
    for (std::size_t at = 0; at < words.size();) {
        if (!words[at].is_odd) {
            out.push_back(words[at++]);
            continue;
        }
        std::string text = words[at++].text;
        for (; at < words.size() && words[at].is_odd; ++at) {
            text += (words[at].follows_blank ? " " : "") + words[at].text;
        }
        std::ranges::move(encode(text), std::back_inserter(out));
        if (at < words.size() && out.back().text.ends_with("?=")) {
            out.push_back(words[at++]);
            out.back().follows_blank = true;
        }
    }
    return out;
}

}  // namespace

std::string format_field(std::string_view name, std::string_view value, FieldKind kind) {
    std::string out{name};
    out += ':';
    std::size_t line = out.size();
    for (const Word& word : encoded(words_of(printable(value), kind))) {
        const bool is_full = word.follows_blank && line + 1 + word.text.size() > line_octets &&
                             line > name.size() + 1;
        if (is_full) {
            out += "\r\n";
            line = 0;
        }
        if (word.follows_blank) {
            out += ' ';
            ++line;
        }
        out += word.text;
        line += word.text.size();
    }
    return out + "\r\n";
}

}  // namespace siding::backfill
