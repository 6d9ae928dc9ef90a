// Every file under tests/transcripts/imap, three times. One file: SIDING_TRANSCRIPT=path/to/x.imap.
#include "tests/backfill/imap_player.hpp"
#include "tests/support/transcript.hpp"

#include <gtest/gtest.h>

#include <filesystem>

namespace siding::backfill {
namespace {

class ImapTranscriptTest : public testing::TestWithParam<std::filesystem::path> {
protected:
    static test::Transcript transcript() { return test::load_transcript(GetParam(), 'S'); }
};

TEST_P(ImapTranscriptTest, whole) {
    EXPECT_EQ(test::replay_whole(transcript(), &make_imap_player), "");
}

TEST_P(ImapTranscriptTest, split_at_every_octet) {
    EXPECT_EQ(test::replay_split_at_every_octet(transcript(), &make_imap_player), "");
}

TEST_P(ImapTranscriptTest, cut_at_every_octet) {
    EXPECT_EQ(test::replay_cut_at_every_octet(transcript(), &make_imap_player), "");
}

std::string to_test_name(const testing::TestParamInfo<std::filesystem::path>& info) {
    return info.param.stem().string();
}

// One transcript of another kind may be asked for: then there is none here.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ImapTranscriptTest);
INSTANTIATE_TEST_SUITE_P(
    transcripts,
    ImapTranscriptTest,
    testing::ValuesIn(test::find_transcripts("tests/transcripts/imap")),
    to_test_name
);

}  // namespace
}  // namespace siding::backfill
