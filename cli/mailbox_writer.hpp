// Messages to files that any mail program can read. Each message is written octet for octet (mbox:
// with LF and quoted From lines) and is whole, synced and never in the place of another file.
#pragma once

#include "base/clock.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "cli/actions.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace siding::cli {

struct ExportedMessage {
    MessageId id;
    WallTime received_at;
    std::string sender;             // empty: a bounce
    std::string envelope_document;  // JSON; only eml has a place for it
    std::string name = {};          // of its file, unique; empty: the id
    // Of one that a user has seen: into cur/, with these and received_at as the file's time.
    std::optional<std::string> maildir_flags = {};

    std::string file_name() const { return name.empty() ? id.text() : name; }
};

class MailboxWriter {
public:
    using Sink = std::function<Result<void>(std::string_view octets)>;
    // Gives the message's octets to the sink, in order.
    using Producer = std::function<Result<void>(const Sink& sink)>;

    // eml: <id>.eml and <id>.json. maildir: new/, tmp/, cur/. mbox: siding.mbox.
    // The directory is made if it is not there.
    static Result<std::unique_ptr<MailboxWriter>> create(
        MailboxFormat format, const std::filesystem::path& directory
    );
    virtual ~MailboxWriter() = default;

    // After an error nothing half-written stands under a final name.
    virtual Result<void> add(const ExportedMessage& message, const Producer& octets) = 0;

    // Nothing is promised before this has answered.
    virtual Result<void> finish() = 0;
};

}  // namespace siding::cli
