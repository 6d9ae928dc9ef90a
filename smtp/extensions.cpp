#include "smtp/extensions.hpp"

#include "base/bytes.hpp"

#include <algorithm>
#include <array>
#include <charconv>

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
};

}  // namespace

Extensions::Extensions(std::initializer_list<Extension> list) {
    std::ranges::for_each(list, [this](Extension extension) { add(extension); });
}

// RFC 1870 §4: a limit of 0 means that there is none.
void Extensions::add_size(std::uint64_t octets_max) {
    add(Extension::size);
    size_octets_max_ = octets_max == 0 ? std::nullopt : std::optional{octets_max};
}

Extensions Extensions::intersect(const Extensions& other) const {
    Extensions both;
    both.set_ = set_ & other.set_;
    if (both.has(Extension::size)) {
        both.size_octets_max_ = size_octets_max_ && other.size_octets_max_
                                    ? std::min(size_octets_max_, other.size_octets_max_)
                                    : std::max(size_octets_max_, other.size_octets_max_);
    }
    return both;
}

Reply format_ehlo_reply(std::string hostname, const Extensions& extensions) {
    Reply reply{250, std::move(hostname)};
    for (const Keyword& keyword : keywords) {
        if (!extensions.has(keyword.extension)) {
            continue;
        }
        std::string line{keyword.text};
        if (keyword.extension == Extension::size && extensions.size_octets_max()) {
            line += " " + std::to_string(*extensions.size_octets_max());
        }
        reply.lines.push_back(std::move(line));
    }
    return reply;
}

Extensions parse_ehlo_reply(const Reply& reply) {
    Extensions extensions;
    for (std::size_t i = 1; i < reply.lines.size(); ++i) {
        const std::string_view line = reply.lines[i];
        const std::size_t length = std::min(line.find_first_of(" \t"), line.size());
        const auto keyword = std::ranges::find_if(keywords, [&](const Keyword& known) {
            return equals_ignoring_case(known.text, line.substr(0, length));
        });
        if (keyword == keywords.end()) {
            continue;
        }
        extensions.add(keyword->extension);
        if (keyword->extension == Extension::size && length < line.size()) {
            std::uint64_t octets = 0;  // stays 0, no limit, for what is no number
            std::from_chars(line.data() + length + 1, line.data() + line.size(), octets);
            extensions.add_size(octets);
        }
    }
    return extensions;
}

}  // namespace siding::smtp
