// What `siding archive` asks for without a daemon; with one it is an order as in
// cli/actions_backfill.hpp.
#pragma once

#include "cli/mailbox_format.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace siding::cli {

struct ListArchive {
    std::filesystem::path directory;
    std::optional<std::string> account = {};  // unset: all
};

struct VerifyArchive {
    std::filesystem::path directory;
};

struct ExportArchive {
    std::filesystem::path from;
    std::filesystem::path to;
    MailboxFormat format = MailboxFormat::eml;
    std::optional<std::string> account = {};  // unset: all
    std::optional<std::string> mailbox = {};  // unset: all
};

}  // namespace siding::cli
