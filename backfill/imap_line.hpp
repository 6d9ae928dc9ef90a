// Lines of a server to one response: each line whole, without its end; behind a literal the rest
// of the line comes as the next one. Knows what the parts of a response are; octets, their bounds
// and bodies are ImapParser's.
#pragma once

#include "backfill/imap_response.hpp"
#include "backfill/imap_tokens.hpp"
#include "base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace siding::backfill {

// "{12}", "{12+}" or "~{12}" at the end of a line (RFC 9051 §4.3, RFC 7888).
struct ImapLiteralMark {
    std::size_t at = 0;
    std::optional<std::uint64_t> octets;  // nothing: looks like one, but is no size
};
std::optional<ImapLiteralMark> find_literal_mark(std::string_view line);

class ImapLineReader {
public:
    enum class Outcome {
        response,  // response is whole
        literal,   // octets follow: literal(). They are a body, or a value to add()
        waste,     // the same, but the response makes no sense: they are to be left out
        skipped,   // the line is over and was no response
        rescued,   // the line is over and made no sense, but response has what must be told
    };

    Result<Outcome> read(std::string_view line);
    Result<void> add(ImapValue value);
    void reset();

    std::uint64_t literal() const { return literal_; }
    // Whether the literal is the body of a message; its name in upper case then.
    std::optional<std::string> body_name() const;
    // From now on the response is wanted however its line ends.
    void want() { is_wanted_ = true; }

    ImapResponse response;

private:
    enum class Phase { start, code, values, waste };

    Result<Outcome> on_start(std::string_view line);
    Result<Outcome> on_untagged(std::string_view line);
    Result<Outcome> on_words(std::string_view text);
    Result<Outcome> on_code(std::string_view text);
    Result<Outcome> on_disorder(std::string_view text);
    Result<Outcome> on_values(std::string_view text);
    Result<Outcome> on_literal(const ImapLiteralMark& mark, Outcome outcome);
    Result<Outcome> waste(std::string_view line);
    Outcome end_words(std::string_view text);

    ImapTokens tokens_;
    Phase phase_ = Phase::start;
    std::uint64_t literal_ = 0;
    bool has_code_literal_ = false;
    bool is_wanted_ = false;
};

}  // namespace siding::backfill
