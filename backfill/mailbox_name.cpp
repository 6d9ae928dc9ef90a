#include "backfill/mailbox_name.hpp"

#include "base/bytes.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace siding::backfill {
namespace {

// RFC 3501 §5.1.3: base64 with "," for "/".
constexpr std::string_view digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";
constexpr char32_t replacement = 0xFFFD;
constexpr char32_t kept_first = 0xEE00;
constexpr char32_t kept_last = 0xEEFF;

bool is_plain(char32_t c) {
    return c >= 0x20 && c <= 0x7E;
}

bool is_kept(char32_t c) {
    return c >= kept_first && c <= kept_last;
}

void append_utf8(std::string& out, char32_t c) {
    const auto put = [&](char32_t octet) { out.push_back(static_cast<char>(octet)); };
    if (c < 0x80) {
        put(c);
    } else if (c < 0x800) {
        put(0xC0 | (c >> 6));
        put(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        put(0xE0 | (c >> 12));
        put(0x80 | ((c >> 6) & 0x3F));
        put(0x80 | (c & 0x3F));
    } else {
        put(0xF0 | (c >> 18));
        put(0x80 | ((c >> 12) & 0x3F));
        put(0x80 | ((c >> 6) & 0x3F));
        put(0x80 | (c & 0x3F));
    }
}

struct CodePoint {
    std::optional<char32_t> value;  // nothing: the octet is not part of any (RFC 3629 §4)
    std::size_t octets = 1;
};

CodePoint first_code_point(std::string_view text) {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned first = at(0);
    if (first < 0x80) {
        return {first, 1};
    }
    const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || size > text.size()) {
        return {};
    }
    char32_t value = first & (0x7FU >> size);
    for (std::size_t i = 1; i < size; ++i) {
        if ((at(i) & 0xC0) != 0x80) {
            return {};
        }
        value = (value << 6) | (at(i) & 0x3F);
    }
    constexpr std::array<char32_t, 5> smallest = {0, 0, 0x80, 0x800, 0x10000};
    const bool is_valid =
        value >= smallest.at(size) && value <= 0x10FFFF && (value < 0xD800 || value > 0xDFFF);
    return is_valid ? CodePoint{value, size} : CodePoint{};
}

template <typename Take>
void for_each_code_point(std::string_view text, Take take) {
    while (!text.empty()) {
        const CodePoint next = first_code_point(text);
        take(next.value, text.substr(0, next.octets));
        text.remove_prefix(next.octets);
    }
}

class Mutf7Writer {
public:
    void put(char32_t c) {
        if (is_plain(c)) {
            end_shift();
            out_.push_back(static_cast<char>(c));
            if (c == '&') {
                out_.push_back('-');
            }
            return;
        }
        if (!is_shifted_) {
            out_.push_back('&');
            is_shifted_ = true;
        }
        if (c >= 0x10000) {
            put_unit(0xD800 + ((c - 0x10000) >> 10));
            put_unit(0xDC00 + ((c - 0x10000) & 0x3FF));
        } else {
            put_unit(c);
        }
    }

    std::string take() {
        end_shift();
        return std::move(out_);
    }

private:
    void put_unit(char32_t unit) {
        bits_ = (bits_ << 16) | unit;
        bit_count_ += 16;
        while (bit_count_ >= 6) {
            bit_count_ -= 6;
            out_.push_back(digits[(bits_ >> bit_count_) & 0x3F]);
        }
    }

    void end_shift() {
        if (!is_shifted_) {
            return;
        }
        if (bit_count_ > 0) {
            out_.push_back(digits[(bits_ << (6 - bit_count_)) & 0x3F]);
        }
        out_.push_back('-');
        is_shifted_ = false;
        bits_ = 0;
        bit_count_ = 0;
    }

    std::string out_;
    std::uint64_t bits_ = 0;
    unsigned bit_count_ = 0;
    bool is_shifted_ = false;
};

// UTF-16 of what stands between "&" and "-". Lone surrogates come out as they are.
bool decode_shifted(std::string_view text, std::string& out) {
    std::uint32_t bits = 0;
    unsigned bit_count = 0;
    char32_t high = 0;
    for (const char c : text) {
        const std::size_t digit = digits.find(c);
        if (digit == std::string_view::npos) {
            return false;
        }
        bits = (bits << 6) | static_cast<std::uint32_t>(digit);
        bit_count += 6;
        if (bit_count < 16) {
            continue;
        }
        bit_count -= 16;
        const char32_t unit = (bits >> bit_count) & 0xFFFF;
        if (unit >= 0xD800 && unit <= 0xDBFF) {
            high = unit;
        } else if (unit >= 0xDC00 && unit <= 0xDFFF) {
            append_utf8(out, 0x10000 + ((high & 0x3FF) << 10) + (unit & 0x3FF));
        } else {
            append_utf8(out, unit);
        }
    }
    return true;
}

std::optional<std::string> decode_mutf7(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        if (text[0] != '&') {
            out.push_back(text[0]);
            text.remove_prefix(1);
            continue;
        }
        const std::size_t end = text.find('-');
        if (end == std::string_view::npos) {
            return std::nullopt;
        }
        if (end == 1) {
            out.push_back('&');
        } else if (!decode_shifted(text.substr(1, end - 1), out)) {
            return std::nullopt;
        }
        text.remove_prefix(end + 1);
    }
    return out;
}

bool is_utf8_name(std::string_view text) {
    bool is_valid = true;
    for_each_code_point(text, [&](std::optional<char32_t> c, std::string_view) {
        is_valid = is_valid && c && *c != 0;
    });
    return is_valid;
}

std::string keep(std::string_view raw, bool utf8_accept) {
    std::string out;
    for_each_code_point(raw, [&](std::optional<char32_t> c, std::string_view octets) {
        const bool stands =
            c && (utf8_accept ? *c != 0 && !is_kept(*c) : is_plain(*c) && *c != '&');
        if (stands) {
            out += octets;
            return;
        }
        for (const char octet : octets) {
            append_utf8(out, kept_first + static_cast<unsigned char>(octet));
        }
    });
    return out;
}

// Kept octets as they were; what stands between them by `write`.
template <typename Write>
std::string unkeep(std::string_view name, Write write) {
    std::string raw;
    std::string between;
    for_each_code_point(name, [&](std::optional<char32_t> c, std::string_view octets) {
        if (c && is_kept(*c)) {
            raw += write(between);
            between.clear();
            raw.push_back(static_cast<char>(*c - kept_first));
        } else {
            between += octets;
        }
    });
    return raw + write(between);
}

}  // namespace

std::string to_mutf7(std::string_view utf8) {
    Mutf7Writer writer;
    for_each_code_point(utf8, [&](std::optional<char32_t> c, std::string_view) {
        writer.put(c.value_or(replacement));
    });
    return writer.take();
}

Result<std::string> from_mutf7(std::string_view text) {
    // There is one way to write a name; whatever is written in another is none.
    auto name = decode_mutf7(text);
    if (!name || !is_utf8_name(*name) || to_mutf7(*name) != text) {
        return Error{Errc::invalid_argument, "no modified UTF-7: \"" + escape(text, 64) + "\""};
    }
    return std::move(*name);
}

bool has_kept_octets(std::string_view name) {
    bool found = false;
    for_each_code_point(name, [&](std::optional<char32_t> c, std::string_view) {
        found = found || (c && is_kept(*c));
    });
    return found;
}

bool is_inbox(std::string_view name) {
    return equals_ignoring_case(name, "INBOX");
}

std::string decode_mailbox_name(std::string_view raw, bool utf8_accept) {
    if (is_inbox(raw)) {
        return "INBOX";
    }
    if (!utf8_accept) {
        auto name = from_mutf7(raw);
        return name && !has_kept_octets(*name) ? std::move(*name) : keep(raw, false);
    }
    return keep(raw, true);
}

std::string encode_mailbox_name(std::string_view name, bool utf8_accept) {
    return unkeep(name, [&](const std::string& between) {
        return utf8_accept ? between : to_mutf7(between);
    });
}

std::string readable_mailbox_name(std::string_view name) {
    const std::string raw = unkeep(name, [](const std::string& between) { return between; });
    std::string out;
    for_each_code_point(raw, [&](std::optional<char32_t> c, std::string_view) {
        append_utf8(out, c && *c != 0 && !is_kept(*c) ? *c : replacement);
    });
    return out;
}

}  // namespace siding::backfill
