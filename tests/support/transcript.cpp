#include "tests/support/transcript.hpp"

#include "base/bytes.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fmt/format.h>
#include <fstream>
#include <functional>
#include <memory>
#include <stdexcept>

namespace siding::test {
namespace {

// "C*3: NOOP" is three lines "C: NOOP", "C-: x" is x without CRLF.
struct ParsedLine {
    char kind;
    std::size_t count;
    std::string text;
    bool is_raw = false;
};

ParsedLine parse_line(std::string_view line, const std::string& where) {
    if (line.starts_with("! ") || line.starts_with("@ ")) {
        return {line[0], 1, std::string{line.substr(2)}};
    }
    const auto colon = line.find(':');
    std::size_t count = 1;
    if (colon == std::string_view::npos || (line[0] != 'C' && line[0] != 'S') ||
        (colon > 1 && line[1] != '*' && line.substr(1, colon - 1) != "-")) {
        throw std::runtime_error{where + ": expected C: S: ! @ or #"};
    }
    const bool is_raw = colon > 1 && line[1] == '-';
    if (colon > 1 && !is_raw) {
        std::from_chars(line.data() + 2, line.data() + colon, count);
    }
    const bool spaced = line.size() > colon + 1 && line[colon + 1] == ' ';
    return {line[0], count, std::string{line.substr(colon + (spaced ? 2 : 1))}, is_raw};
}

bool matches(std::string_view expected, std::string_view actual) {
    if (expected.ends_with('*')) {
        return actual.starts_with(expected.substr(0, expected.size() - 1));
    }
    return expected == actual;
}

// A place in the transcript between two octets or directives.
struct Position {
    std::size_t block;
    std::size_t input;
    std::size_t octet;
};

void for_each_position(
    const Transcript& transcript, const std::function<bool(const Position&)>& visit
) {
    for (std::size_t b = 0; b < transcript.blocks.size(); ++b) {
        const auto& inputs = transcript.blocks[b].inputs;
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            for (std::size_t o = 0; o <= inputs[i].octets.size(); ++o) {
                if (!visit({b, i, o})) {
                    return;
                }
            }
        }
    }
}

void play(Player& player, const TranscriptBlock::Input& input) {
    if (input.directive.empty()) {
        player.feed(input.octets);
    } else {
        player.happen(input.directive);
    }
}

std::string compare(
    const Transcript& transcript,
    const TranscriptBlock& block,
    const std::vector<std::string>& events
) {
    for (std::size_t i = 0; i < std::max(events.size(), block.expected.size()); ++i) {
        const std::string actual = i < events.size() ? events[i] : "(nothing)";
        if (i >= block.expected.size()) {
            return fmt::format("{}: not declared: {}", transcript.name, actual);
        }
        const TranscriptLine& expected = block.expected[i];
        if (!matches(expected.text, actual)) {
            return fmt::format(
                "{}:{}: expected {}\n  got {}",
                transcript.name,
                expected.number,
                expected.text,
                actual
            );
        }
    }
    return {};
}

using FeedOctets = std::function<void(Player&, std::size_t block, const TranscriptBlock::Input&)>;

std::string replay(const Transcript& transcript, Player& player, const FeedOctets& feed) {
    for (std::size_t b = 0; b < transcript.blocks.size(); ++b) {
        for (const auto& input : transcript.blocks[b].inputs) {
            feed(player, b, input);
        }
        auto difference = compare(transcript, transcript.blocks[b], player.take_events());
        if (!difference.empty()) {
            return difference;
        }
    }
    return {};
}

std::vector<std::string> events_until(
    const Transcript& transcript, const Position& end, Player& player
) {
    std::vector<std::string> events;
    for (std::size_t b = 0; b <= end.block; ++b) {
        const auto& inputs = transcript.blocks[b].inputs;
        for (std::size_t i = 0; i < inputs.size() && (b < end.block || i <= end.input); ++i) {
            if (b == end.block && i == end.input && inputs[i].directive.empty()) {
                player.feed(std::string_view{inputs[i].octets}.substr(0, end.octet));
            } else {
                play(player, inputs[i]);
            }
        }
        std::ranges::move(player.take_events(), std::back_inserter(events));
    }
    return events;
}

}  // namespace

std::string unescape(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        if (text[0] != '\\' || text.size() == 1) {
            out += text[0];
            text.remove_prefix(1);
            continue;
        }
        std::size_t used = 2;
        switch (text[1]) {
        case 'r':
            out += '\r';
            break;
        case 'n':
            out += '\n';
            break;
        case 't':
            out += '\t';
            break;
        case '0':
            out += '\0';
            break;
        case 'x':
            out += static_cast<char>(std::stoi(std::string{text.substr(2, 2)}, nullptr, 16));
            used = 4;
            break;
        case '{':
            used = text.find('}') + 1;
            out += std::string(std::stoul(std::string{text.substr(4, used - 5)}), text[2]);
            break;
        default:
            out += text[1];
            break;
        }
        text.remove_prefix(used);
    }
    return out;
}

Transcript load_transcript(const std::filesystem::path& file, char playing) {
    std::ifstream in{file};
    Transcript transcript{file.filename().string(), {}};
    std::string line;
    for (int number = 1; std::getline(in, line); ++number) {
        if (line.empty() || line[0] == '#') {
            continue;
        }
        const ParsedLine parsed = parse_line(line, fmt::format("{}:{}", file.string(), number));
        auto& blocks = transcript.blocks;
        const bool is_input = parsed.kind == playing || parsed.kind == '@';
        if (is_input && (blocks.empty() || !blocks.back().expected.empty())) {
            blocks.emplace_back();
        }
        if (blocks.empty()) {
            throw std::runtime_error{file.string() + ": nothing happens before the first answer"};
        }
        auto& [inputs, expected] = blocks.back();
        for (std::size_t i = 0; i < parsed.count; ++i) {
            const std::string octets = unescape(parsed.text) + (parsed.is_raw ? "" : "\r\n");
            if (parsed.kind == '@') {
                inputs.push_back({{}, parsed.text});
            } else if (!is_input) {
                const std::string mark =
                    parsed.kind == '!' ? "! " : std::string{parsed.kind} + ": ";
                expected.push_back({mark + parsed.text, number});
            } else if (inputs.empty() || !inputs.back().directive.empty()) {
                inputs.push_back({octets, {}});
            } else {
                inputs.back().octets += octets;
            }
        }
    }
    return transcript;
}

std::vector<std::filesystem::path> find_transcripts(const std::filesystem::path& directory) {
    std::vector<std::filesystem::path> files;
    const char* const chosen = std::getenv("SIDING_TRANSCRIPT");
    for (const auto& entry : std::filesystem::directory_iterator{directory}) {
        const bool wanted = chosen == nullptr || std::string_view{chosen}.empty() ||
                            std::filesystem::path{chosen}.filename() == entry.path().filename();
        const auto kind = entry.path().extension();
        if (wanted && (kind == ".smtp" || kind == ".imap")) {
            files.push_back(entry.path());
        }
    }
    std::ranges::sort(files);
    return files;
}

void Player::emit_lines(std::string_view mark, std::string_view output) {
    while (!output.empty()) {
        const std::size_t end = std::min(output.find("\r\n"), output.size());
        emit(fmt::format("{}: {}", mark, escape(output.substr(0, end), 4096)));
        output.remove_prefix(std::min(end + 2, output.size()));
    }
}

std::string replay_whole(const Transcript& transcript, MakePlayer make_player) {
    const auto player = make_player();
    return replay(transcript, *player, [](Player& to, std::size_t, const auto& input) {
        play(to, input);
    });
}

std::string replay_split_at_every_octet(const Transcript& transcript, MakePlayer make_player) {
    const auto one_by_one = make_player();
    auto difference =
        replay(transcript, *one_by_one, [](Player& to, std::size_t, const auto& input) {
            if (!input.directive.empty()) {
                play(to, input);
            }
            for (const char octet : input.octets) {
                to.feed({&octet, 1});
            }
        });
    for_each_position(transcript, [&](const Position& at) {
        const auto player = make_player();
        const auto* const split = &transcript.blocks[at.block].inputs[at.input];
        difference = difference.empty() ? replay(
                                              transcript,
                                              *player,
                                              [&](Player& to, std::size_t, const auto& input) {
                                                  if (&input != split || !input.directive.empty()) {
                                                      return play(to, input);
                                                  }
                                                  const std::string_view octets = input.octets;
                                                  to.feed(octets.substr(0, at.octet));
                                                  to.feed(octets.substr(at.octet));
                                              }
                                          )
                                        : difference;
        return difference.empty();
    });
    return difference;
}

std::string replay_cut_at_every_octet(const Transcript& transcript, MakePlayer make_player) {
    const auto whole = make_player();
    const Position end{
        transcript.blocks.size() - 1,
        transcript.blocks.back().inputs.size() - 1,
        transcript.blocks.back().inputs.back().octets.size()};
    const std::vector<std::string> all = events_until(transcript, end, *whole);
    std::string complaint;
    for_each_position(transcript, [&](const Position& at) {
        const auto player = make_player();
        const std::vector<std::string> some = events_until(transcript, at, *player);
        if (some.size() > all.size() || !std::equal(some.begin(), some.end(), all.begin())) {
            complaint =
                fmt::format("{}: part of the input does more than all of it", transcript.name);
        } else if (auto wrong = player->lose(); !wrong.empty()) {
            complaint = fmt::format(
                "{}: lost in block {} at octet {}: {}", transcript.name, at.block, at.octet, wrong
            );
        }
        return complaint.empty();
    });
    return complaint;
}

}  // namespace siding::test
