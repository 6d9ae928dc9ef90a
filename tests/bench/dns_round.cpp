// A round of the DNS watch, again and again: one look at a domain's authoritative servers and one
// at a panel of resolvers. Prints what each round has cost in processor time and in time.
//
//   dns_round ROOT DOMAIN PANEL_FILE ROUNDS   ->   a line each: "cpu_us wall_us questions"
#include "dns/authority.hpp"
#include "dns/panel_round.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <sys/resource.h>

namespace {

using namespace siding;
using namespace siding::dns;

long cpu_us() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1'000'000L + used.ru_utime.tv_usec +
           used.ru_stime.tv_usec;
}

struct Task {
    std::string domain;
    std::vector<PanelOperator> panel;
    Expected expected;
    int rounds = 0;
};

net::awaitable<void> measure(Prober& prober, Authority& authority, const Task& task) {
    for (int round = 0; round < task.rounds; ++round) {
        const long cpu = cpu_us();
        const auto started = std::chrono::steady_clock::now();
        const auto view = co_await authority.look(task.domain);
        if (!view || !view->is_settled()) {
            std::fprintf(stderr, "%s\n", view ? "not settled" : view.error().message().c_str());
            std::exit(1);
        }
        const auto ttl = view->mx()->ttl;
        const auto panel = co_await run_round(
            prober, task.panel, task.domain, task.expected, 4, ttl, std::chrono::seconds{0}
        );
        const auto time = std::chrono::steady_clock::now() - started;
        std::size_t news = 0;
        for (const OperatorView& each : panel.operators) {
            news += each.state == SampleState::is_new ? 1U : 0U;
        }
        std::printf(
            "%ld %ld %zu\n",
            cpu_us() - cpu,
            static_cast<long>(std::chrono::duration_cast<std::chrono::microseconds>(time).count()),
            news
        );
    }
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 5) {
        return 2;
    }
    Roots roots;
    roots.servers = {net::HostPort::parse(arguments[1]).value()};
    roots.port = roots.servers[0].port;
    std::ifstream file{arguments[3]};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    const Task task{
        arguments[2], parse_panel(text).value(), {{"hold.test"}, {}}, std::atoi(arguments[4])};
    net::asio::io_context context{1};
    const SystemClock clock;
    Prober prober{context.get_executor(), clock};
    Resolver resolver{context.get_executor()};
    Authority authority{prober, resolver, roots};
    auto work = measure(prober, authority, task);
    net::asio::co_spawn(context, std::move(work), [](std::exception_ptr failure) {
        if (failure) {
            std::abort();
        }
    });
    context.run();
    return 0;
}
