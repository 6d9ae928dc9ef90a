// One scalar of the file to one checked value, by what the schema allows for its key. The error's
// context is what the operator reads.
#pragma once

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/phase.hpp"
#include "config/config.hpp"
#include "config/schema.hpp"

#include <string_view>

namespace siding::config {

Result<std::uint64_t> size_value(const Key& key, std::string_view text);
Result<std::chrono::milliseconds> duration_value(const Key& key, std::string_view text);
Result<std::uint64_t> count_value(const Key& key, std::string_view text);
Result<bool> flag_value(const Key& key, std::string_view text);
Result<unsigned> percent_value(const Key& key, std::string_view text);
Result<std::optional<unsigned>> threads_value(const Key& key, std::string_view text);
Result<DiskReserve> reserve_value(const Key& key, std::string_view text);
Result<std::string> hostname_value(const Key& key, std::string_view text);
// "2026-11-28T20:00:00Z"
Result<WallTime> time_value(const Key& key, std::string_view text);
Result<std::string> path_value(const Key& key, std::string_view text);
Result<std::string> text_value(const Key& key, std::string_view text);
Result<std::string> url_value(const Key& key, std::string_view text);
Result<std::string> address_value(const Key& key, std::string_view text);  // empty: <>
Result<std::string> delimiter_value(const Key& key, std::string_view text);
Result<Network> network_value(const Key& key, std::string_view text);

Result<std::string> ip_address_value(const Key& key, std::string_view text);   // canonical
Result<std::string> fingerprint_value(const Key& key, std::string_view text);  // 64 digits, a-f

// In lower case.
Result<std::string> glob_value(const Key& key, std::string_view text);
Result<std::string> pattern_value(const Key& key, std::string_view text);      // a local part's
Result<std::string> header_glob_value(const Key& key, std::string_view text);  // "name: glob"

// A percentage to a share of one.
Result<double> share_value(const Key& key, std::string_view text);
Result<DayTime> day_time_value(const Key& key, std::string_view text);
// "https://host/path"; to a loopback address also http.
Result<std::string> https_url_value(const Key& key, std::string_view text);

// The path of a systemd credential of that name: in $CREDENTIALS_DIRECTORY, and without that,
// where the unit siding.service has it.
Result<std::string> credential_value(const Key& key, std::string_view text);

Result<Endpoint> listener_value(const Key& key, std::string_view text);  // an IP address
Result<Endpoint> server_value(const Key& key, std::string_view text);    // port 25 by default
Result<Endpoint> parse_server(std::string_view text, std::uint16_t default_port);
Result<Endpoint> resolver_value(const Key& key, std::string_view text);  // IP, port 53 by default
Result<Endpoint> loopback_value(const Key& key, std::string_view text);

Result<Phase> phase_value(const Key& key, std::string_view text);
Result<LogLevel> log_level_value(const Key& key, std::string_view text);

// The word itself, and where it stands among the key's choices.
Result<std::string> word_value(const Key& key, std::string_view text);
Result<std::size_t> choice_index(const Key& key, std::string_view text);

// Choices stand in the order of their enum.
template <typename Enum>
Result<Enum> enum_value(const Key& key, std::string_view text) {
    SIDING_ASSIGN(const std::size_t index, choice_index(key, text));
    return static_cast<Enum>(index);
}

// Makes paths absolute.
class FileValue {
public:
    // `directory` is what relative ones start at.
    explicit FileValue(std::string directory) : directory_{std::move(directory)} {}

    Result<std::string> operator()(const Key& key, std::string_view text) const;

private:
    std::string directory_;
};

}  // namespace siding::config
