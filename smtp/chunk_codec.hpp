// The octets of BDAT chunks (RFC 3030 §2) made into the message as it is stored.
//
// A chunk has no end marker and no stuffed dots. Bare CR and LF are treated as in DATA, so that
// what is stored can be sent on with DATA as well; a line end may lie across two chunks. The body
// of BODY=BINARYMIME is kept as it is and can only be sent on with BDAT.
#pragma once

#include "smtp/data_codec.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace siding::smtp {

// One for all the chunks of a message. Octets that have lost (refused bare newline, over the limit)
// are counted but no longer put out.
class ChunkDecoder {
public:
    enum class Content { text, binary };

    explicit ChunkDecoder(DataLimits limits = {}, Content content = Content::text)
        : limits_{limits}, content_{content} {}

    // Octets of a chunk, cut anywhere; appends decoded octets to `out`.
    void feed(std::string_view in, std::string& out);
    // Behind the last octet of the last chunk: a CR may still be held back.
    void finish(std::string& out);

    std::uint64_t octets() const { return octets_; }  // of the decoded message
    std::uint64_t bare_newlines() const { return bare_newlines_; }
    bool is_too_large() const { return octets_ > limits_.octets_max; }
    bool is_refused_for_bare_newline() const {
        return bare_newlines_ > 0 && limits_.bare_newline == BareNewline::reject;
    }

private:
    std::size_t take_lines(std::string_view in, std::string& out);
    void put(std::string_view octets, std::string& out);
    void put_bare_newline(std::string& out);

    DataLimits limits_;
    Content content_;
    bool is_after_cr_ = false;  // a CR that is not put out yet
    std::uint64_t octets_ = 0;
    std::uint64_t bare_newlines_ = 0;
};

}  // namespace siding::smtp
