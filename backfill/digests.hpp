// What a message is known by, computed while its octets pass: four digests (copy_record.hpp) and
// the facts that a report, a pre-flight lint and the search for Siding's own Received line need.
// Pure. Memory does not grow with the message, except for its header up to
// limits::digested_header_octets_max; of a longer one the rest counts as octets only.
//
// A line end is CRLF, or LF with any number of CRs in front, or a CR alone: what servers make of
// one another. NUL counts as 0x80, which Dovecot sends for it.
#pragma once

#include "backfill/copy_record.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::backfill {

struct ReceivedLine {
    std::string by;
    std::string id;
    bool by_siding = false;  // says so itself; anybody can

    bool operator==(const ReceivedLine&) const = default;
};

// Texts are unfolded, with single blanks, cut at limits::header_fact_octets_max, and otherwise as
// they came: escape() before they are shown. Of a field that stands several times the first counts.
struct MessageFacts {
    std::string message_id;
    std::string subject;
    std::string date;
    std::string from;
    std::string top_received;              // the whole field body
    std::vector<ReceivedLine> received;    // from the top; those with an id
    std::optional<std::string> siding_id;  // of the topmost Received line in the shape of Siding's

    bool has_nul = false;
    bool has_bare_lf = false;
    bool has_bare_cr = false;
    bool has_8bit_header = false;
    bool ends_with_crlf = false;
    std::size_t longest_line = 0;  // without its end

    // Ids that this host gave, whatever software it says to run; case of the host does not matter.
    std::vector<std::string> received_ids_of(std::string_view hostname) const;

    bool operator==(const MessageFacts&) const = default;
};

class MessageDigester {
public:
    MessageDigester();
    ~MessageDigester();
    MessageDigester(MessageDigester&&) noexcept;
    MessageDigester& operator=(MessageDigester&&) noexcept;

    void update(std::string_view octets);
    // Ends the computation; call once. A message without an empty line has an empty body.
    MessageDigests finish();

    std::uint64_t octets() const;       // so far
    const MessageFacts& facts() const;  // whole after finish()

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace siding::backfill
