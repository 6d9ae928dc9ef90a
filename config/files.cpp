#include "config/files.hpp"

#include "base/bytes.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace siding::config {
namespace {

// Empty where the file can be read.
std::string why_unreadable(const std::string& path) {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return std::strerror(errno);
    }
    struct stat facts {};
    const bool known = fstat(fd, &facts) == 0;
    close(fd);
    return known && S_ISREG(facts.st_mode) ? "" : "it is no file";
}

// systemd shows credentials to the unit alone: an operator's check cannot look at them.
bool is_foreign_credential(const std::string& path) {
    return path.starts_with("/run/credentials/") && std::getenv("CREDENTIALS_DIRECTORY") == nullptr;
}

class Files {
public:
    explicit Files(Problems& problems) : problems_{problems} {}

    void check(const std::string& key, const std::string& path) {
        if (const std::string why = why_unreadable(path); !why.empty()) {
            problems_.add(
                problems_.place_of(key),
                key,
                fmt::format("{} cannot be read: {}", escape(path), why)
            );
        }
    }

    void check(const std::string& key, const std::optional<std::string>& path) {
        if (path) {
            check(key, *path);
        }
    }

    void check(const std::string& key, const Identity& identity) {
        check(key + ".certificate", identity.certificate);
        check(key + ".key", identity.key);
    }

    void check_tokens(const std::string& server, const std::optional<TokenSource>& tokens) {
        if (tokens) {
            check(server + ".tokens.client_secret_file", tokens->client_secret_file);
        }
    }

private:
    Problems& problems_;
};

}  // namespace

void check_files(const Config& config, Problems& problems) {
    Files files{problems};
    if (config.tls.identity) {
        files.check("tls", *config.tls.identity);
    }
    for (const auto& [name, identity] : config.tls.names) {
        files.check("tls.names." + name, identity);
    }
    for (const auto& [name, server] : config.servers) {
        files.check(fmt::format("servers.{}.ca_file", name), server.ca_file);
        if (server.auth && !is_foreign_credential(server.auth->secret_file)) {
            files.check(fmt::format("servers.{}.auth", name), server.auth->secret_file);
        }
    }
    for (const auto& [domain, settings] : config.domains) {
        const std::string key = "domains." + domain.text();
        for (const RecipientFile& file : settings.recipients.files) {
            files.check(key + ".recipients", file.path);
        }
        files.check(key + ".rewrite", settings.rewrite);
        files.check(key + ".stragglers", settings.stragglers.log);
        for (const auto& [name, wave] : settings.waves) {
            for (const RecipientFile& file : wave.files) {
                files.check(fmt::format("{}.waves.{}", key, name), file.path);
            }
        }
    }
    files.check("dns.panel", config.dns.panel_file);
    files.check("backfill.accounts", config.backfill.accounts);
    files.check("backfill.source.ca_file", config.backfill.source.ca_file);
    files.check("backfill.destination.ca_file", config.backfill.destination.ca_file);
    files.check_tokens("backfill.source", config.backfill.source.tokens);
    files.check_tokens("backfill.destination", config.backfill.destination.tokens);
    files.check("control.token_file", config.control.token_file);
}

}  // namespace siding::config
