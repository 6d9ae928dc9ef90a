// What the MX records say: whether there are any, and whom they name.
#include "cutover/doctor_dns.hpp"
#include "cutover/doctor_hosts.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace siding::cutover {
namespace {

bool is_in(const std::vector<std::string>& names, const std::string& name) {
    return std::ranges::find(names, name) != names.end();
}

// The MX records as they are to be, to paste.
std::string mx_lines(const DoctorFacts& facts, const std::vector<std::string>& hosts) {
    std::string text;
    int preference = 10;
    for (const std::string& host : hosts) {
        text += text.empty() ? "" : "\n";
        text += zone_line(
            facts.domain, usual_ttl(facts), "MX", fmt::format("{} {}.", preference, host)
        );
        preference += 10;
    }
    return text;
}

// Where MX is to point in this phase of things; empty where nobody has told.
std::vector<std::string> wanted_hosts(const DoctorFacts& facts) {
    const auto served = served_hosts(facts);
    const bool has_begun = std::ranges::any_of(served, [&](const std::string& host) {
        return is_in(facts.new_hosts, host);
    });
    return has_begun ? facts.new_hosts : facts.old_hosts;
}

// Microsoft 365 asks for such a record to prove that a domain is one's own.
bool is_verification(const std::string& host) {
    return host.ends_with(".msv1.invalid");
}

}  // namespace

net::awaitable<CheckOutcome> check_null_mx(const DoctorFacts& facts) {
    if (!facts.mx_known) {
        co_return without_mx(facts);
    }
    const bool has_null =
        std::ranges::any_of(facts.mx, [](const dns::Mx& record) { return record.host.empty(); });
    if (!has_null) {
        co_return passed(describe_mx(facts.mx));
    }
    auto hosts = served_hosts(facts);
    if (hosts.empty()) {
        hosts = facts.old_hosts.empty() ? std::vector<std::string>{"mail." + facts.domain}
                                        : facts.old_hosts;
    }
    co_return failed(
        describe_mx(facts.mx),
        facts.mx.size() == 1
            ? "The null MX says that the domain takes no mail (RFC 7505): every sender bounces at "
              "once, 5.1.10, without a second try."
            : "A null MX beside others is not allowed (RFC 7505): some senders bounce at once, "
              "others go on to the rest.",
        "Delete the record with the host \".\", and keep:\n" + mx_lines(facts, hosts)
    );
}

net::awaitable<CheckOutcome> check_leftover_mx(const DoctorFacts& facts) {
    if (!facts.mx_known) {
        co_return without_mx(facts);
    }
    const auto served = served_hosts(facts);
    const auto wanted = wanted_hosts(facts);
    std::vector<std::string> strange;
    for (const std::string& host : served) {
        if (is_verification(host) || (!wanted.empty() && !is_in(wanted, host))) {
            strange.push_back(host);
        }
    }
    if (!strange.empty()) {
        std::vector<std::string> kept = wanted;
        for (const std::string& host : wanted.empty() ? served : std::vector<std::string>{}) {
            if (!is_in(strange, host)) {
                kept.push_back(host);
            }
        }
        co_return failed(
            fmt::format("MX is {}; not meant: {}", describe_mx(facts.mx), join(strange, ", ")),
            "Senders that cannot reach the first host at some moment go on to these, whatever "
            "their "
            "preference: their mail goes to another server, or nowhere.",
            "Delete the MX records of " + join(strange, ", ") + "; what stays is:\n" +
                mx_lines(facts, kept)
        );
    }
    if (wanted.empty()) {
        co_return not_checked(
            facts.lacks_domain() +
            "; by itself the doctor cannot know which of these are meant: " + describe_mx(facts.mx)
        );
    }
    co_return passed(describe_mx(facts.mx));
}

net::awaitable<CheckOutcome> check_has_mx(const DoctorFacts& facts) {
    if (!facts.mx_known) {
        co_return without_mx(facts);
    }
    if (!facts.mx.empty()) {
        co_return passed(describe_mx(facts.mx));
    }
    const auto hosts = facts.old_hosts.empty() ? facts.new_hosts : facts.old_hosts;
    co_return failed(
        facts.domain + " has no MX record",
        "Senders take the address of " + facts.domain +
            " itself, which is mostly the web server (RFC 5321 §5.1); without one they bounce.",
        mx_lines(facts, hosts.empty() ? std::vector<std::string>{"mail." + facts.domain} : hosts) +
            "\nWhen you move it later: change the record in one step. Never delete it first and "
            "add "
            "it again."
    );
}

}  // namespace siding::cutover
