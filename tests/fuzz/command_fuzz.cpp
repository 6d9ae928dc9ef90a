// A command line of any octets: what is accepted holds no control octet and no malformed UTF-8, and
// can be written back as a command that means the same.
#include "base/bytes.hpp"
#include "base/check.hpp"
#include "smtp/command.hpp"

#include <algorithm>
#include <cstdint>

namespace {

using namespace siding::smtp;

bool is_clean(std::string_view text) {
    return siding::is_utf8(text) &&
           std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

void check_reply(const Reply& refusal) {
    const std::string reply = format_reply(refusal);
    SIDING_CHECK(reply.find("\r\n") == reply.size() - 2, "a reply of several lines");
    SIDING_CHECK(
        std::ranges::all_of(
            reply.substr(0, reply.size() - 2), [](unsigned char c) { return c >= 0x20 && c < 0x7F; }
        ),
        "an octet got out"
    );
}

void check_again(const command::Mail& mail) {
    SIDING_CHECK(is_clean(mail.reverse_path.text), "an octet got in");
    SIDING_CHECK(is_clean(mail.parameters.text()), "an octet got in");
    const auto again =
        parse_command("MAIL FROM:<" + mail.reverse_path.text + "> " + mail.parameters.text());
    const auto& same = std::get<command::Mail>(*again);
    SIDING_CHECK(
        same.reverse_path == mail.reverse_path && same.parameters == mail.parameters, "not the same"
    );
}

void check_again(const command::Rcpt& rcpt) {
    SIDING_CHECK(is_clean(rcpt.forward_path.text), "an octet got in");
    SIDING_CHECK(is_clean(rcpt.parameters.text()), "an octet got in");
    const auto again =
        parse_command("RCPT TO:<" + rcpt.forward_path.text + "> " + rcpt.parameters.text());
    const auto& same = std::get<command::Rcpt>(*again);
    SIDING_CHECK(
        same.forward_path == rcpt.forward_path && same.parameters == rcpt.parameters, "not the same"
    );
}

void check_again(const command::Bdat& chunk) {
    const auto again =
        parse_command("BDAT " + std::to_string(chunk.octets) + (chunk.last ? " LAST" : ""));
    const auto& same = std::get<command::Bdat>(*again);
    SIDING_CHECK(same.octets == chunk.octets && same.last == chunk.last, "not the same");
}

// White space may stand in a name: it is kept as said, and shown with care.
void check_again(const command::Hello& hello) {
    std::string name = hello.name;
    std::ranges::replace(name, '\t', ' ');
    SIDING_CHECK(is_clean(name) && !name.empty(), "an octet got in");
}

void check_again(const auto&) {}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view line{reinterpret_cast<const char*>(data), size};
    const auto parsed = parse_command(line);
    if (parsed.has_error()) {
        check_reply(parsed.error());
        const bool is_chunk = siding::equals_ignoring_case(line.substr(0, 5), "BDAT ");
        SIDING_CHECK(!is_chunk || parsed.error().code == 521, "a chunk of unknown length goes on");
    } else {
        std::visit([](const auto& command) { check_again(command); }, *parsed);
    }
    // Where nothing is offered, less is understood and never more.
    if (const auto plain = parse_command(line, Extensions{}); plain && !parsed) {
        SIDING_CHECK(false, "understood without its extension");
    } else if (!plain) {
        check_reply(plain.error());
    }
    return 0;
}
