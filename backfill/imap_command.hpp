// A command as the pieces of which its line is made, without tag, literal marks and the last CRLF:
// the connection adds those, because it knows whether it must wait for "+". Whatever is put in,
// CR, LF and NUL never come into a line: a string that has them becomes a literal, an atom that is
// none becomes a string, a flag that is none is left out.
#pragma once

#include "backfill/imap_set.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace siding::backfill {

class ImapCommand {
public:
    struct Piece {
        std::string octets;
        bool is_literal = false;
        bool operator==(const Piece&) const = default;
    };

    // Of our own making: "UID FETCH".
    explicit ImapCommand(std::string_view name);

    // Each with a blank in front, except behind an open().
    ImapCommand& atom(std::string_view text);
    ImapCommand& number(std::uint64_t value);
    ImapCommand& string(std::string_view octets);  // quoted where it may be, else a literal
    ImapCommand& secret(std::string_view octets);  // the same, shown as ***
    // A name as mailbox_name.hpp decoded it. `utf8_accept`: ENABLE UTF8=ACCEPT is in force, and
    // the name is a quoted string of UTF-8 (RFC 6855 §3).
    ImapCommand& mailbox(std::string_view name, bool utf8_accept = false);
    ImapCommand& set(const ImapSet& numbers);  // not empty; one too long for a line: split() it
    ImapCommand& set(std::string_view text);   // of split()
    ImapCommand& flags(std::span<const std::string> names);  // "(\Seen $Junk)"
    // Of our own making: "RETURN (SUBSCRIBED)", "(UID FLAGS)". It has no CR, LF or NUL.
    ImapCommand& raw(std::string_view text);
    ImapCommand& open();   // "("
    ImapCommand& close();  // ")"

    // Lines and literals in turn: a line, then perhaps a literal and the line behind it, which may
    // be empty, and so on. The mark of a literal stands at the end of the line in front of it.
    const std::vector<Piece>& pieces() const { return pieces_; }
    bool has_literals() const { return pieces_.size() > 1; }
    // For a log: one line, escaped, without secrets and long literals.
    const std::string& shown() const { return shown_; }

private:
    void put(std::string_view octets) { put(octets, octets); }
    void put(std::string_view octets, std::string_view shown);
    void gap();
    ImapCommand& put_string(std::string_view octets, bool is_secret, bool is_utf8_allowed);

    std::vector<Piece> pieces_;
    std::string shown_;
};

// Whether a flag can stand in a command (RFC 9051 §9 flag): an atom, perhaps behind "\".
bool is_flag(std::string_view text);
bool is_atom(std::string_view text);

}  // namespace siding::backfill
