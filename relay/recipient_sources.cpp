#include "relay/recipient_sources.hpp"

#include "base/check.hpp"
#include "base/log.hpp"
#include "relay/recipient_import.hpp"

#include <chrono>
#include <fmt/format.h>

namespace siding::relay {
namespace {

const Logger log{"relay"};

using config::RecipientMapFormat;

Result<RecipientSet> parse_recipients(
    RecipientMapFormat format, const std::string& text, const std::string& column
) {
    switch (format) {
    case RecipientMapFormat::list:
        return parse_recipient_list(text);
    case RecipientMapFormat::virtual_map:
    case RecipientMapFormat::relay_recipients:
        return import_postfix_map(text);
    case RecipientMapFormat::aliases:
        return import_aliases(text);
    case RecipientMapFormat::csv:
        return import_csv(text, column);
    }
    SIDING_UNREACHABLE("RecipientMapFormat");
}

std::size_t count_of(const RecipientSet& set, const std::string& domain) {
    const auto found = set.sizes().find(domain);
    return found == set.sizes().end() ? 0 : found->second;
}

// A list that is shared may well name other domains; one that names nobody here is a mistake.
void report_domains(
    const std::string& path, const RecipientSet& set, const std::set<std::string>& domains
) {
    const std::size_t bare = count_of(set, "");
    std::size_t inside = bare;
    for (const std::string& domain : domains) {
        const std::size_t own = count_of(set, domain);
        inside += own;
        if (own + bare == 0) {
            log.warn("recipients_of_domain_missing", {{"file", path}, {"domain", domain}});
        }
    }
    if (inside < set.size()) {
        log.warn("recipients_outside", {{"file", path}, {"ignored", set.size() - inside}});
    }
}

}  // namespace

std::size_t RecipientSources::Source::size() const {
    return recipients != nullptr ? recipients->size() : rewrite != nullptr ? rewrite->size() : 0;
}

RecipientSources::Key RecipientSources::key_of(const config::RecipientFile& file) {
    return {file.path, file.format, file.column};
}

RecipientSources::Key RecipientSources::key_of_map(const std::string& path) {
    return {path, std::nullopt, {}};
}

bool RecipientSources::look(const config::Config& config, When when) {
    bool changed = follow(config);
    for (auto& [key, source] : sources_) {
        changed = look(key, source, when) || changed;
    }
    return changed;
}

// What is not configured any more is forgotten, together with its failure.
bool RecipientSources::follow(const config::Config& config) {
    std::map<Key, std::set<std::string>> wanted;
    for (const auto& [domain, settings] : config.domains) {
        for (const config::RecipientFile& file : settings.recipients.files) {
            wanted[key_of(file)].insert(domain.text());
        }
        if (settings.rewrite) {
            wanted[key_of_map(*settings.rewrite)].insert(domain.text());
        }
    }
    bool changed = false;
    for (auto& [key, source] : sources_) {
        if (!wanted.contains(key)) {
            set_failure(key, source, {});
            set_entries(key, 0);
        }
    }
    changed = std::erase_if(sources_, [&](const auto& entry) {
                  return !wanted.contains(entry.first);
              }) > 0;
    for (auto& [key, domains] : wanted) {
        Source& source = sources_[key];
        changed = changed || source.domains != domains;
        source.domains = std::move(domains);
    }
    return changed;
}

bool RecipientSources::look(const Key& key, Source& source, When when) {
    const auto stamp = look_at_file(key.path);
    if (!stamp) {
        source.seen.reset();
        set_failure(key, source, stamp.error().context);
        return false;
    }
    const bool is_quiet = source.seen == *stamp;
    source.seen = *stamp;
    if (source.loaded == *stamp) {
        set_failure(key, source, {});
        return false;
    }
    if (source.refused == *stamp) {
        set_failure(key, source, source.refusal);
        return false;
    }
    return (when == When::now || is_quiet) && load(key, source);
}

bool RecipientSources::load(const Key& key, Source& source) {
    const auto started = std::chrono::steady_clock::now();
    const auto content = read_whole_file(key.path);
    if (!content) {
        set_failure(key, source, content.error().context);
        return false;
    }
    const std::size_t before = source.size();
    if (const auto parsed = parse(key, source, content->text); !parsed) {
        source.refused = content->stamp;
        source.refusal = parsed.error().context;
        set_failure(key, source, source.refusal);
        return false;
    }
    source.loaded = content->stamp;
    source.refused.reset();
    set_failure(key, source, {});
    const auto took = std::chrono::steady_clock::now() - started;
    log.info(
        key.format ? "recipients_loaded" : "rewrite_loaded",
        {{"file", key.path},
         {"entries", source.size()},
         {"before", before},
         {"ms", std::chrono::duration_cast<std::chrono::milliseconds>(took).count()}}
    );
    report(key, source);
    return true;
}

Result<void> RecipientSources::parse(const Key& key, Source& source, const std::string& text) {
    if (!key.format) {
        SIDING_ASSIGN(RewriteMap map, RewriteMap::parse(text));
        source.rewrite = std::make_shared<const RewriteMap>(std::move(map));
        return {};
    }
    SIDING_ASSIGN(RecipientSet set, parse_recipients(*key.format, text, key.column));
    source.recipients = std::make_shared<const RecipientSet>(std::move(set));
    return {};
}

void RecipientSources::set_failure(const Key& key, Source& source, const std::string& reason) {
    if (reason == source.failure) {
        return;
    }
    if (reason.empty()) {
        log.info("recipients_readable", {{"file", key.path}});
    } else {
        log.error(
            "recipients_unreadable",
            {{"file", key.path},
             {"reason", reason},
             {"in_force", source.is_loaded() ? "the last good content" : "nothing"}}
        );
    }
    source.failure = reason;
    metrics_
        .gauge(
            "siding_recipients_stale",
            "1 while a recipient file or rewrite map cannot be used as it stands",
            {{"file", key.path}}
        )
        .set(reason.empty() ? 0 : 1);
}

void RecipientSources::set_entries(const Key& key, std::size_t entries) const {
    metrics_
        .gauge(
            "siding_recipients_entries",
            "addresses or rules of a recipient file or rewrite map in force",
            {{"file", key.path}}
        )
        .set(static_cast<double>(entries));
}

void RecipientSources::report(const Key& key, const Source& source) const {
    set_entries(key, source.size());
    if (source.recipients != nullptr) {
        report_domains(key.path, *source.recipients, source.domains);
    }
}

std::vector<Error> RecipientSources::failures() const {
    std::vector<Error> out;
    for (const auto& [key, source] : sources_) {
        if (!source.failure.empty()) {
            out.emplace_back(
                Errc::invalid_argument, fmt::format("{}: {}", key.path, source.failure)
            );
        }
    }
    return out;
}

std::shared_ptr<const RecipientSet> RecipientSources::find(const config::RecipientFile& file
) const {
    const auto source = sources_.find(key_of(file));
    return source == sources_.end() ? nullptr : source->second.recipients;
}

RecipientTable::Domains RecipientSources::make_domains(
    const config::Config& config, const RecipientTable& before
) const {
    RecipientTable::Domains domains;
    for (const auto& [domain, settings] : config.domains) {
        RecipientTable::DomainFiles files;
        for (const config::RecipientFile& file : settings.recipients.files) {
            const Source& source = sources_.at(key_of(file));
            files.complete = files.complete && source.is_loaded();
            if (source.recipients != nullptr) {
                files.recipients.push_back(source.recipients);
            }
        }
        if (settings.rewrite) {
            const Source& source = sources_.at(key_of_map(*settings.rewrite));
            files.complete = files.complete && source.is_loaded();
            files.rewrite = source.rewrite;
        }
        const auto old = before.domains().find(domain.text());
        const bool has_old = old != before.domains().end() && old->second.complete;
        domains.emplace(domain.text(), !files.complete && has_old ? old->second : files);
    }
    return domains;
}

}  // namespace siding::relay
