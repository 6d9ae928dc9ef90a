#include "config/live.hpp"

#include "base/check.hpp"
#include "config/settings.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace siding::config {
namespace {

using Settings = std::map<std::string, Setting>;

// "servers.old" of "servers.old.address", "domains.example.com" of "domains.example.com.waves.a";
// empty for a key that is no part of a map's entry. What stands for an entry is itself the end of
// its map's name and its own, which holds no dot where the map is one of another's entry.
std::string entry_of(const std::string& path, const Setting& setting) {
    if (setting.key->path.find('*') == std::string_view::npos) {
        return "";
    }
    const std::string parent = path.substr(0, path.rfind('.'));
    return setting.key->type == KeyType::map ? parent.substr(0, parent.rfind('.')) : parent;
}

// The open listeners cannot do without a certificate: the last ones stay until there are others.
bool keeps_certificates(const Config& now, const Config& next) {
    return now.tls.has_certificate() && !next.tls.has_certificate() &&
           std::ranges::any_of(now.listeners, [](const Listener& listener) {
               return listener.tls != ListenerTls::off;
           });
}

bool is_certificate(const Key& key) {
    return key.path.starts_with("tls.") && key.path != "tls.minimum";
}

class Planner {
public:
    explicit Planner(bool keeps_certificates) : keeps_certificates_{keeps_certificates} {}

    void add(const Setting& setting, std::string line) {
        list_for(*setting.key).push_back(std::move(line));
    }

    // Entries that only `some` has; their keys are not told one by one.
    void add_missing(const Settings& some, const Settings& others, std::string_view what) {
        for (const auto& [path, setting] : some) {
            const std::string entry = entry_of(path, setting);
            if (!others.contains(path) && (entry.empty() || others.contains(entry))) {
                add(setting, fmt::format("{}: {}", path, what));
            }
        }
    }

    ReloadPlan take() { return std::move(plan_); }

private:
    std::vector<std::string>& list_for(const Key& key) {
        if (keeps_certificates_ && is_certificate(key)) {
            return plan_.needs_restart;
        }
        switch (key.reload) {
        case Reload::live:
            return plan_.applied;
        case Reload::restart:
            return plan_.needs_restart;
        case Reload::first_start:
            return plan_.ignored;
        }
        SIDING_UNREACHABLE("reload");
    }

    bool keeps_certificates_;
    ReloadPlan plan_;
};

std::string shown(const std::string& value) {
    return value.empty() ? "not set" : value;
}

void keep_until_restart(const Config& now, Config& next) {
    if (next.verify.sender == default_probe_sender(next.hostname)) {
        next.verify.sender = default_probe_sender(now.hostname);
    }
    if (keeps_certificates(now, next)) {
        next.tls.identity = now.tls.identity;
        next.tls.names = now.tls.names;
    }
    next.hostname = now.hostname;
    next.data_dir = now.data_dir;
    next.listeners = now.listeners;
    next.control = now.control;
    next.threads = now.threads;
    next.backfill.source.connections = now.backfill.source.connections;
    next.backfill.destination.connections = now.backfill.destination.connections;
    next.backfill.memory = now.backfill.memory;
    next.backfill.socket = now.backfill.socket;
    next.backfill.http = now.backfill.http;
}

}  // namespace

ReloadPlan plan_reload(const Config& now, const Config& next) {
    const Settings before = settings_of(now);
    const Settings after = settings_of(next);
    Planner planner{keeps_certificates(now, next)};
    for (const auto& [path, setting] : before) {
        const auto found = after.find(path);
        if (found != after.end() && found->second.value != setting.value) {
            planner.add(
                setting,
                fmt::format("{}: {} -> {}", path, shown(setting.value), shown(found->second.value))
            );
        }
    }
    planner.add_missing(after, before, "added");
    planner.add_missing(before, after, "removed");
    return planner.take();
}

std::shared_ptr<const Config> Live::get() const {
    const std::lock_guard lock{mutex_};
    return current_;
}

ReloadPlan Live::apply(Config next) {
    const auto now = get();
    ReloadPlan plan = plan_reload(*now, next);
    keep_until_restart(*now, next);
    auto snapshot = std::make_shared<const Config>(std::move(next));
    const std::lock_guard lock{mutex_};
    current_ = std::move(snapshot);
    return plan;
}

}  // namespace siding::config
