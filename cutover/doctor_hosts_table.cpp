#include "base/bytes.hpp"
#include "cutover/doctor_collect.hpp"
#include "cutover/doctor_hosts.hpp"

#include <array>
#include <fmt/format.h>
#include <random>
#include <utility>

namespace siding::cutover {
namespace {

constexpr auto warning = Severity::warning;
constexpr auto critical = Severity::critical;
constexpr auto info = Severity::info;

using Phase = DoctorPhase;

net::awaitable<CheckOutcome> advise_on_pilot(const DoctorFacts& facts) {
    co_return by_hand(
        "Send a message from a mailbox that has moved already (or from the pilot tenant) to one "
        "of " +
        facts.domain +
        " that has not, and see that it reaches the old server.\nA new platform that has verified "
        "the domain delivers its own users' mail to itself, whatever MX says."
    );
}

net::awaitable<CheckOutcome> advise_on_outage(const DoctorFacts&) {
    co_return by_hand(
        "If an outage is planned, see whose mail would be lost by it:\n"
        "siding outage-cost --hours 8"
    );
}

net::awaitable<CheckOutcome> advise_on_jobs(const DoctorFacts& facts) {
    co_return by_hand(
        "Stop what edits the zone of " + facts.domain +
        " by itself until the move is over: ACME DNS-01, external-dns, Terraform, a registrar's "
        "synchronisation.\nAny of them may put the old MX back."
    );
}

}  // namespace

void add_host_checks(Checks& checks) {
    const std::vector<Phase> moving{Phase::hold, Phase::release, Phase::post};
    const std::vector<Phase> before{Phase::prep, Phase::pre_switch};
    const std::vector<Phase> no_post{Phase::prep, Phase::pre_switch, Phase::hold, Phase::release};
    checks.add(
        "H01", "the hold host can be reached on port 25", critical, no_post, check_inbound_port
    );
    checks.add(
        "H02", "this host reaches port 25 of old and new server", critical, {}, check_outbound_port
    );
    checks.add(
        "H03",
        "our addresses have names, and the names our addresses",
        critical,
        no_post,
        check_reverse_names
    );
    checks.add("H04", "our addresses are on no block list", warning, no_post, check_block_lists);
    checks.add("H05", "the listener relays for nobody", critical, no_post, check_open_relay);
    checks.add(
        "H06", "recipients are checked before mail is accepted", critical, no_post, check_validation
    );
    checks.add("H07", "mail that was accepted is never bounced", critical, no_post, check_bounces);
    checks.add(
        "H08", "the listener offers what both servers can take", warning, no_post, check_extensions
    );
    checks.add("H09", "the disk has room for the hold", critical, no_post, check_disk_space);
    checks.add(
        "H10", "the disk keeps what it has acknowledged", critical, no_post, check_disk_sync
    );
    checks.add("H11", "the clock is right", warning, no_post, check_clock);
    checks.add("H12", "mail cannot go round in circles", warning, no_post, check_loops);
    checks.add("H13", "nobody greylists us", warning, no_post, check_greylisting);
    checks.add(
        "H14", "the old server still takes mail for the domain", warning, moving, check_old_accepts
    );
    checks.add(
        "H15",
        "the old server no longer thinks that the domain is its own",
        warning,
        moving,
        check_old_routing
    );
    checks.add("H17", "no firewall rewrites SMTP", warning, {}, check_masked_verbs);
    checks.add(
        "H18",
        "names for mail programs do not point to the hold host",
        warning,
        {},
        check_client_names
    );
    checks.add(
        "H21",
        "no filter in front of the old server keeps mail back",
        warning,
        {},
        check_old_gateway
    );
    checks.add(
        "H22", "old and new server know the same recipients", warning, no_post, check_recipient_list
    );
    checks.add("H23", "sidingd may open enough files", warning, no_post, check_file_limit);
    checks.add(
        "P03",
        "the hold host shows a certificate that everybody trusts",
        critical,
        no_post,
        check_hold_certificate
    );
    checks.add(
        "P06",
        "the old MX keeps a certificate that strict senders accept",
        critical,
        {},
        check_old_certificate
    );
    checks.add_by_hand(
        "H16",
        "users of the new platform still reach those who have not moved",
        warning,
        {},
        advise_on_pilot
    );
    checks.add_by_hand("H19", "a planned outage costs nothing", info, {}, advise_on_outage);
    checks.add_by_hand("H20", "no job edits the zone by itself", warning, {}, advise_on_jobs);
}

std::string name_of(const HostView& host, const SmtpView& session) {
    return host.name == session.address.address ? session.address.text()
                                                : host.name + " " + session.address.text();
}

std::string describe_sessions(const HostView& host) {
    if (host.sessions.empty()) {
        return host.problem;
    }
    std::vector<std::string> lines;
    for (const SmtpView& session : host.sessions) {
        lines.push_back(
            session.has_answered()
                ? fmt::format("{} answers in {} ms", name_of(host, session), session.took.count())
                : fmt::format("{}: {}", name_of(host, session), session.problem)
        );
    }
    return as_list(lines);
}

std::string as_list(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) {
        text += (text.empty() ? "" : "\n") + line;
    }
    return text;
}

std::vector<net::Endpoint> own_listeners(const config::Config& config) {
    std::vector<net::Endpoint> found;
    for (const config::Listener& listener : config.listeners) {
        if (listener.address.port == 0 || listener.tls == config::ListenerTls::implicit) {
            continue;
        }
        const bool is_v6 = listener.address.host.find(':') != std::string::npos;
        net::Endpoint at;
        at.family = is_v6 ? net::Family::ipv6 : net::Family::ipv4;
        at.port = listener.address.port;
        at.address = listener.address.host;
        if (at.address == "0.0.0.0") {
            at.address = "127.0.0.1";
        } else if (at.address == "::") {
            at.address = "::1";
        }
        found.push_back(std::move(at));
    }
    return found;
}

std::string unlikely_address(std::string_view domain) {
    std::random_device random;
    return fmt::format("siding-doctor-{:08x}@{}", random(), domain);
}

net::awaitable<std::vector<RcptAnswer>> ask_recipients(
    const DoctorFacts& facts,
    const HostView& host,
    std::vector<std::string> recipients,
    std::string_view sender
) {
    const std::string mail = fmt::format("MAIL FROM:<{}>", sender);
    std::vector<RcptAnswer> answers;
    const SmtpView* const known = host.answered();
    if (known == nullptr) {
        co_return answers;
    }
    SmtpProbeOptions options = probe_options(facts, host);
    net::Endpoint address = known->address;
    const auto probe = co_await SmtpProbe::open(std::move(address), std::move(options));
    auto begun = co_await probe->say(mail);
    for (const std::string& recipient : recipients) {
        RcptAnswer answer;
        answer.recipient = recipient;
        if (begun.has_error() || !begun->is_positive()) {
            answer.code = begun.has_error() ? 0 : begun->code;
            answer.text = begun.has_error() ? begun.error().message() : begun->text();
            answers.push_back(std::move(answer));
            break;
        }
        auto said = co_await probe->say("RCPT TO:<" + recipient + ">");
        answer.code = said.has_error() ? 0 : said->code;
        answer.text = said.has_error() ? escape(said.error().message()) : said->text();
        answers.push_back(std::move(answer));
        if (said.has_error() || said->is_closing()) {
            break;
        }
    }
    co_await probe->close();
    co_return answers;
}

}  // namespace siding::cutover
