#include "config/live.hpp"

#include "base/check.hpp"
#include "config/settings.hpp"

#include <fmt/format.h>

namespace siding::config {
namespace {

using Settings = std::map<std::string, Setting>;

// "servers.old" of "servers.old.address"; empty for a key that is no part of a map's entry.
std::string entry_of(const std::string& path, const Setting& setting) {
    const bool in_map = setting.key->path.find('*') != std::string_view::npos;
    return in_map ? path.substr(0, path.rfind('.')) : "";
}

std::vector<std::string>& list_for(const Setting& setting, ReloadPlan& plan) {
    switch (setting.key->reload) {
    case Reload::live:
        return plan.applied;
    case Reload::restart:
        return plan.needs_restart;
    case Reload::first_start:
        return plan.ignored;
    }
    SIDING_UNREACHABLE("reload");
}

// Entries that only `some` has; their keys are not told one by one.
void add_missing(
    const Settings& some, const Settings& others, std::string_view what, ReloadPlan& plan
) {
    for (const auto& [path, setting] : some) {
        if (!others.contains(path) && entry_of(path, setting).empty()) {
            list_for(setting, plan).push_back(fmt::format("{}: {}", path, what));
        }
    }
}

std::string shown(const std::string& value) {
    return value.empty() ? "not set" : value;
}

void keep_until_restart(const Config& now, Config& next) {
    next.hostname = now.hostname;
    next.data_dir = now.data_dir;
    next.listeners = now.listeners;
    next.control = now.control;
    next.threads = now.threads;
}

}  // namespace

ReloadPlan plan_reload(const Config& now, const Config& next) {
    const Settings before = settings_of(now);
    const Settings after = settings_of(next);
    ReloadPlan plan;
    for (const auto& [path, setting] : before) {
        const auto found = after.find(path);
        if (found != after.end() && found->second.value != setting.value) {
            list_for(setting, plan)
                .push_back(fmt::format(
                    "{}: {} -> {}", path, shown(setting.value), shown(found->second.value)
                ));
        }
    }
    add_missing(after, before, "added", plan);
    add_missing(before, after, "removed", plan);
    return plan;
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
