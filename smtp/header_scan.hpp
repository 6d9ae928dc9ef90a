// What the relay looks at in a header section, in one pass and bounded memory: how many Received
// fields (RFC 5321 §6.3, loops) and the Message-ID (the trace index). Nothing else of a message is
// ever parsed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace siding::smtp {

class HeaderScan {
public:
    // Decoded octets, cut anywhere. Cheap once the header section has ended.
    void feed(std::string_view octets);

    std::size_t received_fields() const { return received_fields_; }

    // With its angle brackets, unfolded; empty without one; the first if there are several.
    const std::string& message_id() const { return message_id_; }

private:
    void on_line();
    void on_field(std::string_view name, std::string_view value);
    void append_message_id(std::string_view text);

    std::string line_;  // the front of the current line, limits::message_id_octets_max at most
    bool is_line_cut_ = false;
    bool in_message_id_ = false;
    bool done_ = false;
    std::size_t received_fields_ = 0;
    std::string message_id_;
};

}  // namespace siding::smtp
