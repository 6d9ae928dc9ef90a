// What the command line asked for, one type per verb: checked values, nothing left to parse.
#pragma once

#include "base/domain.hpp"
#include "base/id.hpp"
#include "base/phase.hpp"
#include "cli/actions_archive.hpp"
#include "cli/actions_backfill.hpp"
#include "cli/actions_dns.hpp"
#include "cli/mailbox_format.hpp"
#include "config/config.hpp"
#include "cutover/doctor_check.hpp"
#include "net/endpoint.hpp"
#include "queue/filter.hpp"
#include "queue/release_job.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace siding::cli {

// --help and --version.
struct ShowText {
    std::string text;
};

struct ShowStatus {};

struct ShowPhases {
    std::optional<Domain> domain;  // unset: all
    std::optional<std::string> wave;
};

struct MovePhase {
    Domain domain;
    std::optional<std::string> wave;  // unset: the default wave
    Phase to = Phase::prep;
    std::string why;
};

// Several waves in one flip.
struct FlipPhases {
    std::vector<std::string> targets;  // "example.com", "example.com/pilot", "example.com/*"
    Phase to = Phase::prep;
    std::optional<std::string> copy;  // a server, or "none"; unset: as it is where the phase stays
    std::string why;
    std::string release_held;  // the server that what is held goes to; empty: none
};

struct RollBack {
    bool dry_run = false;
    std::string why;
    std::string release_held;
};

struct ListFlips {
    std::uint64_t limit = 100;
};

struct WaveScope {
    Domain domain;
    std::string wave;
};

struct ListWaves {
    std::optional<Domain> domain = {};  // unset: all
};

struct ShowWave {
    WaveScope scope;
    std::uint64_t limit = 100;  // of its recipients
};

struct AddToWave {
    WaveScope scope;
    std::vector<std::string> addresses = {};
    std::vector<std::string> patterns = {};
    std::optional<std::filesystem::path> file = {};
    config::RecipientMapFormat format = config::RecipientMapFormat::list;  // of the file
    std::string column = {};                                               // csv
    std::optional<Phase> phase = {};                                       // of a new wave
    std::optional<std::string> copy = {};                                  // likewise
    std::string why = {};
};

// Without any: the whole wave.
struct RemoveFromWave {
    WaveScope scope;
    std::vector<std::string> addresses;
    std::vector<std::string> patterns;
};

struct CloneWave {
    WaveScope from;
    WaveScope to;
    std::string why;
};

struct ListQueue {
    queue::Filter filter;
    std::optional<std::filesystem::path> data_dir;  // read a stopped queue instead of asking
};

// Parked recipients, grouped by reason.
struct ListParked {
    queue::Filter filter;
    std::optional<std::filesystem::path> data_dir;
};

struct ShowMessage {
    MessageId message;
    std::optional<std::filesystem::path> data_dir;
};

struct ExportQueue {
    queue::Filter filter;
    std::filesystem::path directory;
    MailboxFormat format = MailboxFormat::eml;
    bool trace_header = true;  // our Received: line in front of the octets
    std::optional<std::filesystem::path> data_dir;
};

struct HoldQueue {
    queue::Filter filter;
    bool all = false;
    std::string why;
};

struct DiscardQueue {
    queue::Filter filter;
    bool all = false;
    bool confirmed = false;  // --yes
    std::string why;
    bool dsn = false;  // tell the senders
};

// What is kept of delivered mail is delivered again.
struct Replay {
    queue::Filter filter;
    std::string server;
    bool all = false;
    bool dry_run = false;
    std::string why;
};

// Both servers' answers in a parallel run.
struct CompareCopies {
    queue::Filter filter;
    std::string show = "differing";
};

struct AddRemap {
    std::string from;
    std::string to;
};

struct RemoveRemap {
    std::string from;
};

struct ListRemaps {};

struct StartRelease {
    queue::Filter filter;
    std::string server = "new";
    bool dry_run = false;
    bool wait = false;
    // Unset: as the daemon's configuration has it.
    std::optional<std::uint64_t> rate_per_minute = {};
    std::optional<std::uint64_t> canary = {};
    std::optional<queue::ReleaseOrder> order = {};
    std::optional<unsigned> pause_percent = {};
    std::vector<std::string> first = {};
};

struct ListReleases {};

struct WaitRelease {
    std::uint64_t release = 0;
};

struct ShowRelease {
    std::uint64_t release = 0;
};

struct ChangeRelease {
    enum class To { pause, resume, cancel };

    std::uint64_t release = 0;
    To to = To::pause;
    std::string why = {};
    bool recall = false;
};

struct ListSessions {};

struct CheckRecipient {
    std::string address;
};

// What servers have said about recipients; asked again when it is next needed.
struct FlushRecipients {
    std::string address;  // of the two one at most; neither: all
    std::string domain;
};

struct Trace {
    std::string query;
};

struct Audit {
    bool deep = false;
};

struct CheckConfig {
    std::filesystem::path file;
};

struct ShowConfigReference {};

// The daemon's, or that of a file.
struct ShowConfig {
    std::optional<std::filesystem::path> file;
    bool changed = false;  // only what is not the default
};

struct Rehearse {
    std::optional<std::filesystem::path> mail;  // unset: the bundled sample
    bool keep = false;
};

struct Examine {
    std::vector<std::string> domains;  // empty: all of the configuration
    std::optional<cutover::DoctorPhase> phase;
    std::vector<std::string> only;
    std::optional<std::filesystem::path> config;  // unset: /etc/siding/siding.yaml, if it is there
    std::optional<net::HostPort> resolver;
    std::optional<std::filesystem::path> recipients;
    std::vector<std::string> selectors;
    std::optional<std::string> ca_file;
    std::uint16_t smtp_port = 25;
    std::uint16_t https_port = 443;
    bool all = false;  // show what is well, too
};

struct ShowOutageCost {
    double hours = 0;
};

using Action = std::variant<
    ShowText,
    ShowStatus,
    ShowPhases,
    MovePhase,
    FlipPhases,
    RollBack,
    ListFlips,
    ListWaves,
    ShowWave,
    AddToWave,
    RemoveFromWave,
    CloneWave,
    ListQueue,
    ListParked,
    ShowMessage,
    ExportQueue,
    HoldQueue,
    DiscardQueue,
    Replay,
    CompareCopies,
    AddRemap,
    RemoveRemap,
    ListRemaps,
    StartRelease,
    ListReleases,
    WaitRelease,
    ShowRelease,
    ChangeRelease,
    ListSessions,
    CheckRecipient,
    FlushRecipients,
    Trace,
    Audit,
    CheckConfig,
    ShowConfigReference,
    ShowConfig,
    ShowDns,
    WatchDns,
    LookAtDns,
    ProbeDns,
    ImportSenders,
    ListSenders,
    TakeDnsSnapshot,
    CompareDnsSnapshots,
    ShowBackfill,
    OrderBackfill,
    PlanBackfill,
    ReportBackfill,
    ChangeBackfill,
    RunBackfill,
    AssessBackfill,
    WriteManifest,
    CheckManifest,
    RetryBackfill,
    AuthorizeBackfill,
    ListArchive,
    VerifyArchive,
    ExportArchive,
    Rehearse,
    Examine,
    ShowOutageCost>;

}  // namespace siding::cli
