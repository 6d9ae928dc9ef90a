// Protocol dialogues as text that a mail person can review, and the three ways to replay them.
//
//   C: RCPT TO:<one-too-many@example.com>     what the client sends, CRLF added
//   S: 452 4.5.3 *                            what the server sends; '*' at the end: any rest
//   ! commits 1 recipient *                   an effect; one that is not declared fails the test
//   @ message_octets_max 10                   what the surroundings do (listed in the players)
//   # why                                     a comment
//   C*3: NOOP                                 the line three times
//   C-: octets                                no CRLF added
//
// Escapes: \r \n \0 \t \\ \xHH \{A*1000}. Lines of the playing side that stand together are sent
// together. An inbound transcript plays the C side, an outbound one the S side.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace siding::test {

struct TranscriptLine {
    std::string text;  // with its mark: "S: 250 *"
    int number;
};

// Something is sent or happens, and then exactly these lines come out.
struct TranscriptBlock {
    struct Input {
        std::string octets;     // sent, or
        std::string directive;  // happens
    };
    std::vector<Input> inputs;
    std::vector<TranscriptLine> expected;
};

struct Transcript {
    std::string name;
    std::vector<TranscriptBlock> blocks;
};

std::string unescape(std::string_view text);

// Throws std::runtime_error with the line for a malformed file. `playing` is 'C' or 'S'.
Transcript load_transcript(const std::filesystem::path& file, char playing);

// The files of a directory in order, or the one that SIDING_TRANSCRIPT names if it is in there.
std::vector<std::filesystem::path> find_transcripts(const std::filesystem::path& directory);

// The machine under test with a small shell around it.
class Player {
public:
    virtual ~Player() = default;
    virtual void feed(std::string_view octets) = 0;
    virtual void happen(std::string_view directive) = 0;
    // The connection is gone, at any point. Returns what is wrong with the state that is left.
    virtual std::string lose() = 0;

    std::vector<std::string> take_events() { return std::exchange(events_, {}); }

protected:
    void emit(std::string event) { events_.push_back(std::move(event)); }
    // One event per line of `output`.
    void emit_lines(std::string_view mark, std::string_view output);

private:
    std::vector<std::string> events_;
};

using MakePlayer = std::unique_ptr<Player> (*)();

// Each returns an empty string, or what differs and where.
std::string replay_whole(const Transcript& transcript, MakePlayer make_player);
std::string replay_split_at_every_octet(const Transcript& transcript, MakePlayer make_player);
std::string replay_cut_at_every_octet(const Transcript& transcript, MakePlayer make_player);

}  // namespace siding::test
