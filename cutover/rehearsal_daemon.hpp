// A sidingd of a rehearsal's own: a child process on loopback ports and a socket in the rehearsal's
// directory, with its log in a file there. Calls may block.
#pragma once

#include "base/result.hpp"
#include "cutover/child_process.hpp"
#include "net/endpoint.hpp"
#include "net/http_message.hpp"

#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace siding::cutover {

class PrivateDaemon {
public:
    struct Options {
        std::filesystem::path program;
        std::filesystem::path directory;  // the rehearsal's
        std::string hostname;
        std::string domain;
        std::string phase;
        net::Endpoint old_server;
        net::Endpoint new_server;
        std::uint64_t message_octets_max = 0;
    };

    // Writes the configuration.
    static Result<std::unique_ptr<PrivateDaemon>> create(Options options);

    Result<void> start();
    // Where SMTP comes in; a new port after each start.
    Result<net::HostPort> wait_until_listening(std::chrono::milliseconds timeout);

    void kill() { process_.kill(); }
    Result<void> wait_until_gone(std::chrono::milliseconds timeout);
    // SIGTERM; the error says how it ended where that was not as it should be.
    Result<void> stop(std::chrono::milliseconds timeout);

    bool is_running() { return process_.is_running(); }

    // The control API. An error of the daemon's carries its own sentence.
    Result<boost::json::object> get(const std::string& path, net::HttpQuery query = {}) const;
    Result<boost::json::object> post(const std::string& path, const boost::json::object& body)
        const;
    Result<boost::json::object> put(const std::string& path, const boost::json::object& body) const;

    std::filesystem::path log_file() const { return options_.directory / "sidingd.log"; }

private:
    explicit PrivateDaemon(Options options) : options_{std::move(options)} {}

    Result<void> write_config() const;
    std::optional<net::HostPort> find_address() const;
    Result<boost::json::object> call(std::string method, net::HttpTarget target, std::string body)
        const;
    std::filesystem::path config_file() const { return options_.directory / "sidingd.yaml"; }
    std::filesystem::path socket_file() const { return options_.directory / "control.sock"; }

    Options options_;
    ChildProcess process_;
    std::uint64_t log_start_ = 0;  // where the log of this start begins
};

// A number of an API document; 0 where there is none.
std::uint64_t number_of(const boost::json::object& document, std::string_view key);
bool flag_of(const boost::json::object& document, std::string_view key);

}  // namespace siding::cutover
