#include "base/bytes.hpp"
#include "cutover/doctor_hosts.hpp"
#include "relay/own_address.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace siding::cutover {
namespace {

using Reach = SmtpView::Reach;

constexpr std::string_view foreign = "example.net";
constexpr std::size_t received_too_many = 20;  // beyond the limit

SmtpProbeOptions listener_options(const config::Config& config, const net::Endpoint& at) {
    SmtpProbeOptions options;
    options.hello = config.hostname;
    options.name = config.hostname;
    options.timeout = std::chrono::seconds{8};  // errors are answered slowly
    for (const config::Listener& listener : config.listeners) {
        if (listener.address.port == at.port) {
            options.says_proxy = contains(listener.proxy_protocol.networks, at.address);
        }
    }
    return options;
}

// The first of our own listeners that answers; null: sidingd does not run here.
net::awaitable<std::unique_ptr<SmtpProbe>> open_listener(const DoctorFacts& facts) {
    for (const net::Endpoint& at : own_listeners(*facts.config)) {
        SmtpProbeOptions options = listener_options(*facts.config, at);
        net::Endpoint address = at;
        auto probe = co_await SmtpProbe::open(std::move(address), std::move(options));
        if (probe->view().has_answered()) {
            co_return probe;
        }
    }
    co_return nullptr;
}

constexpr const char* no_listener =
    "sidingd does not answer on this host; run the doctor here once more when it does";

// --- H05 ----------------------------------------------------------------------------------------

struct RelayCase {
    std::string sender;
    std::string recipient;
    bool is_local_part = false;  // a name of the domain, however odd
};

std::vector<RelayCase> relay_cases(const DoctorFacts& facts) {
    const std::string& domain = facts.domain;
    const std::string sender = "doctor@" + facts.config->hostname;
    const std::string there = fmt::format("probe@{}", foreign);
    return {
        {sender, there},
        {"", there},
        {"postmaster@" + domain, there},
        {"postmaster@[127.0.0.1]", there},
        {"postmaster@localhost", there},
        {sender, fmt::format("@{}:{}", domain, there)},
        {sender, "probe@[127.0.0.1]"},
        {sender, fmt::format("probe%{}", foreign)},
        {sender, fmt::format("\"{}\"", there)},
        {sender, fmt::format("probe%{}@{}", foreign, domain), true},
        {sender, fmt::format("\"{}\"@{}", there, domain), true},
        {sender, fmt::format("{}!probe@{}", foreign, domain), true},
    };
}

struct RelayTally {
    std::size_t asked = 0;
    std::vector<std::string> accepted;
    std::vector<std::string> odd_names;
    std::string problem;
};

net::awaitable<void> try_to_relay(SmtpProbe& probe, const RelayCase& one, RelayTally& tally) {
    auto mail = co_await probe.say("MAIL FROM:<" + one.sender + ">");
    if (mail.has_error() || !mail->is_positive()) {
        if (mail.has_error()) {
            tally.problem = mail.error().message();
        } else {
            ++tally.asked;  // refused even before the recipient
        }
        co_return;
    }
    auto rcpt = co_await probe.say("RCPT TO:<" + one.recipient + ">");
    if (rcpt.has_error()) {
        tally.problem = rcpt.error().message();
        co_return;
    }
    ++tally.asked;
    if (rcpt->is_positive()) {
        (one.is_local_part ? tally.odd_names : tally.accepted)
            .push_back(fmt::format("from <{}> to <{}>: {}", one.sender, one.recipient, rcpt->text())
            );
    }
    auto reset = co_await probe.say("RSET");
    static_cast<void>(reset);
}

// --- H12 ----------------------------------------------------------------------------------------

std::vector<std::string> circular_servers(const DoctorFacts& facts) {
    std::vector<std::string> found;
    for (const HostView& host : facts.hosts) {
        if (host.server.empty()) {
            continue;
        }
        for (const SmtpView& session : host.sessions) {
            if (relay::is_own_address(*facts.config, session.address)) {
                found.push_back(fmt::format(
                    "server \"{}\" ({}) is this host's own listener",
                    host.server,
                    name_of(host, session)
                ));
            }
        }
    }
    for (const auto& [name, server] : facts.config->servers) {
        if (server.mx && dns::plain_name(server.address.host) == facts.domain) {
            found.push_back(fmt::format(
                "server \"{}\" follows the MX records of {}, which are to point to Siding",
                name,
                facts.domain
            ));
        }
    }
    return found;
}

std::string much_travelled_mail(std::size_t received) {
    std::string mail;
    for (std::size_t i = 0; i < received; ++i) {
        mail += fmt::format(
            "Received: from a{0}.invalid by a{1}.invalid; Thu, 1 Jan 2026 00:00:00 +0000\r\n",
            i,
            i + 1
        );
    }
    return mail + "Subject: siding doctor: a loop\r\n\r\nThis must be refused.\r\n.";
}

// What the listener says to a message that has been through too many servers; nothing where that
// cannot be tried.
net::awaitable<std::optional<smtp::Reply>> send_in_circles(const DoctorFacts& facts) {
    const auto probe = co_await open_listener(facts);
    if (probe == nullptr) {
        co_return std::nullopt;
    }
    const std::vector<std::string> dialogue{
        "MAIL FROM:<>", "RCPT TO:<postmaster@" + facts.domain + ">", "DATA"};
    for (const std::string& line : dialogue) {
        auto reply = co_await probe->say(line);
        if (reply.has_error() || reply->code >= 400) {
            co_await probe->close();
            co_return std::nullopt;
        }
    }
    const std::size_t received = facts.config->limits.received + received_too_many;
    auto verdict = co_await probe->say(much_travelled_mail(received));
    co_await probe->close();
    if (verdict.has_error()) {
        co_return std::nullopt;
    }
    co_return std::move(*verdict);
}

}  // namespace

net::awaitable<CheckOutcome> check_inbound_port(const DoctorFacts& facts) {
    if (const std::string lack = facts.lacks_domain(); !lack.empty()) {
        co_return not_checked(lack);
    }
    std::vector<std::string> silent;
    std::vector<std::string> seen;
    for (const HostView& host : facts.hosts) {
        if (!host.is_hold) {
            continue;
        }
        const SmtpView* const answered = host.answered();
        if (answered == nullptr) {
            silent.push_back(describe_sessions(host));
        } else if (answered->server_name != facts.config->hostname) {
            silent.push_back(fmt::format(
                "{} is not Siding, it says \"{}\"", name_of(host, *answered), answered->greeting
            ));
        } else {
            seen.push_back(describe_sessions(host));
        }
    }
    if (!silent.empty() && facts.options.phase == DoctorPhase::prep) {
        co_return not_checked("nobody answers yet: " + as_list(silent));
    }
    if (!silent.empty()) {
        co_return failed(
            as_list(silent),
            "Senders cannot deliver once MX points to the hold host; they try again for hours to "
            "days, then bounce.",
            "Start sidingd with a listener on port 25, and open the port in every firewall:\n"
            "listen: [\"0.0.0.0:25\", \"[::]:25\"]\n"
            "nft add rule inet filter input tcp dport 25 accept\n"
            "A host behind NAT may be unable to reach its own public address: then look from "
            "outside."
        );
    }
    CheckOutcome outcome = not_checked("seen from this host alone: " + as_list(seen));
    outcome.fix = fmt::format(
        "From a network outside:\nnc -v {} 25",
        facts.new_hosts.empty() ? "HOST" : facts.new_hosts[0]
    );
    co_return outcome;
}

net::awaitable<CheckOutcome> check_outbound_port(const DoctorFacts& facts) {
    std::vector<std::string> good;
    std::vector<std::string> bad;
    std::size_t timed_out = 0;
    const bool by_config = facts.config != nullptr;
    for (const HostView& host : facts.hosts) {
        const bool matters = by_config ? !host.server.empty() : host.is_mx;
        if (!matters) {
            continue;
        }
        const SmtpView* const answered = host.answered();
        if (answered != nullptr) {
            good.push_back(name_of(host, *answered));
            continue;
        }
        const bool is_spare =
            by_config && std::ranges::any_of(facts.server(host.server), [](const HostView* other) {
                return other->answered() != nullptr;
            });
        timed_out += std::ranges::any_of(host.sessions, [](const SmtpView& session) {
            return session.reach == Reach::timed_out;
        });
        bad.push_back(
            host.roles() + ": " + describe_sessions(host) + (is_spare ? " (another answers)" : "")
        );
    }
    if (bad.empty() && good.empty()) {
        co_return not_checked(
            by_config ? "the configuration has no server for this domain" : "there is no MX host"
        );
    }
    if (bad.empty()) {
        co_return passed(as_list(good));
    }
    const bool is_blocked = good.empty() && timed_out == bad.size();
    co_return failed(
        as_list(bad),
        is_blocked
            ? "Nothing can leave this host: packets to port 25 vanish, as many providers do it to "
              "new machines."
            : "Mail for this server waits in the queue for as long as it cannot be reached.",
        is_blocked ? "Ask the provider to open outgoing port 25 for this address, and try again:\n"
                     "nc -v HOST 25"
                   : "Check `servers` in the configuration, the server, and the firewalls between, "
                     "with\nnc -v HOST 25"
    );
}

net::awaitable<CheckOutcome> check_open_relay(const DoctorFacts& facts) {
    if (const std::string lack = facts.lacks_domain(); !lack.empty()) {
        co_return not_checked(lack);
    }
    constexpr std::size_t cases_per_session = 4;  // well below what a session bears
    RelayTally tally;
    const std::vector<RelayCase> cases = relay_cases(facts);
    for (std::size_t i = 0; i < cases.size(); i += cases_per_session) {
        const auto probe = co_await open_listener(facts);
        if (probe == nullptr) {
            co_return not_checked(no_listener);
        }
        for (std::size_t j = i; j < std::min(cases.size(), i + cases_per_session); ++j) {
            co_await try_to_relay(*probe, cases[j], tally);
        }
        co_await probe->close();
    }
    const bool is_any = facts.settings->recipients.any;
    if (!tally.accepted.empty() || (!tally.odd_names.empty() && !is_any)) {
        std::vector<std::string> all = tally.accepted;
        all.insert(all.end(), tally.odd_names.begin(), tally.odd_names.end());
        co_return failed(
            as_list(all),
            "Spammers find an open relay within hours; its address ends on every block list.",
            "Where a foreign domain was accepted: take it out of `domains`.\nWhere a name like "
            "user%other@" +
                facts.domain +
                " was accepted: the server that was asked takes it; on "
                "Postfix\npostconf -e allow_percent_hack=no swap_bangpath=no"
        );
    }
    if (tally.asked < cases.size()) {
        co_return hindered(fmt::format(
            "only {} of {} recipients were answered: {}", tally.asked, cases.size(), tally.problem
        ));
    }
    co_return passed(fmt::format(
        "{} foreign recipients refused{}",
        cases.size() - tally.odd_names.size(),
        tally.odd_names.empty() ? ""
                                : "; names like user%other were taken for names of the domain, "
                                  "because its recipients are `any`"
    ));
}

net::awaitable<CheckOutcome> check_loops(const DoctorFacts& facts) {
    if (const std::string lack = facts.lacks_domain(); !lack.empty()) {
        co_return not_checked(lack);
    }
    if (const auto circles = circular_servers(facts); !circles.empty()) {
        co_return failed(
            as_list(circles),
            "Mail goes round until it is refused as a loop.",
            "Name the real server by its own address:\nservers:\n  old: {address: \"192.0.2.1:25\"}"
        );
    }
    const auto verdict = co_await send_in_circles(facts);
    if (verdict && verdict->is_positive()) {
        co_return failed(
            fmt::format(
                "a message with {} Received lines was accepted: {}",
                facts.config->limits.received + received_too_many,
                verdict->text()
            ),
            "Two servers that send each other a message do so for ever.",
            "limits: {received: 50}"
        );
    }
    co_return passed(
        "no server leads back to this host; more than " +
        std::to_string(facts.config->limits.received) + " Received lines are refused" +
        (verdict ? " (tried: " + verdict->text() + ")" : " (not tried: sidingd does not run)")
    );
}

}  // namespace siding::cutover
