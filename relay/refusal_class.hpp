// Why mail was turned away, as the few classes that the metrics and the ledger count by. Each is
// named once, here; the reply that the client heard is the finer truth.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace siding::relay {

enum class RefusalClass {
    relay_denied,          // a domain that is not ours
    unknown_recipient,     // ours, but nobody there
    undecided_recipient,   // who could say is not there: 450
    not_yet,               // phase prep
    retired,               // phase retired
    too_many_connections,  // of this client, or in all
    rate,                  // too many connections, messages or recipients in a minute
    too_many_recipients,   // of one transaction
    too_many_commands,     // of one session, or errors
    too_large,             // message, header or line
    bare_newline,
    loop,  // too many Received fields
    filter_reject,
    filter_defer,
    upstream,  // the server that the mail was passed on to has refused it
    early_talker,
    bad_proxy,  // a PROXY header or XCLIENT that is missing or malformed
    tls_required,
    tls_failed,
    bad_sender,  // a reverse-path or parameter that MAIL refuses
    timeout,     // too slow for a command, its data or the whole message
    storage,     // below the disk reserve, or a failed store
    protocol_error,
    other,
};

inline constexpr std::array refusal_class_names{
    std::string_view{"relay_denied"},
    std::string_view{"unknown_recipient"},
    std::string_view{"undecided_recipient"},
    std::string_view{"not_yet"},
    std::string_view{"retired"},
    std::string_view{"too_many_connections"},
    std::string_view{"rate"},
    std::string_view{"too_many_recipients"},
    std::string_view{"too_many_commands"},
    std::string_view{"too_large"},
    std::string_view{"bare_newline"},
    std::string_view{"loop"},
    std::string_view{"filter_reject"},
    std::string_view{"filter_defer"},
    std::string_view{"upstream"},
    std::string_view{"early_talker"},
    std::string_view{"bad_proxy"},
    std::string_view{"tls_required"},
    std::string_view{"tls_failed"},
    std::string_view{"bad_sender"},
    std::string_view{"timeout"},
    std::string_view{"storage"},
    std::string_view{"protocol_error"},
    std::string_view{"other"},
};
static_assert(refusal_class_names.size() == static_cast<std::size_t>(RefusalClass::other) + 1);

constexpr std::string_view format_refusal_class(RefusalClass reason) {
    return refusal_class_names[static_cast<std::size_t>(reason)];
}

}  // namespace siding::relay
