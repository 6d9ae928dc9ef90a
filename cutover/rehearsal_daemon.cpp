#include "cutover/rehearsal_daemon.hpp"

#include "base/bytes.hpp"
#include "net/http_client.hpp"
#include "net/network_error.hpp"
#include "net/unique_fd.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <sys/prctl.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <thread>

namespace siding::cutover {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds poll_interval{2};
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

// Between fork and exec only what signal-safety(7) allows.
[[noreturn]] void become(char* const* arguments, int log, int nothing, pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) {
        ::_exit(127);
    }
    ::setpgid(0, 0);  // Ctrl-C is ours; we end the child ourselves
    ::dup2(nothing, STDIN_FILENO);
    ::dup2(log, STDOUT_FILENO);
    ::dup2(log, STDERR_FILENO);
    ::execv(arguments[0], arguments);
    ::_exit(127);
}

std::string describe_status(int status) {
    return WIFSIGNALED(status) ? fmt::format("signal {}", WTERMSIG(status))
                               : fmt::format("exit code {}", WEXITSTATUS(status));
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

PrivateDaemon::~PrivateDaemon() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
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
    constexpr int mode = 0600;
    net::UniqueFd log{::open(log_file().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, mode)};
    net::UniqueFd nothing{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    if (!log.valid() || !nothing.valid()) {
        return net::make_system_error("opening " + log_file().string());
    }
    std::error_code ignored;
    log_start_ = fs::file_size(log_file(), ignored);
    std::string program = options_.program.string();
    std::string flag = "--config";
    std::string config = config_file().string();
    char* const arguments[] = {program.data(), flag.data(), config.data(), nullptr};
    const pid_t self = ::getpid();
    const pid_t child = ::fork();
    if (child < 0) {
        return net::make_system_error("starting " + program);
    }
    if (child == 0) {
        become(arguments, log.get(), nothing.get(), self);
    }
    pid_ = child;
    return {};
}

Result<net::HostPort> PrivateDaemon::wait_until_listening(std::chrono::milliseconds timeout) {
    const auto deadline = Clock::now() + timeout;
    for (;;) {
        if (auto address = find_address()) {
            return *address;
        }
        if (!is_running()) {
            return Error{
                Errc::unavailable,
                fmt::format(
                    "{} ended with {} instead of listening; see {}",
                    options_.program.string(),
                    describe_status(status_),
                    log_file().string()
                )};
        }
        if (Clock::now() >= deadline) {
            return Error{
                Errc::unavailable,
                fmt::format(
                    "sidingd does not listen after {} s; see {}",
                    std::chrono::ceil<std::chrono::seconds>(timeout).count(),
                    log_file().string()
                )};
        }
        std::this_thread::sleep_for(poll_interval);
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

void PrivateDaemon::kill() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
    }
}

bool PrivateDaemon::is_running() {
    if (pid_ > 0 && ::waitpid(pid_, &status_, WNOHANG) == pid_) {
        pid_ = -1;
    }
    return pid_ > 0;
}

Result<void> PrivateDaemon::wait_until_gone(std::chrono::milliseconds timeout) {
    const auto deadline = Clock::now() + timeout;
    while (is_running()) {
        if (Clock::now() >= deadline) {
            return Error{
                Errc::unavailable,
                fmt::format(
                    "sidingd still runs after {} s",
                    std::chrono::ceil<std::chrono::seconds>(timeout).count()
                )};
        }
        std::this_thread::sleep_for(poll_interval);
    }
    return {};
}

Result<void> PrivateDaemon::stop(std::chrono::milliseconds timeout) {
    if (pid_ > 0) {
        ::kill(pid_, SIGTERM);
    }
    SIDING_TRY(wait_until_gone(timeout));
    if (status_ != 0) {
        return Error{
            Errc::internal,
            fmt::format("sidingd ended with {} on SIGTERM", describe_status(status_))};
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
