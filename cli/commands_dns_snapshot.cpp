#include "base/bytes.hpp"
#include "cli/commands.hpp"
#include "cli/dns_snapshot_report.hpp"
#include "cli/new_file.hpp"
#include "cli/run_to_end.hpp"
#include "config/load.hpp"
#include "cutover/dns_snapshot.hpp"
#include "cutover/doctor_options.hpp"
#include "net/asio.hpp"
#include "net/runtime.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <fmt/ostream.h>
#include <fstream>
#include <optional>
#include <sstream>
#include <unistd.h>

namespace siding::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* default_config = "/etc/siding/siding.yaml";

dns::ResolverOptions resolving(const cutover::DoctorOptions& options) {
    dns::ResolverOptions result;
    result.servers = options.resolvers;
    result.timeout = std::chrono::seconds{2};
    return result;
}

// What asks DNS.
struct Asker {
    Asker(
        const net::asio::any_io_executor& executor,
        net::asio::any_io_executor blocking,
        const Clock& clock,
        const cutover::DoctorOptions& options
    )
        : prober{executor, clock},
          resolver{executor, resolving(options)},
          authority{prober, resolver, options.roots},
          lookup{prober, options.resolvers, std::move(blocking)} {}

    dns::Prober prober;
    dns::Resolver resolver;
    dns::Authority authority;
    cutover::RecursiveLookup lookup;
};

net::awaitable<Result<cutover::DnsSnapshot>> take(
    Asker& asker, std::string domain, cutover::SnapshotOptions wanted
) {
    const cutover::SnapshotTools tools{asker.prober, asker.authority, asker.lookup};
    auto taken = co_await cutover::take_snapshot(tools, std::move(domain), std::move(wanted));
    co_return taken;
}

Result<cutover::DnsSnapshot> take_now(
    const std::string& domain,
    const cutover::DoctorOptions& options,
    std::vector<std::string> selectors,
    const Clock& clock
) {
    cutover::SnapshotOptions wanted;
    wanted.selectors = std::move(selectors);
    net::asio::io_context io{1};
    net::Runtime runtime{{.io_threads = 1, .blocking_threads = 1}};
    Asker asker{io.get_executor(), runtime.blocking(), clock, options};
    return run_to_end(io, take(asker, domain, std::move(wanted)));
}

// Resolvers and roots of the configuration; the system's without one. Nothing: the file's mistakes
// are on `err`.
Result<std::optional<cutover::DoctorOptions>> make_options(
    std::optional<fs::path> file, const Terminal& terminal
) {
    if (!file && ::access(default_config, R_OK) == 0) {
        file = default_config;
    }
    cutover::DoctorOptions options;
    if (file) {
        auto loaded = config::load_file(file->string());
        if (loaded.has_error()) {
            for (const config::ConfigError& error : loaded.error().list) {
                fmt::print(terminal.err, "{}\n", escape(error.text(), 2000));
            }
            return std::optional<cutover::DoctorOptions>{};
        }
        cutover::take_from(std::make_shared<const config::Config>(std::move(*loaded)), options);
    }
    return std::optional{std::move(options)};
}

Result<cutover::DnsSnapshot> read_snapshot(const fs::path& file) {
    std::ifstream stream{file, std::ios::binary};
    std::ostringstream content;
    if (!stream || !(content << stream.rdbuf())) {
        return Error{Errc::not_found, file.string() + " cannot be read"};
    }
    auto snapshot = cutover::parse_snapshot(content.str());
    if (snapshot.has_error()) {
        return with_context(std::move(snapshot).error(), file.string());
    }
    return snapshot;
}

// The newest by its name, which has its time in it.
Result<fs::path> newest_snapshot(const Domain& domain) {
    const std::string start = domain.text() + "-";
    std::vector<fs::path> found;
    std::error_code failed;
    for (const fs::directory_entry& entry : fs::directory_iterator{".", failed}) {
        const std::string name = entry.path().filename().string();
        if (name.starts_with(start) && name.ends_with("Z.dns.json")) {
            found.push_back(entry.path());
        }
    }
    if (found.empty()) {
        return Error{
            Errc::not_found,
            "there is no snapshot of " + domain.text() +
                " in this directory; `siding dns snapshot " + domain.text() + "` takes one"};
    }
    return std::ranges::max(found);
}

bool looks_like_file(const std::string& text) {
    std::error_code failed;
    return text.find('/') != std::string::npos || text.ends_with(".json") ||
           fs::is_regular_file(text, failed);
}

Result<cutover::DnsSnapshot> read_before(const std::string& text) {
    if (looks_like_file(text)) {
        return read_snapshot(text);
    }
    SIDING_ASSIGN(const Domain domain, Domain::parse(text));
    SIDING_ASSIGN(const fs::path file, newest_snapshot(domain));
    return read_snapshot(file);
}

// Those that were asked for then, and those that are asked for now.
std::vector<std::string> selectors_of(
    const cutover::DnsSnapshot& snapshot, std::vector<std::string> selectors
) {
    const std::string end = "._domainkey." + snapshot.domain;
    for (const cutover::SnapshotRecord& record : snapshot.records) {
        if (record.name.ends_with(end)) {
            selectors.push_back(record.name.substr(0, record.name.size() - end.size()));
        }
    }
    std::ranges::sort(selectors);
    const auto doubles = std::ranges::unique(selectors);
    selectors.erase(doubles.begin(), doubles.end());
    return selectors;
}

Result<void> store(const fs::path& file, const std::string& text) {
    fs::path temporary = file;
    temporary += ".part";
    SIDING_ASSIGN(NewFile output, NewFile::create(temporary, file));
    SIDING_TRY(output.write(text));
    return output.finish();
}

}  // namespace

Result<Exit> run(const TakeDnsSnapshot& action, Context& context) {
    SIDING_ASSIGN(const auto options, make_options(action.config, context.terminal));
    if (!options) {
        return Exit::usage;
    }
    SIDING_ASSIGN(
        const cutover::DnsSnapshot snapshot,
        take_now(action.domain.text(), *options, action.selectors, context.clock)
    );
    const std::string text = cutover::format_snapshot(snapshot);
    const fs::path file = action.output.value_or(cutover::snapshot_file_name(snapshot));
    SIDING_TRY(store(file, text));
    if (context.json) {
        context.terminal.out << text;
        return Exit::done;
    }
    print_snapshot(snapshot, context.terminal);
    fmt::print(context.terminal.out, "\nStored in {}\n", escape(file.string(), 4096));
    return Exit::done;
}

Result<Exit> run(const CompareDnsSnapshots& action, Context& context) {
    SIDING_ASSIGN(const cutover::DnsSnapshot before, read_before(action.before));
    cutover::DnsSnapshot after;
    if (action.after) {
        SIDING_ASSIGN(after, read_snapshot(*action.after));
    } else {
        SIDING_ASSIGN(const auto options, make_options(action.config, context.terminal));
        if (!options) {
            return Exit::usage;
        }
        auto selectors = selectors_of(before, action.selectors);
        SIDING_ASSIGN(
            after, take_now(before.domain, *options, std::move(selectors), context.clock)
        );
    }
    if (before.domain != after.domain) {
        return Error{
            Errc::invalid_argument,
            "these are snapshots of two domains: " + before.domain + " and " + after.domain};
    }
    const cutover::SnapshotDiff diff = cutover::compare_snapshots(before, after);
    if (context.json) {
        context.terminal.out << boost::json::serialize(snapshot_diff_json(diff)) << "\n";
    } else {
        print_snapshot_diff(diff, before, after, context.terminal);
    }
    return diff.changes.empty() ? Exit::done : Exit::no;
}

}  // namespace siding::cli
