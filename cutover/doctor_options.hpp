// What the operator tells the doctor. Only the domain is needed; what else is missing makes some
// checks say that they were not done.
#pragma once

#include "config/config.hpp"
#include "cutover/doctor_check.hpp"
#include "dns/authority.hpp"
#include "net/endpoint.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace siding::cutover {

// What a running daemon knows of the mail that is usual, of all its domains together.
struct UsualMail {
    double weekend_messages = 0;
    std::size_t domains = 0;  // of which it knows it
};

struct DoctorOptions {
    DoctorOptions() = default;  // no aggregate: net/asio.hpp

    std::shared_ptr<const config::Config> config;     // null: none
    std::string config_file;                          // its path, for texts
    std::optional<DoctorPhase> phase;                 // nothing: all checks
    std::vector<std::string> only;                    // ids; empty: all
    std::optional<net::HostPort> resolver;            // one inside, to compare with the world (D13)
    std::optional<std::filesystem::path> recipients;  // addresses to ask old and new about
    std::vector<std::string> selectors;               // DKIM
    std::optional<UsualMail> usual;                   // nothing: nobody knows

    std::vector<net::HostPort> resolvers;  // recursive; empty: those of /etc/resolv.conf
    dns::Roots roots = dns::default_roots();
    // Other ports than these only in a lab.
    std::uint16_t smtp_port = 25;
    std::uint16_t https_port = 443;
    std::optional<std::string> ca_file;  // PEM; nothing: the system's roots

    std::chrono::milliseconds check_timeout = std::chrono::seconds{10};  // of one check
    std::chrono::milliseconds facts_timeout = std::chrono::seconds{8};   // of what they share
};

// What the configuration has of these: resolvers, roots.
void take_from(const std::shared_ptr<const config::Config>& config, DoctorOptions& options);

}  // namespace siding::cutover
