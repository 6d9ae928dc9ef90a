#include "config/load.hpp"

#include "config/files.hpp"
#include "config/load_parts.hpp"
#include "config/semantics.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>

namespace siding::config {
namespace {

// A domain takes some 40 octets, so this is room for 400,000 of them.
constexpr std::size_t file_octets_max = 16 * 1024 * 1024;

void read_control(Section& section, Control& control) {
    section.read("socket", control.socket, path_value);
    section.read("http", control.http, loopback_value);
    section.read("token_file", control.token_file, path_value);
}

Config read_config(const Node& node, const FileValue& file, Problems& problems) {
    Config config;
    Section root{node, {}, problems};
    root.read("hostname", config.hostname, hostname_value);
    root.read("data_dir", config.data_dir, path_value);
    read_tls(root, file, config.tls, problems);
    read_listeners(root, config);
    root.read_list("extensions", config.extensions, word_value);
    read_servers(root, file, config);
    read_domains(root, file, config, problems);
    root.read("recipient_delimiter", config.recipient_delimiter, delimiter_value);
    read_verify(root, config);
    read_filter(root, config.filter);
    read_delivery(root, config);
    read_dns(root, file, config.dns);
    read_limits(root, config.limits);
    read_timeouts(root, config.timeouts);
    root.read("early_talkers", config.early_talkers, enum_value<EarlyTalkers>);
    root.read("greeting_delay", config.greeting_delay, duration_value);
    root.read("bare_newlines", config.bare_newlines, enum_value<BareNewlines>);
    root.group("retry", [&](Section& section) {
        section.read_list("schedule", config.retry.schedule, duration_value);
    });
    root.group("storage", [&](Section& section) {
        section.read("disk_reserve", config.storage.disk_reserve, reserve_value);
    });
    root.group("control", [&](Section& section) { read_control(section, config.control); });
    read_backfill(root, file, config.backfill);
    root.group("log", [&](Section& section) {
        section.read("level", config.log.level, log_level_value);
    });
    root.read("drain_timeout", config.drain_timeout, duration_value);
    root.read("threads", config.threads, threads_value);
    return config;
}

// Where relative paths start: beside the file itself.
FileValue file_value(const std::string& file_name) {
    std::error_code ignored;  // without a working directory the paths stay relative
    return FileValue{std::filesystem::absolute(file_name, ignored).parent_path().string()};
}

std::optional<Config> load(
    std::string_view text, const std::string& file_name, Problems& problems
) {
    const auto tree = parse_yaml(text, problems);
    if (!tree) {
        return std::nullopt;
    }
    Config config = read_config(*tree, file_value(file_name), problems);
    check_semantics(config, problems);
    return problems.empty() ? std::optional{std::move(config)} : std::nullopt;
}

// Nothing, with a problem, where it cannot be read.
std::optional<std::string> read_file(const std::string& path, Problems& problems) {
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
        return std::nullopt;
    }
    text.resize(static_cast<std::size_t>(in.gcount()));
    return text;
}

LoadResult load_path(const std::string& path, bool with_files) {
    Problems problems{path};
    const auto text = read_file(path, problems);
    auto config = text ? load(*text, path, problems) : std::nullopt;
    if (config && with_files) {
        check_files(*config, problems);
    }
    if (!problems.empty()) {
        return problems.take();
    }
    return std::move(*config);
}

}  // namespace

LoadResult load_text(std::string_view text, const std::string& file_name) {
    Problems problems{file_name};
    auto config = load(text, file_name, problems);
    if (!config) {
        return problems.take();
    }
    return std::move(*config);
}

LoadResult load_file(const std::string& path) {
    return load_path(path, false);
}

LoadResult check_file(const std::string& path) {
    return load_path(path, true);
}

}  // namespace siding::config
