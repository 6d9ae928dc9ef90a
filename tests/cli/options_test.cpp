#include "cli/options.hpp"

#include "control/filter_params.hpp"

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

namespace siding::cli {
namespace {

const WallTime now = parse_time("2026-11-21T14:00:00Z").value();

Result<Options> parse(std::vector<std::string> arguments) {
    return parse_options(std::move(arguments), {.socket = "", .now = now});
}

template <typename T>
T action(std::vector<std::string> arguments) {
    const auto options = parse(arguments);
    EXPECT_TRUE(options.has_value()) << options.error().context;
    EXPECT_TRUE(std::holds_alternative<T>(options->action)) << arguments.front();
    return std::get<T>(options->action);
}

std::string filter(const queue::Filter& chosen) {
    return boost::json::serialize(control::filter_json(chosen));
}

TEST(OptionsTest, UsageErrorsAreOneLineWithAHint) {
    struct Row {
        std::vector<std::string> arguments;
        std::string says;
        std::string hint;
    };
    const std::vector<Row> rows{
        {{}, "a verb is missing", "siding --help"},
        {{"frobnicate"}, "frobnicate", "siding --help"},
        {{"queue"}, "a verb is missing", "siding queue --help"},
        {{"queue", "lst"}, "lst", "siding queue --help"},
        {{"queue", "show"}, "ID is required", "siding queue show --help"},
        {{"queue", "show", "hello"}, "hello", "siding queue show --help"},
        {{"queue", "list", "--state", "hodl"},
         "--state: 'hodl' is not",
         "siding queue list --help"},
        {{"queue", "list", "--since", "monday"}, "--since: 'monday'", "siding queue list --help"},
        {{"queue", "list", "--larger", "3"}, "--larger: '3'", "siding queue list --help"},
        {{"queue", "list", "--nope"}, "--nope", "siding queue list --help"},
        // A discard of everything is said in words.
        {{"queue", "discard"}, "--all", "siding queue discard --help"},
        {{"queue", "hold", "--limit", "5"}, "--all", "siding queue hold --help"},
        {{"queue", "export"}, "--to is required", "siding queue export --help"},
        {{"queue", "export", "--to", "x", "--format", "pst"},
         "'pst'",
         "siding queue export --help"},
        {{"archive", "export"}, "--to is required", "siding archive export --help"},
        {{"archive", "export", "--to", "x", "--format", "zip"},
         "'zip' is not a format",
         "siding archive export --help"},
        {{"archive", "restore"}, "ACCOUNT is required", "siding archive restore --help"},
        {{"phase", "example.com", "hodl"}, "hodl", "siding phase --help"},
        {{"phase", "example.com/"}, "wave", "siding phase --help"},
        {{"phase", "example.com", "--why", "x"}, "--why needs", "siding phase --help"},
        {{"release", "--dry-run", "--wait"}, "--wait", "siding release --help"},
        {{"release", "wait", "three"}, "three", "siding release wait --help"},
        {{"release", "--rate", "600"}, "600/min", "siding release --help"},
        {{"release", "--rate", "1/h"}, "--rate", "siding release --help"},
        {{"release", "--canary", "x"}, "--canary", "siding release --help"},
        {{"release", "--order", "newest"}, "small-first", "siding release --help"},
        {{"release", "--first", "/no/such"}, "--first", "siding release --help"},
        {{"release", "--parked", "--state", "due"}, "--parked", "siding release --help"},
        {{"release", "resume", "1", "--recall"}, "--recall", "siding release resume --help"},
        {{"parked", "--state", "held"}, "parked", "siding parked --help"},
        {{"trace"}, "QUERY is required", "siding trace --help"},
        {{"recipients", "check", "joe"}, "'joe'", "siding recipients check --help"},
        {{"recipients", "flush", "a b"}, "a b", "siding recipients flush --help"},
        {{"recipients"}, "a verb is missing", "siding recipients --help"},
        {{"queue", "list", "--not-tag", ""}, "--not-tag: it is empty", "siding queue list --help"},
        {{"status", "audit"}, "audit", "siding status --help"},
        {{"status", "x\ny"}, "expected: x", "siding status --help"},
    };
    for (const Row& row : rows) {
        const auto options = parse(row.arguments);
        ASSERT_TRUE(options.has_error()) << row.says;
        const std::string& text = options.error().context;
        EXPECT_TRUE(options.error().is(Errc::invalid_argument)) << text;
        EXPECT_NE(text.find(row.says), std::string::npos) << text;
        EXPECT_TRUE(text.ends_with("; see " + row.hint)) << text;
        EXPECT_EQ(text.find('\n'), std::string::npos) << text;
    }
}

TEST(OptionsTest, FiltersAreTheSameEverywhere) {
    struct Row {
        std::vector<std::string> flags;
        std::string chosen;
    };
    const std::vector<Row> rows{
        {{"--domain", "Example.COM"}, R"({"domain":"example.com"})"},
        {{"--wave", "pilot"}, R"({"wave":"pilot"})"},
        {{"--recipient", "Joe@example.com"},
         R"({"domain":"example.com","recipient":"joe@example.com"})"},
        {{"--recipient", "@example.com"}, R"({"domain":"example.com"})"},
        {{"--sender", ""}, R"({"sender":""})"},
        {{"--sender", "<>"}, R"({"sender":""})"},
        {{"--state", "parked"}, R"({"state":"parked"})"},
        {{"--since", "2h"}, R"({"since":"2026-11-21T12:00:00.000Z"})"},
        {{"--before", "2026-11-20T00:00:00Z"}, R"({"before":"2026-11-20T00:00:00.000Z"})"},
        {{"--larger", "10MiB"}, R"({"larger":10485760})"},
        {{"--tag", "spam"}, R"({"tag":"spam"})"},
        {{"--not-tag", "phish"}, R"({"not_tag":"phish"})"},
        {{"--id", "0000000000001"}, R"({"id":"0000000000001"})"},
        {{"--id", "0000000000001.2"}, R"({"id":"0000000000001.2"})"},
        {{"--limit", "7", "--wave", "a"}, R"({"wave":"a","limit":7})"},
    };
    for (const Row& row : rows) {
        const auto with = [&](std::vector<std::string> words) {
            words.insert(words.end(), row.flags.begin(), row.flags.end());
            return words;
        };
        EXPECT_EQ(filter(action<ListQueue>(with({"queue", "list"})).filter), row.chosen);
        EXPECT_EQ(filter(action<HoldQueue>(with({"queue", "hold"})).filter), row.chosen);
        EXPECT_EQ(filter(action<StartRelease>(with({"release"})).filter), row.chosen);
        EXPECT_EQ(
            filter(action<ExportQueue>(with({"queue", "export", "--to", "x"})).filter), row.chosen
        );
    }
}

TEST(OptionsTest, Phase) {
    EXPECT_FALSE(action<ShowPhases>({"phase"}).domain);
    const auto shown = action<ShowPhases>({"phase", "example.com/pilot"});
    EXPECT_EQ(shown.domain->text(), "example.com");
    EXPECT_EQ(shown.wave, "pilot");
    const auto moved = action<MovePhase>({"phase", "example.com", "hold", "--why", "now"});
    EXPECT_FALSE(moved.wave);
    EXPECT_EQ(moved.to, Phase::hold);
    EXPECT_EQ(moved.why, "now");
    // "release" is a verb, too.
    EXPECT_EQ(action<MovePhase>({"phase", "example.com", "release"}).to, Phase::release);
}

TEST(OptionsTest, Release) {
    const auto plain = action<StartRelease>({"release"});
    EXPECT_EQ(plain.server, "new");
    EXPECT_FALSE(plain.dry_run || plain.wait);
    EXPECT_TRUE(action<StartRelease>({"release", "--to", "old", "--wait"}).wait);
    EXPECT_TRUE(action<StartRelease>({"release", "--dry-run"}).dry_run);
    action<ListReleases>({"releases"});
    action<ListReleases>({"release", "list"});
    EXPECT_EQ(action<WaitRelease>({"release", "wait", "12"}).release, 12U);
    EXPECT_EQ(action<ShowRelease>({"release", "show", "12"}).release, 12U);

    EXPECT_FALSE(plain.rate_per_minute || plain.canary || plain.order || plain.pause_percent);
    EXPECT_EQ(action<StartRelease>({"release", "--rate", "10/s"}).rate_per_minute, 600U);
    EXPECT_EQ(action<StartRelease>({"release", "--rate", "3600/h"}).rate_per_minute, 60U);
    EXPECT_EQ(action<StartRelease>({"release", "--rate", "0/min"}).rate_per_minute, 0U);
    EXPECT_EQ(action<StartRelease>({"release", "--pause-above", "3%"}).pause_percent, 3U);
    EXPECT_EQ(action<StartRelease>({"release", "--parked"}).filter.state, queue::State::parked);
    const auto first = action<StartRelease>(
        {"release", "--first", "a@example.com", "--first", "@example.org", "--order", "small-first"}
    );
    EXPECT_EQ(first.first, (std::vector<std::string>{"a@example.com", "@example.org"}));
    EXPECT_EQ(first.order, queue::ReleaseOrder::small_first);
    const auto paused = action<ChangeRelease>({"release", "pause", "12", "--recall"});
    EXPECT_EQ(paused.release, 12U);
    EXPECT_TRUE(paused.recall && paused.to == ChangeRelease::To::pause);
    EXPECT_EQ(
        action<ChangeRelease>({"release", "cancel", "1", "--why", "no"}).to,
        ChangeRelease::To::cancel
    );
}

TEST(OptionsTest, Queue) {
    const auto exported = action<ExportQueue>(
        {"queue", "export", "--to", "out", "--format", "mbox", "--no-trace", "--data-dir", "/d"}
    );
    EXPECT_EQ(exported.format, MailboxFormat::mbox);
    EXPECT_EQ(exported.directory, "out");
    EXPECT_EQ(exported.data_dir, "/d");
    EXPECT_FALSE(exported.trace_header);
    const auto discarded = action<DiscardQueue>({"queue", "discard", "--all", "--yes"});
    EXPECT_TRUE(discarded.all && discarded.confirmed);
    EXPECT_EQ(action<ListParked>({"parked"}).filter.state, queue::State::parked);
    // A recipient's id names its message.
    EXPECT_EQ(action<ShowMessage>({"queue", "show", "0000000000001.4"}).message, MessageId{1});
}

TEST(OptionsTest, TheOthers) {
    action<ShowStatus>({"status"});
    action<ListSessions>({"sessions"});
    EXPECT_EQ(
        action<CheckRecipient>({"recipients", "check", "Joe@example.com"}).address,
        "Joe@example.com"
    );
    EXPECT_EQ(
        action<FlushRecipients>({"recipients", "flush", "@Example.com"}).domain, "example.com"
    );
    EXPECT_EQ(
        action<FlushRecipients>({"recipients", "flush", "example.com"}).domain, "example.com"
    );
    EXPECT_EQ(
        action<FlushRecipients>({"recipients", "flush", "a@b.example"}).address, "a@b.example"
    );
    const auto all = action<FlushRecipients>({"recipients", "flush"});
    EXPECT_TRUE(all.address.empty() && all.domain.empty());
    action<ShowConfigReference>({"config", "reference"});
    EXPECT_EQ(action<CheckConfig>({"config", "check", "a.yaml"}).file, "a.yaml");
    EXPECT_TRUE(action<Audit>({"audit", "--deep"}).deep);
    EXPECT_EQ(action<Trace>({"trace", "<x@y>"}).query, "<x@y>");
    const auto rehearsed = action<Rehearse>({"rehearse", "--mail", "/corpus", "--keep"});
    EXPECT_EQ(rehearsed.mail, "/corpus");
    EXPECT_TRUE(rehearsed.keep);
}

TEST(OptionsTest, GlobalFlagsStandAnywhere) {
    EXPECT_TRUE(parse({"--json", "status"})->json);
    EXPECT_TRUE(parse({"status", "--json"})->json);
    EXPECT_TRUE(parse({"queue", "list", "--json"})->json);
    EXPECT_EQ(parse({"status"})->socket, default_socket);
    EXPECT_EQ(parse({"--socket", "/s", "status"})->socket, "/s");
    EXPECT_EQ(parse({"status", "--socket", "/s"})->socket, "/s");
    const ParseContext environment{.socket = "/e", .now = now};
    EXPECT_EQ(parse_options({"status"}, environment)->socket, "/e");
    EXPECT_EQ(parse_options({"status", "--socket", "/s"}, environment)->socket, "/s");
}

TEST(OptionsTest, HelpFits80Columns) {
    for (const auto& words : std::vector<std::vector<std::string>>{
             {"--help"}, {"queue", "--help"}, {"queue", "export", "-h"}, {"release", "--help"}}) {
        std::istringstream text{action<ShowText>(words).text};
        for (std::string line; std::getline(text, line);) {
            EXPECT_LE(line.size(), 82U) << line;  // "…" is three octets
        }
    }
    EXPECT_TRUE(action<ShowText>({"--version"}).text.starts_with("siding "));
    EXPECT_NE(
        action<ShowText>({"queue", "list", "-h"}).text.find("siding queue list"), std::string::npos
    );
}

}  // namespace
}  // namespace siding::cli
