// What the relay looks at in a header section, in one pass and bounded memory: how long it is, how
// many Received fields it has and how many of them are our own (RFC 5321 §6.3, loops), and the
// Message-ID (the trace index). Nothing else of a message is ever parsed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace siding::smtp {

class HeaderScan {
public:
    HeaderScan() = default;
    // `hostname`: ours, to know our own Received fields by.
    explicit HeaderScan(std::string_view hostname);

    // Decoded octets, cut anywhere. Cheap once the header section has ended.
    void feed(std::string_view octets);

    // Of the header section, with the empty line behind it.
    std::uint64_t octets() const { return octets_ + (is_field() ? line_octets_ : 0); }
    std::size_t received_fields() const { return received_fields_; }
    std::size_t own_received_fields() const { return own_received_fields_; }

    // With its angle brackets, unfolded; empty without one; the first if there are several.
    const std::string& message_id() const { return message_id_; }

private:
    bool is_field() const {
        return has_colon_ || line_.starts_with(' ') || line_.starts_with('\t');
    }
    void on_line();
    void on_field(std::string_view name, std::string_view value);
    void append_message_id(std::string_view text);
    void look_for_ourselves(std::string_view text);

    std::string own_mark_;  // what our Received field says of us; empty: do not look
    std::string line_;      // the front of the current line, limits::message_id_octets_max at most
    std::uint64_t line_octets_ = 0;  // of all of it
    bool has_colon_ = false;         // anywhere in it
    bool in_message_id_ = false;
    bool in_received_ = false;  // and not known to be our own
    bool done_ = false;
    std::uint64_t octets_ = 0;
    std::size_t received_fields_ = 0;
    std::size_t own_received_fields_ = 0;
    std::string message_id_;
};

}  // namespace siding::smtp
