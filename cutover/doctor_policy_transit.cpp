// What happens to others' mail on its way through us. The doctor sends no mail and reads no queue,
// so these tell a person what to do.
#include "cutover/doctor_dns.hpp"
#include "cutover/doctor_policy.hpp"
#include "cutover/doctor_snippets.hpp"

#include <fmt/format.h>

namespace siding::cutover {

net::awaitable<CheckOutcome> check_destination_trust(const DoctorFacts& facts) {
    const auto addresses = own_addresses(facts);
    co_return by_hand(
        destination_snippet(new_profile(facts), facts.domain, addresses) +
        "\nThen send, from a domain whose SPF ends in -all and that does not sign, one message "
        "through Siding, and see that it is in the inbox and not in the junk folder."
    );
}

net::awaitable<CheckOutcome> check_untouched(const DoctorFacts& facts) {
    const bool changes_newlines =
        facts.config != nullptr && facts.config->bare_newlines == config::BareNewlines::normalize;
    co_return by_hand(
        std::string{
            "siding rehearse --mail DIRECTORY\n"
            "It sends messages of your own through a whole cutover on this machine, and compares "
            "each octet that comes out."} +
        (changes_newlines
             ? "\nA bare CR or LF in a message becomes CRLF here. With \"bare_newlines: "
               "reject\" in the configuration such mail is refused instead."
             : "")
    );
}

net::awaitable<CheckOutcome> check_dkim_expiry(const DoctorFacts& facts) {
    co_return by_hand(
        "siding queue list --domain " + facts.domain +
        " --state held --limit 1\n"
        "The age of the oldest held message counts: signatures with x= end, Gmail's after seven "
        "days. Release before that, or have the destination trust Siding's address (P10)."
    );
}

net::awaitable<CheckOutcome> check_arc(const DoctorFacts& facts) {
    const auto addresses = own_addresses(facts);
    co_return by_hand(
        "Siding changes no octet of a message, so DKIM goes on and no ARC seal is needed. Where "
        "the "
        "destination wants one, let a filter in front of it seal, and name its domain there:\n"
        "Set-ArcConfig -Identity Default -ArcTrustedSealers example.net   # Microsoft 365\n"
        "Otherwise trust goes by address (P10): " +
        join(addresses, ", ")
    );
}

net::awaitable<CheckOutcome> check_at_risk(const DoctorFacts& facts) {
    co_return by_hand(fmt::format(
        "In a day's mail for {} count what has \"spf=pass\" and no \"dkim=pass\" of its own domain "
        "in "
        "Authentication-Results at the old server: so much may be junked at the new one if P10 is "
        "left out.",
        facts.domain
    ));
}

}  // namespace siding::cutover
