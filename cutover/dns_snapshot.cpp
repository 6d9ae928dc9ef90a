#include "cutover/dns_snapshot.hpp"

#include "base/bytes.hpp"
#include "base/domain.hpp"
#include "dns/mta_sts.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <map>
#include <span>
#include <utility>

namespace siding::cutover {
namespace {

using dns::RecordType;

constexpr std::size_t hosts_max = 20;

// The serial of a zone changes with each signature; it stands at the server instead.
std::string without_serial(const dns::Soa& soa) {
    return fmt::format(
        "{} {} SERIAL {} {} {} {}",
        soa.primary,
        soa.mailbox,
        soa.refresh.count(),
        soa.retry.count(),
        soa.expire.count(),
        soa.minimum.count()
    );
}

std::vector<dns::Question> questions_of(
    const std::string& domain, const std::string& zone, const std::vector<std::string>& selectors
) {
    std::vector<dns::Question> questions;
    const auto add = [&](const std::string& name, std::initializer_list<RecordType> types) {
        for (const RecordType type : types) {
            questions.emplace_back(name, type);
        }
    };
    add(domain, {RecordType::mx, RecordType::a, RecordType::aaaa});
    add(zone, {RecordType::ns, RecordType::soa});
    add(domain, {RecordType::txt, RecordType::caa});
    for (const std::string& selector : selectors) {
        add(selector + "._domainkey." + domain, {RecordType::txt});
    }
    for (const char* const label : {"_dmarc.", "_mta-sts.", "_smtp._tls."}) {
        add(label + domain, {RecordType::txt});
    }
    for (const char* const label : {"mta-sts.", "autodiscover.", "autoconfig."}) {
        add(label + domain, {RecordType::a, RecordType::aaaa});
    }
    for (const char* const label :
         {"_submission", "_submissions", "_imap", "_imaps", "_pop3s", "_autodiscover"}) {
        add(label + ("._tcp." + domain), {RecordType::srv});
    }
    return questions;
}

// The sets of one type that an answer has for its own name: what was asked for, and a CNAME.
std::vector<std::pair<std::string, dns::RrSet>> sets_of(const dns::Sample& sample) {
    const dns::Question& question = sample.question;
    std::vector<std::pair<std::string, dns::RrSet>> sets;
    auto set = dns::rrset_of(sample.response, question.name, question.type);
    if (question.type == RecordType::soa) {
        for (const auto& record : dns::find(sample.response, question.name, RecordType::soa)) {
            set.data = {without_serial(*record.as<dns::Soa>())};
        }
    }
    auto alias = dns::rrset_of(sample.response, question.name, RecordType::cname);
    if (!alias.empty()) {
        sets.emplace_back(dns::format_type(RecordType::cname), std::move(alias));
    } else {
        sets.emplace_back(dns::format_type(question.type), std::move(set));
    }
    return sets;
}

// The server does not serve the name: it lies in a zone below.
bool is_referral(const dns::Response& response) {
    return !response.authoritative && response.answers.empty();
}

class Taker {
public:
    Taker(const SnapshotTools& tools, SnapshotOptions options)
        : tools_{tools}, options_{std::move(options)} {}

    net::awaitable<Result<DnsSnapshot>> run(std::string domain) {
        auto looked = co_await tools_.authority.look(domain);
        SIDING_CO_ASSIGN(const dns::AuthorityView view, std::move(looked));
        snapshot_.domain = view.domain;
        snapshot_.zone = view.zone;
        snapshot_.at = view.at;
        auto usable = take_servers(view);
        SIDING_CO_TRY(std::move(usable));
        co_await ask_servers(view);
        take_parent(view);
        co_await take_hosts(view);
        co_await take_policy();
        co_return std::move(snapshot_);
    }

private:
    Result<void> take_servers(const dns::AuthorityView& view) {
        bool exists = false;
        for (const dns::ServerView& server : view.servers) {
            SnapshotServer seen;
            seen.name = server.text();
            seen.serial = server.serial().value_or(0);
            if (server.is_heard()) {
                if (names_.emplace(server.address.text(), server.text()).second) {
                    heard_.push_back(server.address);
                }
                exists = exists || !is_unknown(server);
            } else {
                seen.problem =
                    server.is_reachable() ? "does not serve the zone" : server.mx.problem;
            }
            snapshot_.servers.push_back(std::move(seen));
        }
        const bool is_gone = std::ranges::any_of(view.problems, [](const auto& problem) {
            return problem.kind == dns::AuthorityProblem::Kind::no_zone;
        });
        if (is_gone || (!names_.empty() && !exists)) {
            return Error{Errc::not_found, view.domain + " does not exist"};
        }
        if (names_.empty()) {
            return Error{
                Errc::unavailable, "no authoritative server of " + view.domain + " answers"};
        }
        return {};
    }

    static bool is_unknown(const dns::ServerView& server) {
        const dns::Sample& said = server.mx.is_answered() ? server.mx : server.mx_tcp;
        return said.response.rcode == dns::rcode::no_such_name;
    }

    // All questions to all servers at once.
    net::awaitable<void> ask_servers(const dns::AuthorityView& view) {
        const auto questions = questions_of(view.domain, view.zone, options_.selectors);
        dns::Ask how;
        how.tries = 2;
        std::vector<dns::Order> orders;
        for (const dns::Question& question : questions) {
            for (const net::HostPort& server : heard_) {
                orders.emplace_back(server, question, how);
            }
        }
        const auto samples = co_await tools_.prober.ask_all(std::move(orders));
        const std::size_t servers = heard_.size();
        for (std::size_t at = 0; at + servers <= samples.size(); at += servers) {
            const std::span<const dns::Sample> same{&samples[at], servers};
            const bool is_below = std::ranges::any_of(same, [](const dns::Sample& sample) {
                return sample.is_answered() && is_referral(sample.response);
            });
            if (is_below) {
                dns::Question question = samples[at].question;
                co_await ask_resolver(std::move(question));
            } else {
                take_samples(same);
            }
        }
    }

    // One question's answers, by what they say.
    void take_samples(std::span<const dns::Sample> samples) {
        std::map<std::string, std::vector<SnapshotAnswer>> by_type;
        std::size_t answered = 0;
        for (const dns::Sample& sample : samples) {
            const auto code = sample.response.rcode;
            if (!sample.is_answered() ||
                (code != dns::rcode::no_error && code != dns::rcode::no_such_name)) {
                continue;
            }
            ++answered;
            for (auto& [type, set] : sets_of(sample)) {
                auto& answers = by_type[type];
                const auto same = std::ranges::find_if(answers, [&](const auto& answer) {
                    return answer.data == set.data && answer.ttl == set.ttl;
                });
                auto& answer =
                    same != answers.end()
                        ? *same
                        : answers.emplace_back(SnapshotAnswer{std::move(set.data), set.ttl, {}});
                answer.servers.push_back(names_[sample.server.text()]);
            }
        }
        const dns::Question& question = samples.front().question;
        if (answered == 0) {
            snapshot_.gaps.push_back(
                fmt::format("{} {}", question.name, dns::format_type(question.type))
            );
            return;
        }
        for (auto& [type, answers] : by_type) {
            if (answers.size() == 1 && answers.front().servers.size() == answered) {
                answers.front().servers.clear();
            }
            add({question.name, type, std::move(answers), false});
        }
    }

    net::awaitable<void> ask_resolver(dns::Question question) {
        const auto answer = co_await tools_.lookup.ask(question.name, question.type);
        const bool is_answer = answer.has_value() && (answer->rcode == dns::rcode::no_error ||
                                                      answer->rcode == dns::rcode::no_such_name);
        if (!is_answer) {
            snapshot_.gaps.push_back(
                fmt::format("{} {}", question.name, dns::format_type(question.type))
            );
            co_return;
        }
        dns::Sample sample;
        sample.kind = dns::Sample::Kind::answered;
        sample.question = question;
        sample.response = *answer;
        for (auto& [type, set] : sets_of(sample)) {
            std::vector<SnapshotAnswer> answers;
            answers.push_back({std::move(set.data), std::chrono::seconds{0}, {}});
            add({question.name, type, std::move(answers), true});
        }
    }

    void take_parent(const dns::AuthorityView& view) {
        add(
            {view.zone,
             "NS at the parent",
             {{view.delegation.data, view.delegation.ttl, {}}},
             false}
        );
        add({view.zone, "DS", {{view.delegation_ds.data, view.delegation_ds.ttl, {}}}, false});
    }

    // Addresses and TLSA records of the MX hosts, whichever zone they are in.
    net::awaitable<void> take_hosts(const dns::AuthorityView& view) {
        std::vector<std::string> hosts;
        for (const dns::ServerView& server : view.servers) {
            for (const auto& record : dns::find(server.mx.response, view.domain, RecordType::mx)) {
                const std::string& host = record.as<dns::Mx>()->host;
                if (!host.empty() && std::ranges::find(hosts, host) == hosts.end() &&
                    hosts.size() < hosts_max) {
                    hosts.push_back(host);
                }
            }
        }
        std::ranges::sort(hosts);
        for (const std::string& host : hosts) {
            for (const auto& [name, type] :
                 {std::pair{host, RecordType::a},
                  std::pair{host, RecordType::aaaa},
                  std::pair{"_25._tcp." + host, RecordType::tlsa}}) {
                dns::Question question{name, type};
                co_await ask_resolver(std::move(question));
            }
        }
    }

    net::awaitable<void> take_policy() {
        auto looked = co_await look_at_sts(tools_.lookup, snapshot_.domain, options_.sts);
        if (looked.has_error() || !looked->is_announced()) {
            co_return;
        }
        std::vector<std::string> lines;
        if (looked->policy) {
            lines.push_back(fmt::format("mode {}", dns::format_sts_mode(looked->policy->mode)));
            lines.push_back(fmt::format("max_age {}", looked->policy->max_age.count()));
            for (const std::string& host : looked->policy->mx) {
                lines.push_back("mx " + host);
            }
        }
        if (!looked->page_problem.empty()) {
            lines.push_back("problem: " + looked->page_problem);
        }
        std::ranges::sort(lines);
        std::vector<SnapshotAnswer> answers;
        answers.push_back({std::move(lines), std::chrono::seconds{0}, {}});
        const std::string name = std::string{dns::sts_host_label} + snapshot_.domain;
        add({name, "POLICY", std::move(answers), true});
    }

    void add(SnapshotRecord record) {
        const bool is_known = std::ranges::any_of(snapshot_.records, [&](const auto& other) {
            return other.name == record.name && other.type == record.type;
        });
        if (!is_known) {
            snapshot_.records.push_back(std::move(record));
        }
    }

    SnapshotTools tools_;
    SnapshotOptions options_;
    DnsSnapshot snapshot_;
    std::vector<net::HostPort> heard_;
    std::map<std::string, std::string> names_;  // address of each server that is heard → its name
};

}  // namespace

bool SnapshotRecord::is_absent() const {
    return std::ranges::all_of(answers, [](const SnapshotAnswer& answer) {
        return answer.data.empty();
    });
}

net::awaitable<Result<DnsSnapshot>> take_snapshot(
    const SnapshotTools& tools, std::string domain, SnapshotOptions options
) {
    auto parsed = Domain::parse(dns::plain_name(domain));
    SIDING_CO_ASSIGN(const Domain name, std::move(parsed));
    Taker taker{tools, std::move(options)};
    auto result = co_await taker.run(name.text());
    co_return result;
}

std::string snapshot_file_name(const DnsSnapshot& snapshot) {
    std::string time;
    for (const char c : format_time(snapshot.at).substr(0, 19)) {
        if (c != '-' && c != ':') {
            time += c;
        }
    }
    return fmt::format("{}-{}Z.dns.json", snapshot.domain, time);
}

}  // namespace siding::cutover
