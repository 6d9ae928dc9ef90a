// Arguments of any octets, one per line of the input: no line of the command has CR, LF or NUL, and
// a server reads the arguments as they were.
#include "backfill/imap_command.hpp"
#include "backfill/imap_parser.hpp"
#include "backfill/mailbox_name.hpp"
#include "base/check.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace siding::backfill;

std::string wire_of(const ImapCommand& command) {
    std::string wire = "* ";
    bool is_literal = false;
    for (const ImapCommand::Piece& piece : command.pieces()) {
        SIDING_CHECK(piece.is_literal == is_literal, "lines and literals in turn");
        if (is_literal) {
            wire += '{' + std::to_string(piece.octets.size()) + "}\r\n";
        } else {
            SIDING_CHECK(
                piece.octets.find_first_of(std::string_view{"\r\n\0", 3}) == std::string::npos,
                "a line of two"
            );
        }
        wire += piece.octets;
        is_literal = !is_literal;
    }
    SIDING_CHECK(is_literal, "ends in a literal");
    return wire + "\r\n";
}

ImapResponse read(std::string_view wire) {
    ImapParser parser;
    const auto event = parser.next(wire);
    SIDING_CHECK(event && *event == ImapParser::Event::response && wire.empty(), "no command");
    return parser.take_response();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view rest{reinterpret_cast<const char*>(data), size};
    ImapCommand command{"X"};
    std::vector<std::string> expected;
    std::vector<std::string> flags;
    for (unsigned kind = 0; !rest.empty(); ++kind) {
        const std::size_t end = std::min(rest.find("\x1f"), rest.size());
        const std::string argument{rest.substr(0, end)};
        rest.remove_prefix(std::min(end + 1, rest.size()));
        expected.push_back(argument);
        switch (kind % 5) {
        case 0:
            command.string(argument);
            break;
        case 1:
            command.atom(argument);
            break;
        case 2:
            command.mailbox(argument);
            expected.back() = encode_mailbox_name(argument);
            break;
        case 3:
            command.mailbox(argument, true);
            expected.back() = encode_mailbox_name(argument, true);
            break;
        default:
            command.secret(argument);
            flags.push_back(argument);
            break;
        }
    }
    command.flags(flags);
    const ImapResponse response = read(wire_of(command));
    SIDING_CHECK(response.values.size() == expected.size() + 1, "another number of arguments");
    for (std::size_t i = 0; i < expected.size(); ++i) {
        SIDING_CHECK(response.values[i].text == expected[i], "another argument");
    }
    SIDING_CHECK(response.values.back().items.size() <= flags.size(), "more flags");
    SIDING_CHECK(
        command.shown().find_first_of("\r\n") == std::string::npos, "not one line in the log"
    );
    return 0;
}
