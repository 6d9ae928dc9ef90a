#include "cli/mbox_quoting.hpp"

#include <fmt/format.h>

namespace siding::cli {
namespace {

constexpr std::string_view from_mark = "From ";

}  // namespace

std::string MboxQuoting::update(std::string_view octets) {
    std::string out;
    out.reserve(octets.size() + 16);
    for (const char c : octets) {
        if (after_cr_) {
            after_cr_ = false;
            if (c != '\n') {
                put('\r', out);
            }
        }
        if (c == '\r') {
            after_cr_ = true;
        } else {
            put(c, out);
        }
    }
    return out;
}

void MboxQuoting::put(char c, std::string& out) {
    line_is_empty_ = c == '\n';
    if (at_start_ && c == from_mark[matched_]) {
        if (++matched_ == from_mark.size()) {
            // The '>' may stand behind the others: they are all alike.
            out += '>';
            out += from_mark;
            at_start_ = false;
            matched_ = 0;
        }
        return;
    }
    out += from_mark.substr(0, matched_);
    at_start_ = c == '\n' || (at_start_ && matched_ == 0 && c == '>');
    matched_ = 0;
    out += c;
}

std::string MboxQuoting::finish() {
    std::string out;
    if (after_cr_) {
        put('\r', out);
    }
    if (!line_is_empty_) {
        put('\n', out);
    }
    *this = MboxQuoting{};
    return out + "\n";
}

std::string mbox_from_line(std::string_view sender, std::string_view asctime_utc) {
    std::string name;
    for (const char c : sender) {
        // Readers split the line at white space.
        name += static_cast<unsigned char>(c) <= ' ' || c == 0x7F ? '_' : c;
    }
    return fmt::format("From {} {}\n", name.empty() ? "MAILER-DAEMON" : name, asctime_utc);
}

}  // namespace siding::cli
