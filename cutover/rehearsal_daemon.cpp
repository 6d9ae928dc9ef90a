#include "cutover/rehearsal_daemon.hpp"

#include "base/bytes.hpp"
#include "net/http_client.hpp"
#include "net/network_error.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <fmt/format.h>
#include <fstream>
#include <sys/un.h>
#include <utility>
#include <vector>

namespace siding::cutover {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds api_timeout{60};
constexpr std::string_view listening_mark = " listening address=";

// YAML's single quotes know one escape.
std::string quoted(const std::string& text) {
    std::string out = "'";
    for (const char c : text) {
        out += c == '\'' ? "''" : std::string{c};
    }
    return out + "'";
}

std::string seconds_text(std::chrono::milliseconds time) {
    return fmt::format("{} s", std::chrono::ceil<std::chrono::seconds>(time).count());
}

std::string error_text(const net::HttpReply& reply) {
    boost::system::error_code failed;
    const json::value document = json::parse(reply.body, failed);
    if (!failed && document.is_object()) {
        if (const json::value* error = document.get_object().if_contains("error");
            error != nullptr && error->is_object()) {
            if (const json::value* text = error->get_object().if_contains("message");
                text != nullptr && text->is_string()) {
                return std::string{text->get_string()};
            }
        }
    }
    return fmt::format("HTTP status {}", reply.status);
}

}  // namespace

Result<std::unique_ptr<PrivateDaemon>> PrivateDaemon::create(Options options) {
    std::unique_ptr<PrivateDaemon> daemon{new PrivateDaemon{std::move(options)}};
    const std::string socket = daemon->socket_file().string();
    if (socket.size() >= sizeof(sockaddr_un::sun_path)) {
        return Error{
            Errc::invalid_argument,
            fmt::format("{} is too long for a socket's path; set TMPDIR to a shorter one", socket)};
    }
    SIDING_TRY(daemon->write_config());
    return daemon;
}

Result<void> PrivateDaemon::write_config() const {
    std::ofstream file{config_file()};
    file << fmt::format(
        "hostname: {}\n"
        "data_dir: {}\n"
        "listeners:\n"
        "  - address: 127.0.0.1:0\n"
        "servers:\n"
        "  old: {{ address: '{}' }}\n"
        "  new: {{ address: '{}' }}\n"
        "domains:\n"
        "  {}: {{ phase: {} }}\n"
        "limits: {{ message_size: {}KiB, connections_per_client: 1000 }}\n"
        "retry: {{ schedule: [1s] }}\n"
        "storage: {{ disk_reserve: 64MiB }}\n"
        "dns: {{ enabled: false }}\n"  // nobody outside is asked
        "control: {{ socket: {} }}\n"
        "drain_timeout: 10s\n",
        options_.hostname,
        quoted((options_.directory / "data").string()),
        options_.old_server.text(),
        options_.new_server.text(),
        options_.domain,
        options_.phase,
        options_.message_octets_max / 1024 + 1,
        quoted(socket_file().string())
    );
    file.close();
    if (!file) {
        return net::make_system_error("writing " + config_file().string());
    }
    return {};
}

Result<void> PrivateDaemon::start() {
    std::error_code none_yet;
    const auto size = fs::file_size(log_file(), none_yet);
    log_start_ = none_yet ? 0 : size;
    std::vector<std::string> arguments{
        options_.program.string(), "--config", config_file().string()};
    return process_.start(std::move(arguments), log_file());
}

Result<net::HostPort> PrivateDaemon::wait_until_listening(std::chrono::milliseconds timeout) {
    const auto deadline = Clock::now() + timeout;
    for (;;) {
        if (auto address = find_address()) {
            return *address;
        }
        if (!process_.is_running()) {
            return Error{
                Errc::unavailable,
                fmt::format(
                    "{} ended with {} instead of listening; see {}",
                    options_.program.string(),
                    process_.describe_end(),
                    log_file().string()
                )};
        }
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
        if (left.count() <= 0) {
            return Error{
                Errc::unavailable,
                fmt::format(
                    "sidingd does not listen after {}; see {}",
                    seconds_text(timeout),
                    log_file().string()
                )};
        }
        process_.wait_for_output(left);
    }
}

// The system chose the port; the daemon's log is where it stands.
std::optional<net::HostPort> PrivateDaemon::find_address() const {
    std::ifstream log{log_file()};
    log.seekg(static_cast<std::streamoff>(log_start_));
    std::string line;
    while (std::getline(log, line) && !log.eof()) {
        const auto at = line.find(listening_mark);
        if (at == line.npos) {
            continue;
        }
        const auto parsed = net::HostPort::parse(line.substr(at + listening_mark.size()));
        if (parsed) {
            return *parsed;
        }
    }
    return std::nullopt;
}

Result<void> PrivateDaemon::wait_until_gone(std::chrono::milliseconds timeout) {
    if (!process_.wait_until_ended(timeout)) {
        return Error{Errc::unavailable, "sidingd still runs after " + seconds_text(timeout)};
    }
    return {};
}

Result<void> PrivateDaemon::stop(std::chrono::milliseconds timeout) {
    process_.terminate();
    SIDING_TRY(wait_until_gone(timeout));
    if (!process_.ended_well()) {
        return Error{
            Errc::internal, "sidingd ended with " + process_.describe_end() + " on SIGTERM"};
    }
    return {};
}

Result<json::object> PrivateDaemon::get(const std::string& path, net::HttpQuery query) const {
    return call("GET", net::HttpTarget{path, std::move(query)}, {});
}

Result<json::object> PrivateDaemon::post(const std::string& path, const json::object& body) const {
    return call("POST", net::HttpTarget{path, {}}, json::serialize(body));
}

Result<json::object> PrivateDaemon::put(const std::string& path, const json::object& body) const {
    return call("PUT", net::HttpTarget{path, {}}, json::serialize(body));
}

Result<json::object> PrivateDaemon::call(
    std::string method, net::HttpTarget target, std::string body
) const {
    const std::string what = method + " " + target.path;
    const net::HttpClient client{
        socket_file().string(), {.bearer_token = {}, .timeout = api_timeout}};
    net::HttpCall request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.body = std::move(body);
    SIDING_ASSIGN(const net::HttpReply reply, client.request(request));
    if (!reply.ok()) {
        return Error{
            Errc::unavailable, fmt::format("{}: {}", what, escape(error_text(reply), 1024))};
    }
    boost::system::error_code failed;
    json::value document = json::parse(reply.body, failed);
    if (failed || !document.is_object()) {
        return Error{Errc::internal, what + " answered with something that is no JSON object"};
    }
    return std::move(document.get_object());
}

std::uint64_t number_of(const json::object& document, std::string_view key) {
    const json::value* const value = document.if_contains(key);
    boost::system::error_code failed;
    const auto number = value == nullptr ? 0 : value->to_number<std::uint64_t>(failed);
    return failed ? 0 : number;
}

bool flag_of(const json::object& document, std::string_view key) {
    const json::value* const value = document.if_contains(key);
    return value != nullptr && value->is_bool() && value->get_bool();
}

}  // namespace siding::cutover
