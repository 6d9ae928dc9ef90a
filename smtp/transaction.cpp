#include "smtp/transaction.hpp"

#include "base/bytes.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <span>

namespace siding::smtp {
namespace {

bool has_non_ascii(std::string_view text) {
    return std::ranges::any_of(text, [](unsigned char c) { return c >= 0x80; });
}

// The parameters with these keywords, verbatim.
std::string pick(
    const std::vector<std::string>& parameters, std::span<const std::string_view> keywords
) {
    std::string out;
    for (const std::string_view parameter : parameters) {
        const std::string_view keyword = parameter.substr(0, parameter.find('='));
        const auto is_same = [&](std::string_view other) {
            return equals_ignoring_case(keyword, other);
        };
        if (std::ranges::any_of(keywords, is_same)) {
            out.append(" ").append(parameter);
        }
    }
    return out;
}

std::string_view format_body(Body body) {
    switch (body) {
    case Body::seven_bit:
        return " BODY=7BIT";
    case Body::eight_bit_mime:
        return " BODY=8BITMIME";
    case Body::binary_mime:
        return " BODY=BINARYMIME";
    }
    return "";
}

// RFC 8689 §4.2.1: TLS, a certificate that was verified, and a server that will demand the same.
std::optional<Verdict> check_requiretls(const NextHop& hop) {
    const char* missing = nullptr;
    if (!hop.is_tls) {
        missing = "the connection has no TLS";
    } else if (!hop.is_verified) {
        missing = "the server's certificate is not verified";
    } else if (!hop.extensions.has(Extension::requiretls)) {
        missing = "the server does not offer it";
    }
    if (missing == nullptr) {
        return std::nullopt;
    }
    return refuse_to_send(fmt::format("550 5.7.30 not sent: REQUIRETLS, but {}", missing));
}

std::optional<Verdict> check_body(const Transaction& transaction, const Extensions& offered) {
    if (transaction.mail_parameters.body == Body::eight_bit_mime &&
        !offered.has(Extension::eight_bit_mime)) {
        return refuse_to_send("554 5.6.3 not sent: the server does not offer 8BITMIME");
    }
    // RFC 3030 §3: BINARYMIME is of use only together with CHUNKING.
    if (transaction.is_binary() &&
        !(offered.has(Extension::binarymime) && offered.has(Extension::chunking))) {
        return refuse_to_send(
            "554 5.6.3 not sent: the server does not offer BINARYMIME and CHUNKING"
        );
    }
    return std::nullopt;
}

}  // namespace

bool Transaction::needs_smtputf8() const {
    const auto is_foreign = [](const Recipient& recipient) {
        return has_non_ascii(recipient.forward_path);
    };
    return mail_parameters.smtputf8 || has_non_ascii(reverse_path) ||
           std::ranges::any_of(recipients, is_foreign);
}

std::optional<Verdict> check_fits(const Transaction& transaction, const NextHop& hop) {
    const auto octets_max = hop.extensions.size_octets_max();
    if (octets_max && transaction.octets > *octets_max) {
        return refuse_to_send(fmt::format(
            "552 5.3.4 not sent: {} octets, the server takes at most {}",
            transaction.octets,
            *octets_max
        ));
    }
    if (auto refusal = check_body(transaction, hop.extensions)) {
        return refusal;
    }
    if (transaction.needs_smtputf8() && !hop.extensions.has(Extension::smtputf8)) {
        // RFC 6531 §3.5
        return refuse_to_send("550 5.6.7 not sent: the server does not offer SMTPUTF8");
    }
    return transaction.mail_parameters.requiretls ? check_requiretls(hop) : std::nullopt;
}

std::string format_mail(const Transaction& transaction, const NextHop& hop) {
    const MailParameters& parameters = transaction.mail_parameters;
    std::string line = "MAIL FROM:<" + transaction.reverse_path + ">";
    if (transaction.octets > 0 && hop.extensions.has(Extension::size)) {
        line += fmt::format(" SIZE={}", transaction.octets);
    }
    if (parameters.body &&
        (transaction.is_binary() || hop.extensions.has(Extension::eight_bit_mime))) {
        line += format_body(*parameters.body);
    }
    if (transaction.needs_smtputf8()) {
        line += " SMTPUTF8";
    }
    if (parameters.requiretls) {
        line += " REQUIRETLS";
    }
    // RFC 3461 §5.2.2: a server without DSN is told nothing of it.
    if (hop.extensions.has(Extension::dsn)) {
        line += pick(parameters.verbatim, std::array<std::string_view, 2>{"RET", "ENVID"});
    }
    return line + "\r\n";
}

std::string format_rcpt(const Transaction::Recipient& recipient, const NextHop& hop) {
    std::string line = "RCPT TO:<" + recipient.forward_path + ">";
    if (hop.extensions.has(Extension::dsn)) {
        const auto& parameters = recipient.parameters.verbatim;
        line += pick(parameters, std::array<std::string_view, 2>{"NOTIFY", "ORCPT"});
    }
    return line + "\r\n";
}

}  // namespace siding::smtp
