// A command line of any octets: what is accepted holds no control octet, no octet outside ASCII,
// and can be written back as a command that means the same.
#include "base/check.hpp"
#include "smtp/command.hpp"

#include <algorithm>
#include <cstdint>

namespace {

using namespace siding::smtp;

void check_clean(std::string_view text) {
    SIDING_CHECK(
        std::ranges::all_of(text, [](unsigned char c) { return c >= 0x20 && c < 0x7F; }),
        "an octet got in"
    );
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view line{reinterpret_cast<const char*>(data), size};
    const auto parsed = parse_command(line);
    if (parsed.has_error()) {
        const std::string reply = format_reply(parsed.error());
        SIDING_CHECK(reply.find("\r\n") == reply.size() - 2, "a reply of several lines");
        check_clean(std::string_view{reply}.substr(0, reply.size() - 2));
        return 0;
    }
    if (const auto* const mail = std::get_if<command::Mail>(&*parsed)) {
        check_clean(mail->reverse_path.text);
        check_clean(mail->parameters.text());
        const auto again =
            parse_command("MAIL FROM:<" + mail->reverse_path.text + "> " + mail->parameters.text());
        SIDING_CHECK(
            std::get<command::Mail>(*again).reverse_path == mail->reverse_path &&
                std::get<command::Mail>(*again).parameters == mail->parameters,
            "not the same"
        );
    }
    if (const auto* const rcpt = std::get_if<command::Rcpt>(&*parsed)) {
        check_clean(rcpt->forward_path.text);
        const auto again = parse_command("RCPT TO:<" + rcpt->forward_path.text + ">");
        SIDING_CHECK(
            std::get<command::Rcpt>(*again).forward_path == rcpt->forward_path, "not the same"
        );
    }
    return 0;
}
