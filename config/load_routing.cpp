#include "base/bytes.hpp"
#include "config/load_parts.hpp"

#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <ranges>

namespace siding::config {
namespace {

// One of the servers of the file.
class ServerName {
public:
    explicit ServerName(const std::map<std::string, Server>& servers) : servers_{servers} {}

    Result<std::string> operator()(const Key&, std::string_view text) const {
        if (!servers_.contains(std::string{text})) {
            return Error{
                Errc::invalid_argument,
                fmt::format(
                    "'{}' is none of the servers; there are: {}",
                    escape(text),
                    escape(fmt::format("{}", fmt::join(std::views::keys(servers_), ", ")))
                )};
        }
        return std::string{text};
    }

private:
    const std::map<std::string, Server>& servers_;
};

RecipientFile read_import(Section& section, const FileValue& file) {
    RecipientFile import;
    std::optional<RecipientMapFormat> format;
    section.read("file", import.path, file);
    section.read("format", format, enum_value<RecipientMapFormat>);
    section.read("column", import.column, text_value);
    if (!format) {
        return import;
    }
    import.format = *format;
    const bool csv = *format == RecipientMapFormat::csv;
    if (csv && !section.has("column")) {
        section.add_problem(
            "column", "is missing; csv needs the name or the number of the column with addresses"
        );
    }
    if (!csv && section.has("column")) {
        section.add_problem("column", "is for format: csv; take it out");
    }
    return import;
}

void read_sources(
    Section& section, const FileValue& file, const ServerName& server, Recipients& recipients
) {
    recipients.any = false;
    if (section.is_empty()) {
        section.add_problem("has no source; allowed: any, or at least one of file, import, verify");
    }
    std::vector<std::string> lists;
    section.read_list("file", lists, file);
    for (std::string& path : lists) {
        recipients.files.push_back({.path = std::move(path), .format = {}, .column = {}});
    }
    section.each_item("import", [&](Section& item) {
        recipients.files.push_back(read_import(item, file));
    });
    section.read_list("verify", recipients.verify, server);
}

// What is checked later finds its place by the domain as it is stored.
void remember_places(const std::string& written, const Domain& domain, Problems& problems) {
    for (const std::string_view leaf : std::array{"", ".phase", ".recipients", ".rewrite"}) {
        problems.remember(
            fmt::format("domains.{}{}", domain.text(), leaf),
            problems.place_of(fmt::format("{}{}", written, leaf))
        );
    }
}

}  // namespace

void read_servers(Section& root, const FileValue& file, Config& config) {
    root.each_entry("servers", [&](const Entry& entry, Section& section) {
        Server server;
        section.read("address", server.address, server_value);
        section.read("connections", server.connections, count_value);
        section.read("connect_timeout", server.connect_timeout, duration_value);
        section.read("tls", server.tls, enum_value<ServerTls>);
        section.read("tls_name", server.tls_name, hostname_value);
        section.read("ca_file", server.ca_file, file);
        if (server.ca_file && server.tls != ServerTls::verify) {
            section.add_problem("ca_file", "is for tls: verify; nothing else looks at it");
        }
        config.servers.insert_or_assign(entry.key, std::move(server));
    });
}

void read_domains(Section& root, const FileValue& file, Config& config, Problems& problems) {
    const ServerName server{config.servers};
    root.each_entry("domains", [&](const Entry& entry, Section& section) {
        DomainSettings settings;
        section.read("phase", settings.phase, phase_value);
        std::string word;
        section.read_or_group("recipients", word, word_value, [&](Section& sources) {
            read_sources(sources, file, server, settings.recipients);
        });
        section.read("rewrite", settings.rewrite, file);
        const auto domain = Domain::parse(entry.key);
        if (domain.has_error()) {
            problems.add(entry.place, section.path(), domain.error().context);
        } else if (config.domains.emplace(*domain, std::move(settings)).second) {
            remember_places(section.path(), *domain, problems);
        } else {
            problems.add(
                entry.place, section.path(), "is the same domain as one above; write it once"
            );
        }
    });
}

void read_verify(Section& root, Config& config) {
    Verify& verify = config.verify;
    verify.sender = default_probe_sender(config.hostname);
    root.group("verify", [&](Section& section) {
        section.read("sender", verify.sender, address_value);
        section.read("positive_ttl", verify.positive_ttl, duration_value);
        section.read("negative_ttl", verify.negative_ttl, duration_value);
        section.read("timeout", verify.timeout, duration_value);
        section.read("connections", verify.connections, count_value);
        section.read("when_unreachable", verify.when_unreachable, enum_value<Verify::Unreachable>);
        section.read("detect_catch_all", verify.detect_catch_all, flag_value);
    });
}

void read_filter(Section& root, Filter& filter) {
    root.group("filter", [&](Section& section) {
        section.read("rspamd", filter.rspamd, url_value);
        section.read("on_failure", filter.on_failure, enum_value<Filter::OnFailure>);
        section.read("on_reject", filter.on_reject, enum_value<Filter::OnReject>);
        section.read("timeout", filter.timeout, duration_value);
        section.read("max_size", filter.max_size_bytes, size_value);
    });
}

}  // namespace siding::config
