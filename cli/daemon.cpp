#include "cli/daemon.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"
#include "cli/daemon_control.hpp"
#include "cli/daemon_sockets.hpp"
#include "cli/relay_parts.hpp"
#include "config/live.hpp"
#include "config/load.hpp"
#include "control/api.hpp"
#include "cutover/dns_watch.hpp"
#include "cutover/flip.hpp"
#include "net/http_server.hpp"
#include "net/listener.hpp"
#include "net/runtime.hpp"
#include "net/signals.hpp"
#include "net/task_group.hpp"
#include "queue/queue.hpp"
#include "systemd/notify.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <fmt/format.h>
#include <memory>
#include <thread>
#include <utility>

namespace siding::cli {
namespace {

namespace asio = boost::asio;
using net::awaitable;

constexpr std::string_view program = "sidingd";
const Logger log{program};

constexpr int exit_failure = 1;
constexpr int exit_config = 2;
constexpr int exit_storage = 74;  // EX_IOERR
constexpr std::size_t blocking_threads = 4;
constexpr std::size_t control_tasks_max = 16;
constexpr std::chrono::milliseconds prune_interval = std::chrono::minutes{1};
constexpr std::chrono::milliseconds storage_drain =
    std::chrono::seconds{5};  // nothing can be stored

std::size_t io_threads(const config::Config& config) {
    return config.threads.value_or(std::max(1U, std::thread::hardware_concurrency()));
}

queue::QueueOptions queue_options(const config::Live& live) {
    queue::QueueOptions options;
    options.directory = std::filesystem::path{live.get()->data_dir} / "queue";
    options.reserve = [&live](std::uint64_t disk_octets) {
        return live.get()->storage.disk_reserve.bytes(disk_octets);
    };
    options.retention = [&live] {
        const config::Retention retention = live.get()->retention;
        return queue::Retention{retention.time, retention.size_bytes};
    };
    return options;
}

// The parts, in the order in which they depend on each other; each is destroyed before those above
// it.
class Daemon {
public:
    Daemon(std::string config_file, config::Config config);

    int run();

private:
    static awaitable<void> live(Daemon& self);
    Result<void> build();
    awaitable<Result<void>> start();
    awaitable<Result<void>> set_initial_phases();
    Result<void> start_control();
    awaitable<void> stop();

    static awaitable<void> watch_signals(Daemon& self);
    static awaitable<void> prune_retained(Daemon& self);
    static awaitable<void> feed_watchdog(Daemon& self, std::chrono::microseconds interval);
    awaitable<void> reload();
    void end(int code);

    std::string config_file_;
    config::Live config_;
    SystemClock clock_;
    Metrics metrics_;
    net::Runtime runtime_;
    asio::io_context main_{1};  // signals, reload and shutdown: the process's own thread
    net::Signals signals_{main_.get_executor()};
    asio::steady_timer end_{main_, std::chrono::steady_clock::time_point::max()};
    int exit_code_ = 0;
    bool ending_ = false;

    std::vector<net::UniqueFd> listeners_;
    std::unique_ptr<queue::Queue> queue_;
    std::unique_ptr<RelayParts> relay_;
    std::unique_ptr<cutover::DnsWatch> dns_;
    std::unique_ptr<control::Api> api_;
    net::TaskGroup control_tasks_;
    net::TaskGroup main_tasks_;
};

Daemon::Daemon(std::string config_file, config::Config config)
    : config_file_{std::move(config_file)},
      config_{std::move(config)},
      runtime_{{.io_threads = io_threads(*config_.get()), .blocking_threads = blocking_threads}},
      control_tasks_{runtime_.io(0), "control", control_tasks_max},
      main_tasks_{main_.get_executor(), "main", control_tasks_max} {}

int Daemon::run() {
    asio::co_spawn(main_, live(*this), [](const std::exception_ptr& failure) {
        if (failure) {
            std::rethrow_exception(failure);  // our bug: let it end the process with its name
        }
    });
    main_.run();
    log.info("stopped", {{"code", exit_code_}});
    return exit_code_;
}

awaitable<void> Daemon::live(Daemon& self) {
    auto started = self.build();
    if (started) {
        started = co_await self.start();
    }
    if (!started) {
        log.error("start_failed", {{"reason", started.error()}});
        self.end(exit_failure);
    }
    static_cast<void>(co_await self.end_.async_wait(net::use_result));
    systemd::notify_stopping();
    co_await self.stop();
}

Result<void> Daemon::build() {
    const auto config = config_.get();
    // Before the queue: a port that is taken is the commonest mistake, and nothing is touched yet.
    SIDING_ASSIGN(listeners_, open_listeners(*config));
    const std::size_t connections_max = claim_descriptors(*config);
    SIDING_ASSIGN(
        queue_, queue::Queue::open(queue_options(config_), runtime_.blocking(), clock_, metrics_)
    );
    queue_->committer().on_failure([this](const std::string&) {
        asio::post(main_, [this] { end(exit_storage); });
    });
    relay_ = std::make_unique<RelayParts>(RelayParts::Needs{
        runtime_, config_, *queue_, metrics_, connections_max});
    SIDING_TRY(relay_->build());
    dns_ = std::make_unique<cutover::DnsWatch>(cutover::DnsWatch::Parts{
        *queue_, config_, metrics_, runtime_.io(0), runtime_.blocking()});
    SIDING_ASSIGN(const std::string token, read_token(config->control));
    api_ = std::make_unique<control::Api>(
        control::Services{
            .queue = *queue_,
            .mover = relay_->dispatcher().mover(),
            .releases = relay_->dispatcher().releases(),
            .metrics = metrics_,
            .clock = clock_,
            .hostname = config->hostname,
            .version = SIDING_VERSION,
            .started_at = clock_.now(),
            .lanes = [this] { return relay_->dispatcher().status(); },
            .inbound_sessions = [this] { return relay_->inbound().sessions(); },
            .sessions = [this] { return relay_->inbound().list(); },
            .check_recipient = [this](Address address
                               ) { return relay_->recipients().report(std::move(address)); },
            .flush_recipients = [this](std::string what
                                ) { return relay_->recipients().flush(std::move(what)); },
            .remaps = &relay_->remaps(),
            .config = [this] { return config_.get(); },
            .wake_lane = [this](
                             const std::string& server, WallTime due
                         ) { relay_->dispatcher().wake(server, due); },
            .waves = &relay_->wave_tables(),
            .wave_orders = &relay_->wave_orders(),
            .order_release =
                [this](queue::ReleaseJob job) {
                    return relay_->dispatcher().releases().order_as_configured(std::move(job));
                },
            .passed = [this] { return relay_->inbound().passed(); },
            .dns = dns_.get(),
        },
        token
    );
    return {};
}

awaitable<Result<void>> Daemon::start() {
    SIDING_CO_TRY(co_await set_initial_phases());
    SIDING_CO_TRY(co_await relay_->start(main_tasks_));
    SIDING_CO_TRY(dns_->start());
    SIDING_CO_TRY(start_control());
    SIDING_CO_TRY(relay_->accept(std::exchange(listeners_, {})));
    SIDING_CO_TRY(main_tasks_.spawn(watch_signals(*this)));
    SIDING_CO_TRY(main_tasks_.spawn(prune_retained(*this)));
    if (const auto interval = systemd::watchdog_interval()) {
        SIDING_CO_TRY(main_tasks_.spawn(feed_watchdog(*this, *interval)));
    }
    for (const net::Endpoint& address : relay_->inbound().addresses()) {
        announce(program, "listening", address);
    }
    systemd::notify_ready("accepting mail");
    co_return Result<void>{};
}

// The configuration's phases count where the queue knows none; afterwards the queue remembers.
awaitable<Result<void>> Daemon::set_initial_phases() {
    const auto config = config_.get();
    queue::Change initial{cutover::initial_phases(*config, *queue_->phases())};
    SIDING_CO_TRY(co_await queue_->commit(std::move(initial)));
    co_return Result<void>{};
}

Result<void> Daemon::start_control() {
    const auto config = config_.get();
    const ControlSockets sockets{config->control.socket, config->control.http};
    return serve_control(program, sockets, api_->handler(), runtime_.blocking(), control_tasks_);
}

awaitable<void> Daemon::watch_signals(Daemon& self) {
    for (;;) {
        const auto signal = co_await self.signals_.next();
        if (!signal) {
            co_return;
        }
        if (*signal == net::Signal::stop) {
            self.end(0);
            co_return;
        }
        systemd::notify_reloading();
        co_await self.reload();
        systemd::notify_ready("accepting mail");
    }
}

// Delivered mail that was kept for a replay goes when its time is over.
awaitable<void> Daemon::prune_retained(Daemon& self) {
    asio::steady_timer timer{self.main_};
    for (;;) {
        timer.expires_after(prune_interval);
        const auto [code] = co_await timer.async_wait(net::use_result);
        if (code) {
            co_return;
        }
        const auto pruned = co_await self.queue_->prune();
        if (!pruned) {
            log.warn("prune_failed", {{"reason", pruned.error()}});
        }
    }
}

// Fed only while the committer makes progress: a thread that hangs in a write is restarted.
awaitable<void> Daemon::feed_watchdog(Daemon& self, std::chrono::microseconds interval) {
    asio::steady_timer timer{self.main_};
    std::uint64_t rounds = 0;
    for (;;) {
        timer.expires_after(interval / 2);
        const auto [code] = co_await timer.async_wait(net::use_result);
        if (code) {
            co_return;
        }
        const std::uint64_t now = self.queue_->committer().rounds();
        if (self.queue_->committer().idle() || now != rounds) {
            systemd::notify_watchdog();
        } else {
            log.error("committer_stuck");
        }
        rounds = now;
    }
}

awaitable<void> Daemon::reload() {
    if (!reload_config(program, config_file_, config_)) {
        co_return;
    }
    if (const auto added = co_await set_initial_phases(); !added) {
        log.error("reload_failed", {{"reason", added.error()}});
    }
    if (const auto added = co_await relay_->dispatcher().add_lanes(); !added) {
        log.error("reload_failed", {{"reason", added.error()}});
    }
    co_await relay_->reload();
    log.info("reloaded");
}

void Daemon::end(int code) {
    if (!ending_) {
        ending_ = true;
        exit_code_ = code;
        end_.expires_at(std::chrono::steady_clock::time_point::min());
    } else if (code == exit_storage) {
        exit_code_ = code;  // while draining: not a clean end
    }
}

// Stop accepting, finish what is under way, close the store.
awaitable<void> Daemon::stop() {
    const auto started = std::chrono::steady_clock::now();
    const auto deadline = exit_code_ == exit_storage ? storage_drain : config_.get()->drain_timeout;
    log.info("stopping", {{"deadline_ms", deadline.count()}});
    main_tasks_.cancel();
    co_await main_tasks_.join();
    if (relay_ != nullptr) {
        co_await relay_->stop_accepting(deadline);
    }
    control_tasks_.cancel();
    co_await control_tasks_.join();
    if (dns_ != nullptr) {
        co_await dns_->stop();
    }
    if (relay_ != nullptr) {
        const auto spent = std::chrono::duration_cast<std::chrono::milliseconds>(
            std::chrono::steady_clock::now() - started
        );
        co_await relay_->stop(deadline - spent);
    }
    queue_.reset();
    runtime_.stop();
}

}  // namespace

int run_daemon(const std::string& config_file) {
    auto config = config::load_file(config_file);
    if (!config) {
        std::fprintf(stderr, "%s\n", config.error().text().c_str());
        return exit_config;
    }
    set_log_level(config->log.level);
    static_cast<void>(std::signal(SIGPIPE, SIG_IGN));  // whoever reads our log may go
    Daemon daemon{config_file, std::move(*config)};
    return daemon.run();
}

}  // namespace siding::cli
