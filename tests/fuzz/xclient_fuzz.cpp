// What a proxy says of its client: clean, and the same when said again.
#include "base/bytes.hpp"
#include "base/check.hpp"
#include "smtp/xclient.hpp"
#include "smtp/xtext.hpp"

#include <algorithm>
#include <cstdint>

namespace {

using namespace siding::smtp;

bool is_clean(const std::optional<std::string>& text) {
    return !text || (siding::is_utf8(*text) && std::ranges::none_of(*text, [](unsigned char c) {
                         return c < 0x20 || c == 0x7F;
                     }));
}

bool is_address(const std::optional<std::string>& text) {
    return !text || text->find_first_not_of("0123456789abcdef.:") == std::string::npos;
}

// Nothing where the text cannot say it: octets outside ASCII are no xtext's business.
std::string format(const XclientAttributes& said) {
    std::string out;
    const auto add = [&out](std::string_view name, const std::optional<std::string>& value) {
        if (value) {
            out += std::string{name} + "=" +
                   (value->empty() ? "[UNAVAILABLE]" : encode_xtext(*value)) + " ";
        }
    };
    const auto text = [](const std::optional<std::uint16_t>& port) {
        return port ? std::optional{std::to_string(*port)} : std::nullopt;
    };
    add("NAME", said.name);
    add("ADDR", said.address);
    add("PORT", text(said.port));
    add("HELO", said.helo);
    add("LOGIN", said.login);
    add("DESTADDR", said.destination_address);
    add("DESTPORT", text(said.destination_port));
    out += said.esmtp ? (*said.esmtp ? "PROTO=ESMTP" : "PROTO=SMTP") : "";
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    const auto decoded = decode_xtext(text);
    SIDING_CHECK(!decoded || decode_xtext(encode_xtext(*decoded)) == decoded, "not the same text");

    const auto parsed = parse_xclient(text);
    if (!parsed) {
        SIDING_CHECK(parsed.error().code == 501, "another refusal");
        const std::string reply = format_reply(parsed.error());
        SIDING_CHECK(reply.find("\r\n") == reply.size() - 2, "a reply of several lines");
        return 0;
    }
    SIDING_CHECK(is_clean(parsed->name) && is_clean(parsed->helo), "an octet got in");
    SIDING_CHECK(is_clean(parsed->login), "an octet got in");
    SIDING_CHECK(is_address(parsed->address), "no address");
    SIDING_CHECK(is_address(parsed->destination_address), "no address");
    const std::string again = format(*parsed);
    if (!again.empty()) {
        const auto reread = parse_xclient(again);
        SIDING_CHECK(reread && *reread == *parsed, "not the same again");
    }
    return 0;
}
