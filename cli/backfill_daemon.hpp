// The composition root of siding-backfilld: a process of its own, so that no IMAP server can do the
// relay any harm.
#pragma once

#include <string>

namespace siding::cli {

// Exit codes as run_daemon() (cli/daemon.hpp).
int run_backfill_daemon(const std::string& config_file);

}  // namespace siding::cli
