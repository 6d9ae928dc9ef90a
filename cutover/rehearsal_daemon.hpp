// A sidingd of a rehearsal's own: a child process on loopback ports and a socket in the rehearsal's
// directory, with its log in a file there. It never outlives us, not even when we are killed.
//
// Calls may block; create and start on the thread that lives longest, the kernel ties the child to
// it.
#pragma once

#include "base/result.hpp"
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
#include <sys/types.h>

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
    ~PrivateDaemon();
    PrivateDaemon(const PrivateDaemon&) = delete;
    PrivateDaemon& operator=(const PrivateDaemon&) = delete;

    Result<void> start();
    // Where SMTP comes in; a new port after each start.
    Result<net::HostPort> wait_until_listening(std::chrono::milliseconds timeout);

    void kill();  // SIGKILL, and not a moment for last words
    Result<void> wait_until_gone(std::chrono::milliseconds timeout);
    // SIGTERM; the error says how it ended where that was not as it should be.
    Result<void> stop(std::chrono::milliseconds timeout);

    // Notices the end of a child that nobody has asked to end.
    bool is_running();

    // The control API. An error of the daemon's carries its own sentence.
    Result<boost::json::object> get(const std::string& path, net::HttpQuery query = {}) const;
    Result<boost::json::object> post(const std::string& path, const boost::json::object& body)
        const;
    Result<boost::json::object> put(const std::string& path, const boost::json::object& body) const;

    std::filesystem::path log_file() const { return options_.directory / "sidingd.log"; }
    pid_t pid() const { return pid_; }

private:
    explicit PrivateDaemon(Options options) : options_{std::move(options)} {}

    Result<void> write_config() const;
    std::optional<net::HostPort> find_address() const;
    Result<boost::json::object> call(std::string method, net::HttpTarget target, std::string body)
        const;
    std::filesystem::path config_file() const { return options_.directory / "sidingd.yaml"; }
    std::filesystem::path socket_file() const { return options_.directory / "control.sock"; }

    Options options_;
    pid_t pid_ = -1;               // of the child that has not been waited for
    int status_ = 0;               // of the last one that has
    std::uint64_t log_start_ = 0;  // where the log of this start begins
};

// A number of an API document; 0 where there is none.
std::uint64_t number_of(const boost::json::object& document, std::string_view key);
bool flag_of(const boost::json::object& document, std::string_view key);

}  // namespace siding::cutover
