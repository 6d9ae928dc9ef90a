#include "cli/backfill_daemon.hpp"

#include "backfill/backfill.hpp"
#include "backfill/ledger.hpp"
#include "base/log.hpp"
#include "cli/daemon_control.hpp"
#include "config/live.hpp"
#include "config/load.hpp"
#include "control/backfill_api.hpp"
#include "net/http_server.hpp"
#include "net/listener.hpp"
#include "net/runtime.hpp"
#include "net/signals.hpp"
#include "net/task_group.hpp"
#include "systemd/notify.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <thread>
#include <utility>

namespace siding::cli {
namespace {

namespace asio = boost::asio;
using net::awaitable;

constexpr std::string_view program = "backfilld";
const Logger log{program};

constexpr int exit_failure = 1;
constexpr int exit_config = 2;
constexpr int exit_storage = 74;  // EX_IOERR
// Most of them wait for the disk, and RocksDB syncs once for all that wait.
constexpr std::size_t blocking_threads = 16;
constexpr std::size_t tasks_max = 16;
constexpr std::chrono::seconds health_interval{1};

std::size_t io_threads(const config::Config& config) {
    return config.threads.value_or(std::max(1U, std::thread::hardware_concurrency()));
}

class BackfillDaemon {
public:
    BackfillDaemon(std::string config_file, config::Config config)
        : config_file_{std::move(config_file)},
          config_{std::move(config)},
          runtime_{
              {.io_threads = io_threads(*config_.get()), .blocking_threads = blocking_threads}},
          control_tasks_{runtime_.io(0), "control", tasks_max},
          main_tasks_{main_.get_executor(), "main", tasks_max} {}

    int run();

private:
    static awaitable<void> live(BackfillDaemon& self);
    Result<void> build();
    Result<void> start();
    Result<void> start_control();
    awaitable<void> stop();
    static awaitable<void> watch_signals(BackfillDaemon& self);
    static awaitable<void> watch_ledger(BackfillDaemon& self);
    void reload();
    bool load_accounts();
    void end(int code);

    std::string config_file_;
    config::Live config_;
    SystemClock clock_;
    Metrics metrics_;
    net::Runtime runtime_;
    asio::io_context main_{1};
    net::Signals signals_{main_.get_executor()};
    asio::steady_timer end_{main_, std::chrono::steady_clock::time_point::max()};
    int exit_code_ = 0;

    std::unique_ptr<backfill::Ledger> ledger_;
    std::unique_ptr<backfill::Backfill> backfill_;
    std::unique_ptr<control::BackfillApi> api_;
    net::TaskGroup control_tasks_;
    net::TaskGroup main_tasks_;
};

int BackfillDaemon::run() {
    asio::co_spawn(main_, live(*this), [](const std::exception_ptr& failure) {
        if (failure) {
            std::rethrow_exception(failure);  // our bug: let it end the process with its name
        }
    });
    main_.run();
    log.info("stopped", {{"code", exit_code_}});
    return exit_code_;
}

awaitable<void> BackfillDaemon::live(BackfillDaemon& self) {
    auto started = self.build();
    if (started) {
        started = self.start();
    }
    if (!started) {
        log.error("start_failed", {{"reason", started.error()}});
        self.end(exit_failure);
    }
    static_cast<void>(co_await self.end_.async_wait(net::use_result));
    systemd::notify_stopping();
    co_await self.stop();
}

Result<void> BackfillDaemon::build() {
    const auto config = config_.get();
    SIDING_ASSIGN(
        ledger_, backfill::Ledger::open(std::filesystem::path{config->data_dir} / "backfill")
    );
    backfill_ = std::make_unique<backfill::Backfill>(backfill::Backfill::Parts{
        config_, *ledger_, runtime_, clock_});
    static_cast<void>(load_accounts());
    SIDING_ASSIGN(const std::string token, read_token(config->control));
    api_ = std::make_unique<control::BackfillApi>(*backfill_, metrics_, token);
    return {};
}

// A file that cannot be used yet is no reason not to run: it can be mended and read again.
bool BackfillDaemon::load_accounts() {
    const auto loaded = backfill_->load();
    if (!loaded) {
        log.error("accounts_not_loaded", {{"reason", loaded.error()}});
        return false;
    }
    for (const auto& problem : backfill_->problems()) {
        log.error("account_left_out", {{"reason", problem.text()}});
    }
    for (const auto& warning : backfill_->warnings()) {
        log.warn("accounts_file", {{"warning", warning.text()}});
    }
    return true;
}

Result<void> BackfillDaemon::start() {
    SIDING_TRY(backfill_->start());
    SIDING_TRY(start_control());
    SIDING_TRY(main_tasks_.spawn(watch_signals(*this)));
    SIDING_TRY(main_tasks_.spawn(watch_ledger(*this)));
    systemd::notify_ready("ready");
    return {};
}

Result<void> BackfillDaemon::start_control() {
    const auto config = config_.get();
    const ControlSockets sockets{config->backfill.socket, config->backfill.http};
    return serve_control(program, sockets, api_->handler(), runtime_.blocking(), control_tasks_);
}

awaitable<void> BackfillDaemon::watch_signals(BackfillDaemon& self) {
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
        self.reload();
        systemd::notify_ready("ready");
    }
}

// After a failed write nothing may be promised any more: systemd starts it anew.
awaitable<void> BackfillDaemon::watch_ledger(BackfillDaemon& self) {
    asio::steady_timer timer{self.main_};
    for (;;) {
        timer.expires_after(health_interval);
        const auto [code] = co_await timer.async_wait(net::use_result);
        if (code) {
            co_return;
        }
        if (self.ledger_->failed()) {
            log.error("ledger_failed");
            self.end(exit_storage);
            co_return;
        }
    }
}

void BackfillDaemon::reload() {
    if (!reload_config(program, config_file_, config_)) {
        return;
    }
    if (load_accounts()) {
        log.info("reloaded");
    }
}

void BackfillDaemon::end(int code) {
    exit_code_ = exit_code_ == 0 ? code : exit_code_;
    end_.expires_at(std::chrono::steady_clock::time_point::min());
}

// What is copied is in the ledger; what is under way is settled at the next start.
awaitable<void> BackfillDaemon::stop() {
    log.info("stopping");
    main_tasks_.cancel();
    co_await main_tasks_.join();
    control_tasks_.cancel();
    co_await control_tasks_.join();
    if (backfill_) {
        co_await backfill_->stop();
    }
    runtime_.stop();
    ledger_.reset();
}

}  // namespace

int run_backfill_daemon(const std::string& config_file) {
    auto config = config::load_file(config_file);
    if (!config) {
        std::fprintf(stderr, "%s\n", config.error().text().c_str());
        return exit_config;
    }
    set_log_level(config->log.level);
    static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
    BackfillDaemon daemon{config_file, std::move(*config)};
    return daemon.run();
}

}  // namespace siding::cli
