// The parts of a configuration, each read by one function. Included by the loader alone.
#pragma once

#include "config/section.hpp"
#include "config/values.hpp"

namespace siding::config {

// One of the servers of the file.
class ServerName {
public:
    explicit ServerName(const std::map<std::string, Server>& servers) : servers_{servers} {}

    Result<std::string> operator()(const Key& key, std::string_view text) const;

private:
    const std::map<std::string, Server>& servers_;
};

// Listeners go by `tls`, others by `servers`: those come first.
void read_tls(Section& root, const FileValue& file, Tls& tls, Problems& problems);
void read_listeners(Section& root, Config& config);
void read_servers(Section& root, const FileValue& file, Config& config);
void read_domains(Section& root, const FileValue& file, Config& config, Problems& problems);
void read_verify(Section& root, Config& config);
void read_filter(Section& root, Filter& filter);
void read_delivery(Section& root, Config& config);
void read_dns(Section& root, const FileValue& file, Dns& dns);
void read_mx(Section& domain, const FileValue& file, DomainSettings& settings);
void read_backfill(Section& root, const FileValue& file, Backfill& backfill);
void read_limits(Section& root, Limits& limits);
void read_timeouts(Section& root, Timeouts& timeouts);

}  // namespace siding::config
