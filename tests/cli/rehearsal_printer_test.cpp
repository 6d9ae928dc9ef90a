#include "cli/rehearsal_printer.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace siding::cli {
namespace {

class RehearsalPrinterTest : public testing::Test {
protected:
    std::string print(const cutover::RehearsalReport& report, bool watched = false) {
        std::istringstream in;
        std::ostringstream out;
        const Terminal terminal{
            .in = in,
            .out = out,
            .err = out,
            .width = watched ? std::size_t{80} : 0,
            .colours = watched,
            .watched = watched,
        };
        RehearsalPrinter printer{terminal};
        printer.on_opening({"bundled sample", 500, 1 << 20, "/tmp/siding-rehearsal-1"});
        printer.on_step("release");
        printer.on_progress(1, 2);
        printer.on_step_end("all of it", report.ok());
        printer.print(report);
        return out.str();
    }

    static cutover::RehearsalReport good() {
        cutover::RehearsalReport report;
        report.messages = 500;
        report.balanced = true;
        return report;
    }
};

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

TEST_F(RehearsalPrinterTest, IsPlainWhereNobodyWatches) {
    const std::string text = print(good());
    EXPECT_FALSE(contains(text, "\x1b")) << text;
    EXPECT_FALSE(contains(text, "\r")) << text;
    EXPECT_TRUE(contains(text, "  ok   release    all of it\n")) << text;
    EXPECT_TRUE(contains(text, "  lost          0\n")) << text;
    EXPECT_TRUE(contains(text, "Try next")) << text;
}

TEST_F(RehearsalPrinterTest, RedrawsTheStepOnATerminal) {
    const std::string text = print(good(), true);
    EXPECT_TRUE(contains(text, "1 of 2")) << text;
    EXPECT_TRUE(contains(text, "✓")) << text;
}

TEST_F(RehearsalPrinterTest, NamesProblemsAndWhereTheEvidenceIs) {
    cutover::RehearsalReport report = good();
    report.lost = 1;
    report.problems.assign(20, "message 7: \x1b[2Jgone");
    report.evidence = "/tmp/siding-rehearsal-1";
    const std::string text = print(report);
    EXPECT_TRUE(contains(text, "  FAIL release    all of it\n")) << text;
    EXPECT_TRUE(contains(text, "  message 7: \\x1b[2Jgone\n")) << text;
    EXPECT_TRUE(contains(text, "  and 8 more in problems.txt\n")) << text;
    EXPECT_TRUE(contains(text, "The evidence is in /tmp/siding-rehearsal-1\n")) << text;
    EXPECT_FALSE(contains(text, "Try next")) << text;
}

TEST_F(RehearsalPrinterTest, HasADocumentForScripts) {
    const std::string document = format_rehearsal(good());
    EXPECT_TRUE(contains(document, R"("ok":true)")) << document;
    EXPECT_TRUE(contains(document, R"("messages":500)")) << document;
    EXPECT_TRUE(contains(document, R"("problems":[])")) << document;
}

}  // namespace
}  // namespace siding::cli
