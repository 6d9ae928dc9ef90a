// One scalar of the file to one checked value, by what the schema allows for its key. The error's
// context is what the operator reads.
#pragma once

#include "base/log.hpp"
#include "base/phase.hpp"
#include "config/config.hpp"
#include "config/schema.hpp"

#include <string_view>

namespace siding::config {

Result<std::uint64_t> size_value(const Key& key, std::string_view text);
Result<std::chrono::milliseconds> duration_value(const Key& key, std::string_view text);
Result<std::uint64_t> count_value(const Key& key, std::string_view text);
Result<std::string_view> choice_value(const Key& key, std::string_view text);
Result<std::optional<unsigned>> threads_value(const Key& key, std::string_view text);
Result<DiskReserve> reserve_value(const Key& key, std::string_view text);
Result<std::string> hostname_value(const Key& key, std::string_view text);
Result<std::string> path_value(const Key& key, std::string_view text);

Result<Endpoint> listener_value(const Key& key, std::string_view text);  // an IP address
Result<Endpoint> server_value(const Key& key, std::string_view text);    // port 25 by default
Result<Endpoint> loopback_value(const Key& key, std::string_view text);

Result<Phase> phase_value(const Key& key, std::string_view text);
Result<LogLevel> log_level_value(const Key& key, std::string_view text);
Result<BareNewlines> bare_newlines_value(const Key& key, std::string_view text);

}  // namespace siding::config
