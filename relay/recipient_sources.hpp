// The files behind the table: which ones the configuration names, what was last read from each, and
// whether that is still what stands there. A path that several domains name is loaded once. Blocks;
// one thread at a time. Log lines and the gauge siding_recipients_stale come from here.
#pragma once

#include "base/metrics.hpp"
#include "config/config.hpp"
#include "relay/recipient_table.hpp"
#include "relay/watched_file.hpp"

#include <compare>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace siding::relay {

class RecipientSources {
public:
    enum class When {
        now,         // read what changed
        once_quiet,  // read what changed and has been the same for two looks
    };

    explicit RecipientSources(Metrics& metrics) : metrics_{metrics} {}

    // Looks at every file that `config` names. True when the table must be made anew.
    bool look(const config::Config& config, When when);

    // What cannot be used as it stands, with path and reason; empty when all is well.
    std::vector<Error> failures() const;

    // What was last read from a file of the configuration; null where that is nothing yet.
    std::shared_ptr<const RecipientSet> find(const config::RecipientFile& file) const;

    // A domain that misses a file which was never readable keeps what it had in `before`.
    RecipientTable::Domains make_domains(const config::Config& config, const RecipientTable& before)
        const;

private:
    struct Key {
        std::string path;
        std::optional<config::RecipientMapFormat> format;  // nothing: a rewrite map
        std::string column;
        auto operator<=>(const Key&) const = default;
    };
    struct Source {
        std::shared_ptr<const RecipientSet> recipients;
        std::shared_ptr<const RewriteMap> rewrite;
        std::optional<FileStamp> loaded;  // of what is in force
        std::optional<FileStamp> seen;    // at the last look
        std::optional<FileStamp> refused;
        std::string refusal;  // what is wrong with it at stamp `refused`
        std::string failure;  // as logged; empty: in force is what stands there
        std::set<std::string> domains;

        bool is_loaded() const { return recipients != nullptr || rewrite != nullptr; }
        std::size_t size() const;
    };
    using Sources = std::map<Key, Source>;

    static Key key_of(const config::RecipientFile& file);
    static Key key_of_map(const std::string& path);

    bool follow(const config::Config& config);
    bool look(const Key& key, Source& source, When when);
    bool load(const Key& key, Source& source);
    static Result<void> parse(const Key& key, Source& source, const std::string& text);
    void set_failure(const Key& key, Source& source, const std::string& reason);
    void set_entries(const Key& key, std::size_t entries) const;
    void report(const Key& key, const Source& source) const;

    Metrics& metrics_;
    Sources sources_;
};

}  // namespace siding::relay
