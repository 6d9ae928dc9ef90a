#include "smtp/extensions.hpp"

#include "base/bytes.hpp"
#include "base/check.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>

namespace siding::smtp {
namespace {

struct Keyword {
    Extension extension;
    std::string_view text;
};

// In the order in which they are offered.
constexpr std::array<Keyword, extension_count> keywords = {
    Keyword{Extension::pipelining, "PIPELINING"},
    Keyword{Extension::size, "SIZE"},
    Keyword{Extension::starttls, "STARTTLS"},
    Keyword{Extension::enhanced_status_codes, "ENHANCEDSTATUSCODES"},
    Keyword{Extension::eight_bit_mime, "8BITMIME"},
    Keyword{Extension::smtputf8, "SMTPUTF8"},
    Keyword{Extension::chunking, "CHUNKING"},
    Keyword{Extension::binarymime, "BINARYMIME"},
    Keyword{Extension::dsn, "DSN"},
    Keyword{Extension::requiretls, "REQUIRETLS"},
    Keyword{Extension::limits, "LIMITS"},
};

constexpr std::string_view white_space = " \t";

// Cuts the word at the front of `text` off; empty at the end.
std::string_view take_word(std::string_view& text) {
    text.remove_prefix(std::min(text.find_first_not_of(white_space), text.size()));
    const std::string_view word = text.substr(0, text.find_first_of(white_space));
    text.remove_prefix(word.size());
    return word;
}

std::optional<std::uint64_t> to_number(std::string_view text) {
    std::uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [parsed_to, error] = std::from_chars(text.data(), end, number);
    return error == std::errc{} && parsed_to == end ? std::optional{number} : std::nullopt;
}

std::optional<std::uint64_t> smaller(
    std::optional<std::uint64_t> left, std::optional<std::uint64_t> right
) {
    return left && right ? std::min(left, right) : std::max(left, right);
}

// RFC 9422 §4: a value has six digits at most.
constexpr std::uint64_t limit_max = 999'999;

// RFC 9422 §4: "RCPTMAX=100 MAILMAX=50"; unknown names and what is no value are passed over.
void parse_limits(std::string_view text, Extensions& extensions) {
    std::optional<std::uint64_t> rcpt_max;
    std::optional<std::uint64_t> mail_max;
    for (auto word = take_word(text); !word.empty(); word = take_word(text)) {
        const std::size_t equals = std::min(word.find('='), word.size());
        const auto value = to_number(word.substr(std::min(equals + 1, word.size())));
        const std::string_view name = word.substr(0, equals);
        if (value.value_or(0) == 0 || *value > limit_max) {
            continue;
        }
        if (equals_ignoring_case(name, "RCPTMAX")) {
            rcpt_max = value;
        } else if (equals_ignoring_case(name, "MAILMAX")) {
            mail_max = value;
        }
    }
    extensions.add_limits(rcpt_max, mail_max);
}

// Less than is accepted may be said.
std::string format_limit(std::string_view name, std::optional<std::uint64_t> limit) {
    return limit ? fmt::format(" {}={}", name, std::min(*limit, limit_max)) : std::string{};
}

// What stands behind the keyword in the EHLO reply.
std::string format_numbers(Extension extension, const Extensions& extensions) {
    if (extension == Extension::size && extensions.size_octets_max()) {
        return fmt::format(" {}", *extensions.size_octets_max());
    }
    return extension == Extension::limits ? format_limit("MAILMAX", extensions.mail_max()) +
                                                format_limit("RCPTMAX", extensions.rcpt_max())
                                          : std::string{};
}

}  // namespace

std::string_view keyword_of(Extension extension) {
    const auto* const row = std::ranges::find(keywords, extension, &Keyword::extension);
    SIDING_CHECK(row != keywords.end(), "an extension without a keyword");
    return row->text;
}

std::optional<Extension> parse_extension(std::string_view keyword) {
    const auto* const row = std::ranges::find_if(keywords, [&](const Keyword& known) {
        return equals_ignoring_case(known.text, keyword);
    });
    return row == keywords.end() ? std::nullopt : std::optional{row->extension};
}

Extensions::Extensions(std::initializer_list<Extension> list) {
    std::ranges::for_each(list, [this](Extension extension) { add(extension); });
}

Extensions Extensions::all() {
    Extensions extensions;
    extensions.set_.set();
    return extensions;
}

void Extensions::remove(Extension extension) {
    set_.reset(static_cast<std::size_t>(extension));
    if (extension == Extension::size) {
        size_octets_max_.reset();
    }
    if (extension == Extension::limits) {
        rcpt_max_.reset();
        mail_max_.reset();
    }
}

// RFC 1870 §4: a limit of 0 means that there is none.
void Extensions::add_size(std::uint64_t octets_max) {
    add(Extension::size);
    size_octets_max_ = octets_max == 0 ? std::nullopt : std::optional{octets_max};
}

void Extensions::add_limits(
    std::optional<std::uint64_t> rcpt_max, std::optional<std::uint64_t> mail_max
) {
    add(Extension::limits);
    rcpt_max_ = rcpt_max;
    mail_max_ = mail_max;
}

Extensions Extensions::intersect(const Extensions& other) const {
    Extensions both;
    both.set_ = set_ & other.set_;
    if (both.has(Extension::size)) {
        both.size_octets_max_ = smaller(size_octets_max_, other.size_octets_max_);
    }
    if (both.has(Extension::limits)) {
        both.rcpt_max_ = smaller(rcpt_max_, other.rcpt_max_);
        both.mail_max_ = smaller(mail_max_, other.mail_max_);
    }
    return both;
}

Reply format_ehlo_reply(std::string hostname, const Extensions& extensions) {
    Reply reply{250, std::move(hostname)};
    for (const Keyword& keyword : keywords) {
        if (extensions.has(keyword.extension)) {
            reply.lines.push_back(
                std::string{keyword.text} + format_numbers(keyword.extension, extensions)
            );
        }
    }
    return reply;
}

Extensions parse_ehlo_reply(const Reply& reply) {
    Extensions extensions;
    for (std::size_t i = 1; i < reply.lines.size(); ++i) {
        std::string_view line = reply.lines[i];
        const auto extension = parse_extension(take_word(line));
        if (!extension) {
            continue;
        }
        extensions.add(*extension);
        if (*extension == Extension::size) {
            extensions.add_size(to_number(take_word(line)).value_or(0));
        } else if (*extension == Extension::limits) {
            parse_limits(line, extensions);
        }
    }
    return extensions;
}

}  // namespace siding::smtp
