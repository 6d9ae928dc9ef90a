#include "relay/verify_oracle.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"
#include "net/deadline.hpp"
#include "relay/probe_line.hpp"
#include "relay/verify_verdict.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <random>
#include <utility>

namespace siding::relay {
namespace {

using Kind = Knowledge::Kind;
using SteadyTime = std::chrono::steady_clock::time_point;

const Logger logger{"verify"};

std::string random_local_part() {
    std::random_device source;
    const auto number = (std::uint64_t{source()} << 32) | source();
    return fmt::format("siding-probe-{:016x}", number);
}

// Whole characters only.
std::string cut(std::string text) {
    if (text.size() > limits::verify_reply_octets_max) {
        std::size_t end = limits::verify_reply_octets_max;
        while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {
            --end;
        }
        text.resize(end);
    }
    return text;
}

ServerReport report_of(const std::string& server, const Knowledge& known, WallTime now) {
    ServerReport report;
    report.server = server;
    report.existence = known.kind == Kind::unknown ? Existence::unknown : Existence::exists;
    report.catch_all = known.catch_all || known.kind == Kind::accepts_all;
    report.reply = known.reply;
    report.age = age_of(known, now);
    return report;
}

ServerReport undecided(const std::string& server, std::string why) {
    ServerReport report;
    report.server = server;
    report.reply = std::move(why);
    return report;
}

net::awaitable<Result<ProbeAnswer>> as_result(net::awaitable<ProbeAnswer> work) {
    ProbeAnswer answer = co_await std::move(work);
    co_return Result<ProbeAnswer>{std::move(answer)};
}

// No answer to the question, and likely none to the next one. An address that the server cannot
// take at all (RFC 6531 §3.2: no SMTPUTF8) is never sent, which is told like a loss at MAIL.
bool is_failure(const smtp::Verdict& verdict, const Address& address) {
    const bool is_ascii = std::ranges::all_of(address.text(), [](char octet) {
        return static_cast<unsigned char>(octet) < 0x80U;
    });
    const bool never_sent = verdict.stage == smtp::Stage::mail && !verdict.reply && !is_ascii;
    return verdict.is_about_session() && !never_sent;
}

Counter cache_counter(Metrics& metrics, const std::string& result) {
    return metrics.counter(
        "siding_verify_cache_total",
        "Questions to one server, by whether a fresh answer was known",
        {{"result", result}}
    );
}

}  // namespace

struct VerifyOracle::Question {
    Question(std::string server_name, Address what, std::uint64_t when, SteadyTime until)
        : server{std::move(server_name)},
          address{std::move(what)},
          key{verify_key(server, address)},
          domain_key{verify_domain_key(server, address.domain())},
          generation{when},
          give_up_at{until} {}

    std::string server;
    Address address;
    std::string key;
    std::string domain_key;
    std::uint64_t generation;
    SteadyTime give_up_at;
};

struct VerifyOracle::Line {
    Line(const std::string& server, Metrics& metrics, const net::asio::any_io_executor& executor)
        : way{executor},
          exists{counter(server, Existence::exists, metrics)},
          unknown{counter(server, Existence::unknown, metrics)},
          undecided{counter(server, Existence::undecided, metrics)} {}

    static Counter counter(const std::string& server, Existence verdict, Metrics& metrics) {
        return metrics.counter(
            "siding_verify_probes_total",
            "Addresses asked for, by server and what its answer means",
            {{"server", server}, {"verdict", std::string{to_text(verdict)}}}
        );
    }
    void count(Existence verdict) const {
        switch (verdict) {
        case Existence::exists:
            exists.add();
            break;
        case Existence::unknown:
            unknown.add();
            break;
        case Existence::undecided:
            undecided.add();
            break;
        }
    }

    ProbeLine way;
    Counter exists;
    Counter unknown;
    Counter undecided;
};

VerifyOracle::VerifyOracle(
    queue::Queue& queue,
    const config::Live& config,
    Prober prober,
    Metrics& metrics,
    net::TaskGroup& tasks
)
    : queue_{queue},
      config_{config},
      prober_{std::move(prober)},
      metrics_{metrics},
      executor_{tasks.executor()},
      cache_{limits::verify_cache_entries_max},
      store_{queue, config, tasks},
      hits_{cache_counter(metrics, "hit")},
      misses_{cache_counter(metrics, "miss")},
      last_known_{metrics.counter(
          "siding_verify_last_known_total", "Expired answers used where a server gave no decision"
      )},
      probe_seconds_{metrics.histogram(
          "siding_verify_probe_seconds",
          "Time of one probe, without the wait for its turn",
          {0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30}
      )} {}

VerifyOracle::~VerifyOracle() = default;

bool VerifyOracle::is_fresh_now(const std::optional<Knowledge>& knowledge) const {
    return knowledge && is_fresh(*knowledge, settings(), now());
}

std::optional<ServerReport> VerifyOracle::recall(const std::string& server, const Address& address)
    const {
    const auto known = cache_.find(verify_key(server, address), now());
    if (!is_fresh_now(known)) {
        return std::nullopt;
    }
    hits_.add();
    ServerReport report = report_of(server, *known, now());
    report.from_cache = true;
    return report;
}

net::awaitable<ServerReport> VerifyOracle::ask(
    std::string server, Address address, SteadyTime give_up_at
) {
    const Question question{std::move(server), std::move(address), generation_, give_up_at};
    const Known known = co_await look_up(question);
    if (is_fresh_now(known.address)) {
        hits_.add();
        ServerReport report = report_of(question.server, *known.address, now());
        report.from_cache = true;
        co_return report;
    }
    misses_.add();
    co_return co_await probe(question, known);
}

ServerReport VerifyOracle::last_known(const Address& address, ServerReport open) const {
    if (settings().when_unreachable == config::Verify::Unreachable::defer) {
        return open;
    }
    const std::string& server = open.server;
    for (const std::string& key :
         {verify_key(server, address), verify_domain_key(server, address.domain())}) {
        const auto known = cache_.find(key, now());
        if (known && is_last_known_good(*known)) {
            last_known_.add();
            ServerReport report = report_of(server, *known, now());
            report.from_cache = true;
            report.last_known = true;
            report.reply = fmt::format("{}; now: {}", known->reply, open.reply);
            return report;
        }
    }
    return open;
}

net::awaitable<Result<std::uint64_t>> VerifyOracle::forget(KeyFilter filter) {
    ++generation_;
    for (const auto& [server, line] : lines_) {
        line->way.forget_failure();  // it may be repaired: the next question shall find out
    }
    cache_.erase_if(filter);
    co_return co_await store_.erase(std::move(filter));
}

// --- Memory and queue ---------------------------------------------------------------------------

net::awaitable<VerifyOracle::Known> VerifyOracle::look_up(const Question& question) {
    Known known;
    known.address = cache_.find(question.key, now());
    known.domain = cache_.find(question.domain_key, now());
    if (!known.address || !known.domain) {
        std::vector<std::string> keys{question.key, question.domain_key};
        const auto stored = co_await store_.read(std::move(keys));
        known.address = adopt(question, question.key, stored[0]);
        known.domain = adopt(question, question.domain_key, stored[1]);
    }
    co_return known;
}

// Takes what was stored into memory. What is there already is newer, and after a flush nothing that
// was read before it counts.
std::optional<Knowledge> VerifyOracle::adopt(
    const Question& question, const std::string& key, std::optional<Knowledge> stored
) {
    if (question.generation != generation_) {
        return std::nullopt;
    }
    if (auto known = cache_.find(key, now()); known || !stored) {
        return known;
    }
    if (stored->checked_at > now()) {
        // The clock was set back: from here on the answer ages again, after a restart too.
        stored->checked_at = now();
        store_.write(key, *stored);
    }
    cache_.put(key, *stored);
    return stored;
}

void VerifyOracle::remember(
    const Question& question, const std::string& key, const Knowledge& knowledge
) {
    if (question.generation != generation_) {
        return;  // asked before a flush
    }
    cache_.put(key, knowledge);
    if (knowledge.kind != Kind::accepted) {
        store_.write(key, knowledge);
    }
}

// --- Probes -------------------------------------------------------------------------------------

net::awaitable<ServerReport> VerifyOracle::probe(const Question& question, const Known& known) {
    const config::Verify config = settings();
    Line& line = line_of(question.server);
    const bool entered =
        co_await line.way.enter(queue_.clock(), config.connections, question.give_up_at);
    if (!entered) {
        co_return undecided(
            question.server,
            line.way.is_failing() ? "not asked, it has just failed: " + line.way.reason()
                                  : std::string{"no free connection in time"}
        );
    }
    const auto started = std::chrono::steady_clock::now();
    const bool with_random = config.detect_catch_all && !is_fresh_now(known.domain);
    const Verdicts verdicts = co_await talk(question, with_random);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
    probe_seconds_.observe(took.count());
    leave(line, question, verdicts.front());
    ServerReport report = learn(question, known, verdicts);
    line.count(report.existence);
    co_return report;
}

void VerifyOracle::leave(Line& line, const Question& question, const smtp::Verdict& verdict) {
    const bool was_failing = line.way.is_failing();
    if (!is_failure(verdict, question.address)) {
        line.way.leave_answered();
        if (was_failing) {
            logger.info("server_answers", {{"route", question.server}});
        }
        return;
    }
    if (question.generation != generation_) {
        line.way.leave_untold();  // asked before a flush
        return;
    }
    line.way.leave_failed(now(), cut(verdict.text));
    if (!was_failing) {
        logger.warn("server_failed", {{"route", question.server}, {"reason", verdict.text}});
    }
}

// At least one verdict.
net::awaitable<VerifyOracle::Verdicts> VerifyOracle::talk(
    const Question& question, bool with_random
) {
    const config::Verify config = settings();
    std::vector<std::string> recipients{question.address.text()};
    if (with_random) {
        recipients.push_back(random_local_part() + "@" + question.address.domain().text());
    }
    auto work = as_result(prober_(question.server, config.sender, std::move(recipients)));
    auto answer = co_await net::with_deadline(std::move(work), config.timeout, "probe");
    if (answer && !answer->verdicts.empty()) {
        co_return std::move(answer->verdicts);
    }
    Verdicts none;
    std::string why = answer ? "no verdict" : answer.error().message();
    none.push_back(smtp::judge_loss(smtp::Stage::connect, std::move(why)));
    co_return none;
}

ServerReport VerifyOracle::learn(
    const Question& question, const Known& known, const Verdicts& verdicts
) {
    const smtp::Verdict& verdict = verdicts.front();
    const Existence existence = judge_probe(verdict);
    std::optional<Kind> domain;
    if (is_fresh_now(known.domain)) {
        domain = known.domain->kind;
    } else if (verdicts.size() > 1) {
        domain = learn_domain(question, verdicts[1], existence);
    }
    if (existence == Existence::undecided) {
        ServerReport report = undecided(question.server, cut(verdict.text));
        report.age = std::chrono::milliseconds{0};
        return report;
    }
    Knowledge learned;
    learned.kind = existence == Existence::unknown ? Kind::unknown : weigh_acceptance(domain);
    learned.catch_all = learned.kind == Kind::accepted && domain == Kind::accepts_all;
    learned.checked_at = now();
    learned.reply = cut(verdict.text);
    remember(question, question.key, learned);
    return report_of(question.server, learned, learned.checked_at);
}

// A server that takes a random address says nothing by taking this one. Only where the random one
// is refused, or the operator does not look for the difference, is an acceptance worth remembering.
Knowledge::Kind VerifyOracle::weigh_acceptance(std::optional<Kind> domain) const {
    const bool is_proof = domain == Kind::selective || !settings().detect_catch_all;
    return is_proof ? Kind::exists : Kind::accepted;
}

// A random address that is put off (greylisting, perhaps) tells nothing: it may yet be taken. One
// that is refused tells the server apart from a catch-all, if this is about the mailbox or if the
// address beside it was taken.
std::optional<Knowledge::Kind> VerifyOracle::learn_domain(
    const Question& question, const smtp::Verdict& random, Existence beside
) {
    const bool taken = random.kind == smtp::VerdictKind::delivered;
    const bool refused = random.stage == smtp::Stage::rcpt && random.reply &&
                         random.reply->is_permanent() &&
                         (beside == Existence::exists || judge_probe(random) == Existence::unknown);
    if (!taken && !refused) {
        return std::nullopt;
    }
    Knowledge domain;
    domain.kind = taken ? Kind::accepts_all : Kind::selective;
    domain.checked_at = now();
    domain.reply = cut(random.text);
    remember(question, question.domain_key, domain);
    if (taken) {
        const Domain& name = question.address.domain();
        logger.info("catch_all", {{"route", question.server}, {"domain", name}});
    }
    return domain.kind;
}

VerifyOracle::Line& VerifyOracle::line_of(const std::string& server) {
    auto& line = lines_[server];
    if (!line) {
        line = std::make_unique<Line>(server, metrics_, executor_);
    }
    return *line;
}

}  // namespace siding::relay
