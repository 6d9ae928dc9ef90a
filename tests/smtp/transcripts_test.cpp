// Every file under tests/transcripts, three times. One file: SIDING_TRANSCRIPT=path/to/x.smtp.
#include "tests/smtp/inbound_player.hpp"
#include "tests/smtp/outbound_player.hpp"
#include "tests/support/transcript.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

namespace siding::test {
namespace {

class TranscriptTest : public testing::TestWithParam<std::filesystem::path> {
protected:
    bool is_inbound() const { return GetParam().parent_path().filename() == "inbound"; }
    MakePlayer make_player() const {
        return is_inbound() ? &make_inbound_player : &make_outbound_player;
    }
    Transcript transcript() const { return load_transcript(GetParam(), is_inbound() ? 'C' : 'S'); }
};

TEST_P(TranscriptTest, whole) {
    EXPECT_EQ(replay_whole(transcript(), make_player()), "");
}

TEST_P(TranscriptTest, split_at_every_octet) {
    EXPECT_EQ(replay_split_at_every_octet(transcript(), make_player()), "");
}

TEST_P(TranscriptTest, cut_at_every_octet) {
    EXPECT_EQ(replay_cut_at_every_octet(transcript(), make_player()), "");
}

std::vector<std::filesystem::path> all_transcripts() {
    auto files = find_transcripts("tests/transcripts/inbound");
    for (auto& file : find_transcripts("tests/transcripts/outbound")) {
        files.push_back(std::move(file));
    }
    return files;
}

// The matrix of hostile and odd inputs: each row is played somewhere.
TEST(Transcripts, every_row_of_the_matrix) {
    constexpr int rows = 32;
    if (std::getenv("SIDING_TRANSCRIPT") != nullptr) {
        GTEST_SKIP() << "one transcript was asked for";
    }
    std::set<int> played;
    for (const auto& file : all_transcripts()) {
        std::ifstream in{file};
        for (std::string line; std::getline(in, line);) {
            if (line.starts_with("# row ")) {
                played.insert(std::stoi(line.substr(6)));
            }
        }
    }
    for (int row = 1; row <= rows; ++row) {
        EXPECT_TRUE(played.contains(row)) << "row " << row;
    }
}

std::string to_test_name(const testing::TestParamInfo<std::filesystem::path>& info) {
    std::string name = info.param.parent_path().filename().string() + "_";
    for (const char c : info.param.stem().string()) {
        name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
    }
    return name;
}

INSTANTIATE_TEST_SUITE_P(
    transcripts, TranscriptTest, testing::ValuesIn(all_transcripts()), to_test_name
);

}  // namespace
}  // namespace siding::test
