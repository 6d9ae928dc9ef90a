// siding-backfilld --config FILE: runs in the foreground, logs to standard error.
#include "cli/backfill_daemon.hpp"

#include <CLI/CLI.hpp>

int main(int argc, char** argv) {
    CLI::App app{"IMAP backfill for mail migrations", "siding-backfilld"};
    app.set_version_flag("--version", SIDING_VERSION);
    std::string config_file = "/etc/siding/siding.yaml";
    app.add_option("--config", config_file, "configuration file")->capture_default_str();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    return siding::cli::run_backfill_daemon(config_file);
}
