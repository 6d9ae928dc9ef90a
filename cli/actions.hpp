// What the command line asked for, one type per verb: checked values, nothing left to parse.
#pragma once

#include "base/domain.hpp"
#include "base/id.hpp"
#include "base/phase.hpp"
#include "queue/filter.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>

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

enum class MailboxFormat { eml, maildir, mbox };

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
};

struct StartRelease {
    queue::Filter filter;
    std::string server = "new";
    bool dry_run = false;
    bool wait = false;
};

struct ListReleases {};

struct WaitRelease {
    std::uint64_t release = 0;
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

struct Rehearse {
    std::optional<std::filesystem::path> mail;  // unset: the bundled sample
    bool keep = false;
};

using Action = std::variant<
    ShowText,
    ShowStatus,
    ShowPhases,
    MovePhase,
    ListQueue,
    ListParked,
    ShowMessage,
    ExportQueue,
    HoldQueue,
    DiscardQueue,
    StartRelease,
    ListReleases,
    WaitRelease,
    ListSessions,
    CheckRecipient,
    FlushRecipients,
    Trace,
    Audit,
    CheckConfig,
    ShowConfigReference,
    Rehearse>;

}  // namespace siding::cli
