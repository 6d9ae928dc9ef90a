#include "cutover/doctor_snippets.hpp"

#include <fmt/format.h>

namespace siding::cutover {
namespace {

std::string listed(const std::vector<std::string>& addresses, std::string_view separator) {
    std::string text;
    for (const std::string& address : addresses) {
        text += (text.empty() ? "" : std::string{separator}) + address;
    }
    return text.empty() ? "SIDING-ADDRESS" : text;
}

std::string microsoft(const std::string& domain, const std::vector<std::string>& addresses) {
    return fmt::format(
        "Microsoft 365, in Exchange Online PowerShell:\n"
        "New-InboundConnector -Name \"Siding\" -ConnectorType Partner -SenderDomains * "
        "-SenderIpAddresses {0} -RequireTls $true\n"
        "Set-InboundConnector -Identity \"Siding\" -EFSkipLastIP $true\n"
        "Set-AcceptedDomain -Identity {1} -DomainType InternalRelay\n"
        "The first line ends throttling of an unknown address (451 4.7.500), the second has the "
        "sender's own address judged (Enhanced Filtering), the third keeps recipients that are not "
        "there yet from being refused (550 5.4.1). Switch off rules that set SCL -1. Afterwards:\n"
        "Set-AcceptedDomain -Identity {1} -DomainType Authoritative\n"
        "Remove-InboundConnector -Identity \"Siding\"",
        listed(addresses, ","),
        domain
    );
}

std::string google(const std::vector<std::string>& addresses) {
    return fmt::format(
        "Google Workspace, admin.google.com: Apps > Google Workspace > Gmail > Spam, Phishing and "
        "Malware > Inbound gateway:\n"
        "  Gateway IPs: {}\n"
        "  Automatically detect external IP (recommended): on\n"
        "  Require TLS for connections from the email gateways listed above: on\n"
        "  Reject all mail not from gateway IPs: off\n"
        "It takes up to an hour to apply; take it out after the move.",
        listed(addresses, ", ")
    );
}

std::string exchange(const std::vector<std::string>& addresses) {
    return fmt::format(
        "Exchange, in the Management Shell on each transport server:\n"
        "New-ReceiveConnector -Name \"Siding\" -TransportRole FrontendTransport -Usage Custom "
        "-Bindings 0.0.0.0:25 -RemoteIPRanges {} -PermissionGroups AnonymousUsers "
        "-MaxInboundConnectionPerSource 100 -MaxInboundConnectionPercentagePerSource 100 "
        "-TarpitInterval 00:00:00\n"
        "Get-ReceiveConnector \"$env:COMPUTERNAME\\Siding\" | Add-ADPermission -User \"NT "
        "AUTHORITY\\ANONYMOUS LOGON\" -ExtendedRights \"Ms-Exch-SMTP-Accept-Any-Sender\",\"Ms-Exch-"
        "SMTP-Accept-Authoritative-Domain-Sender\",\"Ms-Exch-Bypass-Anti-Spam\"",
        listed(addresses, ",")
    );
}

std::string postfix(const std::vector<std::string>& addresses) {
    const std::string all = listed(addresses, " ");
    return fmt::format(
        "Postfix, Zimbra, Carbonio, on the new server:\n"
        "postconf -e \"smtpd_authorized_xclient_hosts = {0}\"\n"
        "postconf -e \"smtpd_client_event_limit_exceptions = $mynetworks {0}\"\n"
        "for ip in {0}; do echo \"$ip permit\" >> /etc/postfix/siding_access.cidr; done\n"
        "postconf -e \"postscreen_access_list = permit_mynetworks, "
        "cidr:/etc/postfix/siding_access.cidr\"\n"
        "postfix reload\n"
        "and \"xclient: true\" at the server in Siding's configuration: then greylisting, SPF and "
        "block lists see the sender's own address. Without XCLIENT put check_client_access "
        "cidr:/etc/postfix/siding_access.cidr in front of them in smtpd_recipient_restrictions.",
        all
    );
}

std::string generic(const std::vector<std::string>& addresses) {
    return fmt::format(
        "Ask the operator of the new server to let {} in without greylisting, block lists, SPF and "
        "DMARC checks of the connecting address and without rate limits, and for its limits: size "
        "of a message, connections, messages on a connection.",
        listed(addresses, ", ")
    );
}

}  // namespace

std::string destination_snippet(
    config::Profile profile, const std::string& domain, const std::vector<std::string>& addresses
) {
    switch (profile) {
    case config::Profile::m365:
        return microsoft(domain, addresses);
    case config::Profile::google:
        return google(addresses);
    case config::Profile::exchange:
        return exchange(addresses);
    case config::Profile::postfix:
        return postfix(addresses);
    case config::Profile::generic:
        break;
    }
    return generic(addresses);
}

}  // namespace siding::cutover
