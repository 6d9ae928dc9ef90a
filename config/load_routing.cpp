#include "config/load_parts.hpp"

#include <array>
#include <fmt/format.h>

namespace siding::config {
namespace {

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

// Files of all formats, as two of the groups have them.
void read_files(Section& section, const FileValue& file, std::vector<RecipientFile>& files) {
    std::vector<std::string> lists;
    section.read_list("file", lists, file);
    for (std::string& path : lists) {
        files.push_back({.path = std::move(path), .format = {}, .column = {}});
    }
    section.each_item("import", [&](Section& item) { files.push_back(read_import(item, file)); });
}

void read_sources(
    Section& section, const FileValue& file, const ServerName& server, Recipients& recipients
) {
    recipients.any = false;
    if (section.is_empty()) {
        section.add_problem("has no source; allowed: any, or at least one of file, import, verify");
    }
    read_files(section, file, recipients.files);
    section.read_list("verify", recipients.verify, server);
}

// A copy goes beside what a phase passes on, to another server.
void check_copy(Section& section, Phase phase, const std::string& copy) {
    if (copy.empty()) {
        return;
    }
    if (phase != Phase::pass_old && phase != Phase::pass_new) {
        section.add_problem(
            "copy", "is for phase pass_old or pass_new; for later, say it with siding flip --copy"
        );
    } else if (copy == server_of(phase)) {
        section.add_problem(
            "copy", fmt::format("{} sends there already; name another server", format_phase(phase))
        );
    }
}

// What is known of the domain that waves are read for.
struct WaveContext {
    const FileValue& file;
    const std::map<std::string, Server>& servers;
    Phase domain_phase;
};

Wave read_wave(const WaveContext& context, Section& section) {
    Wave wave;
    section.read("phase", wave.phase, phase_value);
    section.read("copy", wave.copy, ServerName{context.servers});
    read_files(section, context.file, wave.files);
    section.read_list("pattern", wave.patterns, pattern_value);
    if (!section.has("file") && !section.has("import") && !section.has("pattern")) {
        section.add_problem("has no recipients; allowed: at least one of file, import, pattern");
    }
    check_copy(section, wave.phase.value_or(context.domain_phase), wave.copy);
    const auto server = wave.phase ? server_of(*wave.phase) : std::nullopt;
    if (server && !context.servers.contains(std::string{*server})) {
        section.add_problem(
            "phase",
            fmt::format(
                "{} sends to the server '{}', which is missing under servers",
                format_phase(*wave.phase),
                *server
            )
        );
    }
    return wave;
}

void read_waves(const WaveContext& context, Section& domain, DomainSettings& settings) {
    domain.each_entry("waves", [&](const Entry& entry, Section& section) {
        if (entry.key == default_wave) {
            section.add_problem("is everybody who is in no other wave; it has no recipients here");
            return;
        }
        if (!is_name(entry.key)) {
            section.add_problem("is no name for a wave; allowed: up to 32 of a-z, 0-9, - and _");
            return;
        }
        settings.waves.emplace(entry.key, read_wave(context, section));
    });
}

// What is checked later finds its place by the domain as it is stored.
void remember_places(const std::string& written, const Domain& domain, Problems& problems) {
    for (const std::string_view leaf :
         std::array{"", ".phase", ".recipients", ".rewrite", ".waves", ".stragglers"}) {
        problems.remember(
            fmt::format("domains.{}{}", domain.text(), leaf),
            problems.place_of(fmt::format("{}{}", written, leaf))
        );
    }
}

}  // namespace

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
        section.read("copy", settings.copy, server);
        check_copy(section, settings.phase, settings.copy);
        read_waves({file, config.servers, settings.phase}, section, settings);
        read_mx(section, file, settings);
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
