#include "base/bytes.hpp"
#include "cutover/doctor_hosts.hpp"
#include "relay/tls_clients.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace siding::cutover {
namespace {

using smtp::Extension;

// What a message may need at its last server; the rest is settled hop by hop.
constexpr std::array needed_end_to_end{
    Extension::eight_bit_mime, Extension::smtputf8, Extension::binarymime, Extension::requiretls};

struct Gateway {
    std::string_view suffix;
    std::string_view name;
};
constexpr std::array gateways{
    Gateway{"pphosted.com", "Proofpoint"},
    Gateway{"ppe-hosted.com", "Proofpoint Essentials"},
    Gateway{"mimecast.com", "Mimecast"},
    Gateway{"mailcontrol.com", "Forcepoint"},
    Gateway{"messagelabs.com", "Symantec Email Security.cloud"},
    Gateway{"barracudanetworks.com", "Barracuda"},
    Gateway{"iphmx.com", "Cisco Secure Email"},
    Gateway{"hornetsecurity.com", "Hornetsecurity"},
    Gateway{"antispamcloud.com", "SpamExperts"},
    Gateway{"trendmicro.com", "Trend Micro"},
    Gateway{"trendmicro.eu", "Trend Micro"},
    Gateway{"sophos.com", "Sophos"},
    Gateway{"fireeyecloud.com", "Trellix"},
    Gateway{"mailspamprotection.com", "SiteGround's filter"},
    Gateway{"spamh.com", "SpamHero"},
    Gateway{"nospamproxy.com", "NoSpamProxy"},
};

std::vector<const HostView*> old_servers(const DoctorFacts& facts) {
    std::vector<const HostView*> found = facts.server("old");
    if (found.empty()) {
        for (const HostView& host : facts.hosts) {
            if (host.is_old_mx || (facts.config == nullptr && host.is_mx)) {
                found.push_back(&host);
            }
        }
    }
    return found;
}

const HostView* answering(const std::vector<const HostView*>& hosts) {
    const auto found = std::ranges::find_if(hosts, [](const HostView* host) {
        return host->answered() != nullptr;
    });
    return found == hosts.end() ? nullptr : *found;
}

CheckOutcome without_answer(const DoctorFacts& facts) {
    return old_servers(facts).empty() ? not_checked("no old server is known")
                                      : hindered("no old server answers");
}

smtp::Extensions offered_by_us(const config::Config& config) {
    smtp::Extensions offered;
    for (const std::string& keyword : config.extensions) {
        if (const auto extension = smtp::parse_extension(keyword)) {
            offered.add(*extension);
        }
    }
    // As the listener does: only where every server is authenticated.
    const auto is_authenticated = [](const auto& entry) {
        return relay::is_authenticated(entry.second);
    };
    if (!std::ranges::all_of(config.servers, is_authenticated)) {
        offered.remove(Extension::requiretls);
    }
    offered.add_size(config.limits.message_size_bytes);
    return offered;
}

struct Gaps {
    std::vector<std::string> lines;
    std::vector<std::string> missing;  // keywords
    std::optional<std::uint64_t> smallest_size;
};

void compare(
    const smtp::Extensions& ours, const std::string& who, const smtp::Extensions& theirs, Gaps& gaps
) {
    for (const Extension extension : needed_end_to_end) {
        const std::string keyword{smtp::keyword_of(extension)};
        if (ours.has(extension) && !theirs.has(extension)) {
            gaps.lines.push_back(keyword + ": offered by Siding, not by " + who);
            if (std::ranges::find(gaps.missing, keyword) == gaps.missing.end()) {
                gaps.missing.push_back(keyword);
            }
        }
    }
    const auto theirs_max = theirs.size_octets_max();
    if (theirs_max && *theirs_max < ours.size_octets_max().value_or(0)) {
        gaps.lines.push_back(fmt::format(
            "SIZE: Siding takes {} octets, {} {}", *ours.size_octets_max(), who, *theirs_max
        ));
        gaps.smallest_size = std::min(gaps.smallest_size.value_or(*theirs_max), *theirs_max);
    }
}

std::string fix_for(const config::Config& config, const Gaps& gaps) {
    std::string fix;
    if (!gaps.missing.empty()) {
        std::string kept;
        for (const std::string& keyword : config.extensions) {
            if (std::ranges::find(gaps.missing, keyword) == gaps.missing.end()) {
                kept += (kept.empty() ? "" : ", ") + keyword;
            }
        }
        fix = "extensions: [" + kept + "]";
    }
    if (gaps.smallest_size) {
        fix += (fix.empty() ? "" : "\n") +
               fmt::format("limits: {{message_size: {}}}", *gaps.smallest_size);
    }
    return fix;
}

// Postfix names the table in which it has looked.
enum class Routing { local, relayed, refused, unknown };

Routing routing_of(const RcptAnswer& answer) {
    const std::string text = to_lower(answer.text);
    const auto says = [&text](std::string_view what) {
        return text.find(what) != std::string::npos;
    };
    if (says("local recipient table") || says("virtual mailbox table") ||
        says("virtual alias table")) {
        return Routing::local;
    }
    if (says("relay recipient table")) {
        return Routing::relayed;
    }
    if (says("relay access denied") || says("relaying denied") || says("unable to relay") ||
        says("relay not permitted")) {
        return Routing::refused;
    }
    return Routing::unknown;
}

constexpr const char* stop_being_local =
    "Postfix:\n"
    "  take the domain out of mydestination and virtual_mailbox_domains, then\n"
    "  postconf -e 'relay_domains = DOMAIN' 'transport_maps = inline:{DOMAIN=smtp:[HOLD]:25}'\n"
    "cPanel: Email Routing → Remote Mail Exchanger; Plesk: Mail Settings → off\n"
    "Exchange: Set-AcceptedDomain DOMAIN -DomainType InternalRelay, and a send connector:\n"
    "  New-SendConnector -Name Siding -AddressSpaces DOMAIN -SmartHosts HOLD "
    "-DNSRoutingEnabled $false";

std::string filled_in(std::string text, const std::string& domain, const std::string& hold) {
    const std::array replacements{
        std::pair{std::string_view{"DOMAIN"}, &domain}, std::pair{std::string_view{"HOLD"}, &hold}};
    for (const auto& [word, value] : replacements) {
        for (auto at = text.find(word); at != std::string::npos;
             at = text.find(word, at + value->size())) {
            text.replace(at, word.size(), *value);
        }
    }
    return text;
}

}  // namespace

net::awaitable<CheckOutcome> check_extensions(const DoctorFacts& facts) {
    if (const std::string lack = facts.lacks_config(); !lack.empty()) {
        co_return not_checked(lack);
    }
    const smtp::Extensions ours = offered_by_us(*facts.config);
    Gaps gaps;
    std::vector<std::string> asked;
    for (const char* const server : {"old", "new"}) {
        const HostView* const host = answering(facts.server(server));
        if (host != nullptr) {
            compare(
                ours, std::string{"the "} + server + " server", host->answered()->extensions, gaps
            );
            asked.emplace_back(server);
        }
    }
    if (asked.empty()) {
        co_return hindered("neither old nor new server answers");
    }
    if (gaps.lines.empty()) {
        co_return passed(fmt::format("compared with {}", fmt::join(asked, " and ")));
    }
    co_return failed(
        as_list(gaps.lines),
        "Siding accepts mail that a server cannot take afterwards: it is parked at the release, "
        "while the sender believes that it arrived.",
        fix_for(*facts.config, gaps)
    );
}

net::awaitable<CheckOutcome> check_old_accepts(const DoctorFacts& facts) {
    const HostView* const host = answering(old_servers(facts));
    if (host == nullptr) {
        co_return without_answer(facts);
    }
    std::vector<std::string> one{"postmaster@" + facts.domain};
    const auto answers = co_await ask_recipients(facts, *host, std::move(one), "");
    if (answers.empty() || answers.front().code == 0) {
        co_return hindered(answers.empty() ? "no answer" : answers.front().text);
    }
    const std::string evidence = fmt::format(
        "{} says to <postmaster@{}>: {}",
        name_of(*host, *host->answered()),
        facts.domain,
        answers.front().text
    );
    if (answers.front().code / 100 == 2) {
        co_return passed(evidence);
    }
    co_return failed(
        evidence,
        "Senders with an old MX in their cache bounce, and nobody sees how many are left.",
        "Let the old server relay the domain to Siding instead of refusing it. " +
            filled_in(
                stop_being_local,
                facts.domain,
                facts.new_hosts.empty() ? "HOLD-HOST" : facts.new_hosts.front()
            )
    );
}

net::awaitable<CheckOutcome> check_old_routing(const DoctorFacts& facts) {
    if (!facts.options.phase && !facts.is_switched()) {
        co_return not_checked("it matters when MX has moved");
    }
    const HostView* const host = answering(old_servers(facts));
    if (host == nullptr) {
        co_return without_answer(facts);
    }
    std::vector<std::string> one{unlikely_address(facts.domain)};
    const auto answers = co_await ask_recipients(facts, *host, std::move(one), "");
    if (answers.empty() || answers.front().code == 0) {
        co_return hindered(answers.empty() ? "no answer" : answers.front().text);
    }
    const std::string evidence = fmt::format(
        "{} says to <{}>: {}",
        name_of(*host, *host->answered()),
        answers.front().recipient,
        answers.front().text
    );
    const std::string hold = facts.new_hosts.empty() ? "HOLD-HOST" : facts.new_hosts.front();
    const std::string fix = filled_in(stop_being_local, facts.domain, hold);
    switch (routing_of(answers.front())) {
    case Routing::local:
        co_return failed(
            evidence,
            "The old server never asks MX for a domain of its own: its other customers, web forms "
            "and devices go on filling the old mailboxes.",
            fix
        );
    case Routing::relayed:
    case Routing::refused:
        co_return passed(evidence);
    case Routing::unknown:
        break;
    }
    CheckOutcome outcome = not_checked("its answer does not tell: " + evidence);
    outcome.fix = "Send a message from a mailbox or web form of the old server to " + facts.domain +
                  ": it must arrive at Siding.\nIf it stays in the old mailbox:\n" + fix;
    co_return outcome;
}

net::awaitable<CheckOutcome> check_masked_verbs(const DoctorFacts& facts) {
    std::vector<std::string> masked;
    std::size_t looked_at = 0;
    for (const HostView& host : facts.hosts) {
        for (const SmtpView& session : host.sessions) {
            if (!session.has_answered()) {
                continue;
            }
            ++looked_at;
            // Cisco's SMTP fixup: stars for the greeting, XXXX for the verbs that it does not know.
            const bool stars = session.greeting.find("****") != std::string::npos;
            const bool crossed = std::ranges::any_of(session.keywords, [](const std::string& word) {
                return word.starts_with("XXXX");
            });
            if (stars || crossed || session.keywords.empty()) {
                masked.push_back(fmt::format(
                    "{}: {}",
                    name_of(host, session),
                    stars || crossed ? "masked words: " + session.greeting : "no EHLO at all"
                ));
            }
        }
    }
    if (looked_at == 0) {
        co_return facts.hosts.empty() ? not_checked("no mail server is known")
                                      : hindered("no mail server answers");
    }
    if (masked.empty()) {
        co_return passed("no greeting and no EHLO answer has masked words");
    }
    co_return failed(
        as_list(masked),
        "A firewall takes STARTTLS, SIZE and 8BITMIME away: no TLS, large mail refused late, "
        "umlauts spoilt.",
        "Cisco ASA: policy-map global_policy / class inspection_default / no inspect esmtp"
    );
}

net::awaitable<CheckOutcome> check_old_gateway(const DoctorFacts& facts) {
    std::vector<std::string> found;
    for (const HostView& host : facts.hosts) {
        if (!host.is_mx && !host.is_old_mx) {
            continue;
        }
        for (const Gateway& gateway : gateways) {
            if (dns::is_at_or_below(host.name, gateway.suffix)) {
                found.push_back(fmt::format("{} is {}", host.name, gateway.name));
            }
        }
    }
    if (found.empty() && !facts.mx_known) {
        co_return hindered("nobody has said what the MX records are");
    }
    if (found.empty()) {
        co_return passed("no MX host is a filter service that we know");
    }
    co_return failed(
        as_list(found),
        "Its deferred queue and its quarantine still release mail to the old server after the "
        "move, and its other customers reach the domain inside the service, whatever MX says.",
        "Before the old server goes: let the service deliver to the hold host, drain its queue and "
        "quarantine,\nkeep its networks allowed until its retries have ended, then remove the "
        "domain there."
    );
}

}  // namespace siding::cutover
