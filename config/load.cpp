#include "config/load.hpp"

#include "base/bytes.hpp"
#include "config/section.hpp"
#include "config/semantics.hpp"
#include "config/values.hpp"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <fstream>

namespace siding::config {
namespace {

// A domain takes some 40 octets, so this is room for 400,000 of them.
constexpr std::size_t file_octets_max = 16 * 1024 * 1024;

void read_listeners(Section& root, Config& config) {
    root.each_item("listeners", [&](Section& section) {
        Listener listener;
        std::string_view tls;
        section.read("address", listener.address, listener_value);
        section.read("tls", tls, choice_value);
        config.listeners.push_back(std::move(listener));
    });
}

void read_servers(Section& root, Config& config) {
    root.each_entry("servers", [&](const Entry& entry, Section& section) {
        Server server;
        std::string_view tls;
        section.read("address", server.address, server_value);
        section.read("connections", server.connections, count_value);
        section.read("connect_timeout", server.connect_timeout, duration_value);
        section.read("tls", tls, choice_value);
        config.servers.insert_or_assign(entry.key, std::move(server));
    });
}

void read_domains(Section& root, Config& config, Problems& problems) {
    root.each_entry("domains", [&](const Entry& entry, Section& section) {
        DomainSettings settings;
        std::string_view recipients;
        section.read("phase", settings.phase, phase_value);
        section.read("recipients", recipients, choice_value);
        const auto domain = Domain::parse(entry.key);
        if (domain.has_error()) {
            problems.add(entry.place, section.path(), domain.error().context);
        } else if (!config.domains.emplace(*domain, settings).second) {
            problems.add(
                entry.place, section.path(), "is the same domain as one above; write it once"
            );
        }
    });
}

void read_limits(Section& section, Limits& limits) {
    section.read("message_size", limits.message_size_bytes, size_value);
    section.read("recipients", limits.recipients, count_value);
    section.read("connections", limits.connections, count_value);
    section.read("connections_per_client", limits.connections_per_client, count_value);
    section.read("soft_errors", limits.soft_errors, count_value);
    section.read("hard_errors", limits.hard_errors, count_value);
}

void read_control(Section& section, Control& control) {
    section.read("socket", control.socket, path_value);
    section.read("http", control.http, loopback_value);
    section.read("token_file", control.token_file, path_value);
}

Config read_config(const Node& node, Problems& problems) {
    Config config;
    Section root{node, {}, problems};
    root.read("hostname", config.hostname, hostname_value);
    root.read("data_dir", config.data_dir, path_value);
    read_listeners(root, config);
    read_servers(root, config);
    read_domains(root, config, problems);
    root.group("limits", [&](Section& section) { read_limits(section, config.limits); });
    root.read("bare_newlines", config.bare_newlines, bare_newlines_value);
    root.group("retry", [&](Section& section) {
        section.read_list("schedule", config.retry.schedule, duration_value);
    });
    root.group("storage", [&](Section& section) {
        section.read("disk_reserve", config.storage.disk_reserve, reserve_value);
    });
    root.group("control", [&](Section& section) { read_control(section, config.control); });
    root.group("log", [&](Section& section) {
        section.read("level", config.log.level, log_level_value);
    });
    root.read("drain_timeout", config.drain_timeout, duration_value);
    root.read("threads", config.threads, threads_value);
    return config;
}

}  // namespace

LoadResult load_text(std::string_view text, const std::string& file_name) {
    Problems problems{file_name};
    const auto tree = parse_yaml(text, problems);
    if (!tree) {
        return problems.take();
    }
    Config config = read_config(*tree, problems);
    check_semantics(config, problems);
    if (!problems.empty()) {
        return problems.take();
    }
    return config;
}

LoadResult load_file(const std::string& path) {
    Problems problems{path};
    std::ifstream in{path, std::ios::binary};
    std::string text(file_octets_max + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (in.bad() || !in.eof()) {
        const bool too_large = in.good();
        problems.add(
            {},
            "",
            too_large ? "is larger than 16MiB"
                      : fmt::format("cannot be read: {}", std::strerror(errno))
        );
        return problems.take();
    }
    text.resize(static_cast<std::size_t>(in.gcount()));
    return load_text(text, path);
}

}  // namespace siding::config
