// The composition root of sidingd: builds the parts in dependency order, runs until a signal or a
// storage failure, and takes them down in the reverse order (docs/architecture.md, "Shutdown").
#pragma once

#include <string>

namespace siding::cli {

// The process's exit code: 0 after SIGTERM, 2 for a configuration that cannot be used, 74
// (EX_IOERR) after a storage failure, 1 for anything else that kept it from serving.
int run_daemon(const std::string& config_file);

}  // namespace siding::cli
