#include "relay/lane_transaction.hpp"

#include "base/bytes.hpp"

#include <utility>

namespace siding::relay {
namespace {

smtp::XclientAttributes make_client(const queue::Envelope& envelope) {
    smtp::XclientAttributes out;
    out.name = envelope.client_name;
    out.address = envelope.client_address;
    out.helo = envelope.helo;
    out.esmtp = true;
    return out;
}

// RFC 5321 §4.2: "220 name greeting", "250-name greeting".
std::string_view first_word(std::string_view line) {
    if (line.size() > 4 && line.find_first_not_of("0123456789") == 3) {
        line.remove_prefix(4);
    }
    const auto end = line.find_first_of(" \t\r\n");
    return line.substr(0, end);
}

}  // namespace

LaneTransaction make_transaction(
    const queue::Envelope& envelope,
    const std::vector<queue::Recipient>& recipients,
    const config::Server& server,
    const Remapping& remapping
) {
    LaneTransaction out;
    smtp::Transaction& transaction = out.transaction;
    transaction.reverse_path = envelope.reverse_path;
    std::string parameters;
    for (const std::string& parameter : envelope.mail_parameters) {
        parameters.append(parameters.empty() ? "" : " ").append(parameter);
    }
    // They were parsed when they came in, so they parse again.
    if (auto parsed = smtp::parse_mail_parameters(parameters)) {
        transaction.mail_parameters = std::move(*parsed);
    }
    for (const queue::Recipient& recipient : recipients) {
        const auto& to = envelope.recipients.at(recipient.id.number);
        std::string other = remapping ? remapping(to.address).value_or("") : "";
        transaction.recipients.push_back(
            {other.empty() ? to.address : other, {.verbatim = to.parameters}}
        );
        out.sent_as.push_back(std::move(other));
    }
    transaction.octets = envelope.trace_header.size() + envelope.body.size_octets;
    if (server.xclient) {
        transaction.client = make_client(envelope);
    }
    return out;
}

std::optional<net::Endpoint> client_of(const queue::Envelope& envelope) {
    const std::string& address = envelope.client_address;
    if (!config::is_ip_address(address)) {
        return std::nullopt;
    }
    const bool is_ipv6 = address.find(':') != std::string::npos;
    return net::Endpoint{is_ipv6 ? net::Family::ipv6 : net::Family::ipv4, address, 0};
}

std::optional<std::string> check_loop(
    std::string_view hostname, std::string_view greeting, std::string_view server_name
) {
    const std::string ours = to_lower(hostname);
    if (ours.empty() ||
        (to_lower(first_word(greeting)) != ours && to_lower(first_word(server_name)) != ours)) {
        return std::nullopt;
    }
    return "the server calls itself " + ours + ", which is our own name: mail would loop";
}

}  // namespace siding::relay
