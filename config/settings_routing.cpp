#include "base/phase.hpp"
#include "config/settings_sheet.hpp"
#include "config/units.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace siding::config {
namespace {

void add_server_tls(const std::string& path, const Server& server, Sheet& sheet) {
    sheet.add_choice(path + ".tls", "servers.*.tls", server.tls);
    sheet.add(path + ".tls_name", "servers.*.tls_name", server.tls_name.value_or(""));
    sheet.add(path + ".ca_file", "servers.*.ca_file", server.ca_file.value_or(""));
    sheet.add(
        path + ".tls_fingerprints",
        "servers.*.tls_fingerprints",
        format_words(server.tls_fingerprints)
    );
    const Auth auth = server.auth.value_or(Auth{});
    sheet.add(path + ".auth.user", "servers.*.auth.user", auth.user);
    sheet.add_choice(path + ".auth.mechanism", "servers.*.auth.mechanism", auth.mechanism);
    sheet.add(path + ".auth.secret_file", "servers.*.auth.secret_file", auth.secret_file);
    sheet.add(path + ".xclient", "servers.*.xclient", fmt::format("{}", server.xclient));
    sheet.add(
        path + ".proxy_protocol",
        "servers.*.proxy_protocol",
        fmt::format("{}", server.proxy_protocol)
    );
}

void add_server_limits(const std::string& path, const Server& server, Sheet& sheet) {
    const auto add = [&](const std::string& leaf, const auto& number) {
        sheet.add(path + "." + leaf, "servers.*." + leaf, format_optional(number));
    };
    sheet.add_choice(path + ".profile", "servers.*.profile", server.profile);
    add("connections", server.connections);
    add("messages_per_connection", server.messages_per_connection);
    add("recipients_per_transaction", server.recipients_per_transaction);
    add("recipient_connections", server.recipient_connections);
    add("rate", server.rate);
    add("domain_rate", server.domain_rate);
    add("recipient_rate", server.recipient_rate);
}

std::string format_file(const RecipientFile& file) {
    const std::string text = fmt::format(
        "{} {}", choice_text("domains.*.recipients.import[].format", file.format), file.path
    );
    return file.column.empty() ? text : fmt::format("{} ({})", text, file.column);
}

std::string format_recipients(const Recipients& recipients) {
    if (recipients.any) {
        return "any";
    }
    std::vector<std::string> sources;
    for (const RecipientFile& file : recipients.files) {
        sources.push_back(format_file(file));
    }
    for (const std::string& server : recipients.verify) {
        sources.push_back("verify " + server);
    }
    return format_list(sources);
}

void add_wave(const std::string& path, const Wave& wave, Sheet& sheet) {
    std::vector<std::string> files;
    for (const RecipientFile& file : wave.files) {
        files.push_back(format_file(file));
    }
    const std::string phase{wave.phase ? format_phase(*wave.phase) : std::string_view{}};
    sheet.add(path, "domains.*.waves", "");
    sheet.add(path + ".file", "domains.*.waves.*.file", format_words(files));
    sheet.add(path + ".pattern", "domains.*.waves.*.pattern", format_words(wave.patterns));
    sheet.add(path + ".phase", "domains.*.waves.*.phase", phase);
    sheet.add(path + ".copy", "domains.*.waves.*.copy", wave.copy);
}

std::string format_optional_size(const std::optional<std::uint64_t>& size_bytes) {
    return size_bytes ? format_size(*size_bytes) : std::string{};
}

void add_express(const ExpressRule& rule, Sheet& sheet) {
    const std::string path = "express." + rule.name;
    sheet.add(path, "express", "");
    sheet.add(path + ".sender", "express.*.sender", rule.sender.value_or(""));
    sheet.add(path + ".recipient", "express.*.recipient", rule.recipient.value_or(""));
    sheet.add(path + ".header", "express.*.header", rule.header.value_or(""));
    sheet.add(path + ".max_size", "express.*.max_size", format_optional_size(rule.max_size_bytes));
    sheet.add(path + ".min_size", "express.*.min_size", format_optional_size(rule.min_size_bytes));
}

}  // namespace

std::string format_list(const std::vector<std::string>& words) {
    return fmt::format("[{}]", fmt::join(words, ", "));
}

std::string format_words(const std::vector<std::string>& words) {
    return words.empty() ? "" : format_list(words);
}

std::string format_endpoints(const std::vector<Endpoint>& endpoints) {
    std::vector<std::string> words;
    for (const Endpoint& endpoint : endpoints) {
        words.push_back(format_endpoint(endpoint));
    }
    return format_words(words);
}

void add_servers(const Config& config, Sheet& sheet) {
    for (const auto& [name, server] : config.servers) {
        const std::string path = "servers." + name;
        sheet.add(path, "servers", "");
        sheet.add(path + ".address", "servers.*.address", format_endpoint(server.address));
        sheet.add(path + ".fallback", "servers.*.fallback", format_endpoints(server.fallback));
        sheet.add(path + ".mx", "servers.*.mx", fmt::format("{}", server.mx));
        sheet.add(path + ".source", "servers.*.source", format_words(server.source));
        sheet.add(
            path + ".connect_timeout",
            "servers.*.connect_timeout",
            format_duration(server.connect_timeout)
        );
        add_server_tls(path, server, sheet);
        add_server_limits(path, server, sheet);
    }
}

void add_domains(const Config& config, Sheet& sheet) {
    for (const auto& [domain, settings] : config.domains) {
        const std::string path = "domains." + domain.text();
        sheet.add(path, "domains", "");
        sheet.add(path + ".phase", "domains.*.phase", std::string{format_phase(settings.phase)});
        sheet.add(
            path + ".recipients", "domains.*.recipients", format_recipients(settings.recipients)
        );
        sheet.add(path + ".rewrite", "domains.*.rewrite", settings.rewrite.value_or(""));
        sheet.add(path + ".copy", "domains.*.copy", settings.copy);
        add_mx(path, settings, sheet);
        for (const auto& [name, wave] : settings.waves) {
            add_wave(fmt::format("{}.waves.{}", path, name), wave, sheet);
        }
    }
}

void add_delivery(const Config& config, Sheet& sheet) {
    const PassThrough& pass = config.pass_through;
    sheet.add("pass_through.enabled", fmt::format("{}", pass.enabled));
    sheet.add("pass_through.connections", std::to_string(pass.connections));
    sheet.add("pass_through.connect_timeout", format_duration(pass.connect_timeout));
    sheet.add("pass_through.rcpt_timeout", format_duration(pass.rcpt_timeout));
    sheet.add("pass_through.data_timeout", format_duration(pass.data_timeout));
    for (const ExpressRule& rule : config.express) {
        add_express(rule, sheet);
    }
    sheet.add("release.rate", std::to_string(config.release.rate));
    sheet.add("release.canary", std::to_string(config.release.canary));
    sheet.add("release.pause_percent", format_percent(config.release.pause_percent));
    sheet.add_choice("release.order", "release.order", config.release.order);
    sheet.add("retention.time", format_duration(config.retention.time));
    sheet.add("retention.size", format_size(config.retention.size_bytes));
    sheet.add("dsn.server", config.dsn.server.value_or(""));
}

}  // namespace siding::config
