#include "relay/dsn.hpp"

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "relay/dsn_mime.hpp"
#include "smtp/parameters.hpp"
#include "smtp/xtext.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace siding::relay {
namespace {

// What was understood when it came in is understood now.
smtp::MailParameters mail_parameters_of(const queue::Envelope& envelope) {
    const auto text = fmt::format("{}", fmt::join(envelope.mail_parameters, " "));
    auto parsed = smtp::parse_mail_parameters(text);
    return parsed ? std::move(*parsed) : smtp::MailParameters{};
}

smtp::RcptParameters parameters_of(const queue::EnvelopeRecipient& recipient) {
    const auto text = fmt::format("{}", fmt::join(recipient.parameters, " "));
    auto parsed = smtp::parse_rcpt_parameters(text);
    return parsed ? std::move(*parsed) : smtp::RcptParameters{};
}

// RFC 6533 §3: "utf-8;" where the address needs it, else "rfc822;".
std::string typed(std::string_view address) {
    return fmt::format("{}; {}", has_octets_beyond_ascii(address) ? "utf-8" : "rfc822", address);
}

// "rfc822;joe+2Bx@example.com" as sent to what it means (RFC 3461 §4.2). The xtext of a utf-8
// address may hold UTF-8 as it is (RFC 6533 §3), which decode_xtext refuses: then as sent.
std::string decode_orcpt(std::string_view orcpt) {
    const auto semicolon = orcpt.find(';');
    const std::string_view type = orcpt.substr(0, semicolon);
    const std::string_view address = orcpt.substr(std::min(semicolon + 1, orcpt.size()));
    const auto decoded = smtp::decode_xtext(address);
    return fmt::format("{}; {}", type, decoded ? *decoded : std::string{address});
}

std::string original_recipient(const queue::EnvelopeRecipient& recipient) {
    if (const auto orcpt = parameters_of(recipient).orcpt) {
        return decode_orcpt(*orcpt);
    }
    return recipient.original.empty() ? std::string{} : typed(recipient.original);
}

bool is_global(const DsnFacts& facts) {
    if (mail_parameters_of(facts.about).smtputf8 ||
        has_octets_beyond_ascii(facts.about.reverse_path)) {
        return true;
    }
    return std::ranges::any_of(facts.recipients, [](const DsnRecipient& recipient) {
        return has_octets_beyond_ascii(recipient.envelope.address) ||
               has_octets_beyond_ascii(original_recipient(recipient.envelope));
    });
}

bool starts_like_reply(std::string_view text) {
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    return text.size() >= 3 && (text[0] == '4' || text[0] == '5') &&
           std::ranges::all_of(text.substr(0, 3), is_digit) && (text.size() == 3 || text[3] == ' ');
}

std::string domain_of(std::string_view address) {
    return std::string{address.substr(address.rfind('@') + 1)};
}

std::string shown_address(const DsnRecipient& recipient) {
    const std::string& original = recipient.envelope.original;
    return original.empty() ? recipient.envelope.address : original;
}

// For the sender's eyes.
std::string notification_text(const DsnFacts& facts) {
    std::string out = fmt::format(
        "This is the mail system at host {}.\r\n\r\n"
        "Your message could not be delivered to the recipients below. They were tried,\r\n"
        "or kept for a while, and have now been given up: nobody will try again.\r\n",
        facts.hostname
    );
    for (const DsnRecipient& recipient : facts.recipients) {
        out += fmt::format("\r\n<{}>\r\n", shown_address(recipient));
        const std::string& reply = recipient.row.last_reply;
        const std::string said =
            reply.empty() ? std::string{"no server was asked"}
            : starts_like_reply(reply)
                ? fmt::format(
                      "the server of {} said: {}", domain_of(shown_address(recipient)), reply
                  )
                : reply;
        out += format_field("   ", said).substr(4);  // folded like a field, without a name
    }
    out += fmt::format(
        "\r\nThe message arrived here on {}.\r\n", format_rfc5322_date(facts.about.received_at)
    );
    return out;
}

std::string recipient_fields(const DsnRecipient& recipient) {
    std::string out;
    if (const std::string original = original_recipient(recipient.envelope); !original.empty()) {
        out += format_field("Original-Recipient", original);
    }
    const std::string& reply = recipient.row.last_reply;
    out += format_field("Final-Recipient", typed(recipient.envelope.address));
    out += format_field("Action", "failed");
    out += format_field("Status", status_of_reply(reply));
    if (!reply.empty()) {
        out += format_field(
            "Diagnostic-Code",
            fmt::format("{}; {}", starts_like_reply(reply) ? "smtp" : "x-siding", reply)
        );
    }
    if (recipient.row.last_attempt_at != WallTime{}) {
        out +=
            format_field("Last-Attempt-Date", format_rfc5322_date(recipient.row.last_attempt_at));
    }
    return out;
}

// RFC 3464 §2.2, §2.3: fields of the message, then of each recipient.
std::string status_text(const DsnFacts& facts) {
    std::string out;
    if (const auto envid = mail_parameters_of(facts.about).envid) {
        out += format_field("Original-Envelope-Id", smtp::decode_xtext(*envid).value_or(*envid));
    }
    out += format_field("Reporting-MTA", "dns; " + facts.hostname);
    out += format_field("Arrival-Date", format_rfc5322_date(facts.about.received_at));
    for (const DsnRecipient& recipient : facts.recipients) {
        out += "\r\n" + recipient_fields(recipient);
    }
    return out;
}

struct Part {
    std::string fields;
    std::string content;
};

Part make_returned(const DsnFacts& facts, bool global) {
    const std::string message = facts.about.trace_header + facts.octets;
    if (facts.is_whole) {
        const bool is_8bit = has_octets_beyond_ascii(message);
        return {
            format_field("Content-Description", "Undelivered Message") +
                format_field("Content-Type", global ? "message/global" : "message/rfc822") +
                format_field("Content-Transfer-Encoding", is_8bit ? "8bit" : "7bit"),
            message};
    }
    const std::string_view headers = header_section_of(message);
    const bool is_8bit = has_octets_beyond_ascii(headers);
    // RFC 6533 §4: headers in UTF-8 have a type of their own, and keep their octets.
    const std::string_view encoding = !is_8bit ? "7bit" : global ? "8bit" : "quoted-printable";
    return {
        format_field("Content-Description", "Undelivered Message Headers") +
            format_field(
                "Content-Type", global ? "message/global-headers" : "text/rfc822-headers"
            ) +
            format_field("Content-Transfer-Encoding", encoding),
        is_8bit && !global ? encode_quoted_printable(headers) : std::string{headers}};
}

std::vector<Part> make_parts(const DsnFacts& facts, bool global) {
    const std::string_view encoding = global ? "8bit" : "7bit";
    return {
        {format_field("Content-Description", "Notification") +
             format_field("Content-Type", global ? "text/plain; charset=utf-8" : "text/plain") +
             format_field("Content-Transfer-Encoding", encoding),
         notification_text(facts)},
        {format_field("Content-Description", "Delivery report") +
             format_field(
                 "Content-Type",
                 global ? "message/global-delivery-status" : "message/delivery-status"
             ) +
             format_field("Content-Transfer-Encoding", encoding),
         status_text(facts)},
        make_returned(facts, global),
    };
}

std::string make_header(const DsnFacts& facts, const std::string& boundary, bool is_8bit) {
    return format_field("Date", format_rfc5322_date(facts.now)) +
           format_field(
               "From", fmt::format("Mail Delivery System <MAILER-DAEMON@{}>", facts.hostname)
           ) +
           format_field("To", facts.about.reverse_path) +
           format_field("Subject", "Undelivered Mail Returned to Sender") +
           format_field("Message-ID", fmt::format("<{}@{}>", facts.id.text(), facts.hostname)) +
           format_field("Auto-Submitted", "auto-replied") +  // RFC 3834 §5
           format_field("MIME-Version", "1.0") +
           format_field(
               "Content-Type",
               fmt::format(
                   "multipart/report; report-type=delivery-status; boundary=\"{}\"", boundary
               )
           ) +
           format_field("Content-Transfer-Encoding", is_8bit ? "8bit" : "7bit");
}

queue::Envelope make_envelope(const DsnFacts& facts, bool global, bool is_8bit) {
    queue::Envelope envelope;
    envelope.id = facts.id;
    envelope.received_at = facts.now;
    if (is_8bit) {
        envelope.mail_parameters.emplace_back("BODY=8BITMIME");
        envelope.body.declared_8bit = true;
    }
    if (global) {
        envelope.mail_parameters.emplace_back("SMTPUTF8");
    }
    // All reports are one wave of ours: the domains of senders are none of those that move.
    const auto own = Domain::parse(facts.hostname);
    queue::EnvelopeRecipient to{
        .address = facts.about.reverse_path,
        .parameters = {"NOTIFY=NEVER"},  // RFC 3461 §6.1
        .domain = own ? *own : Address::parse(facts.about.reverse_path).value().domain(),
        .wave = dsn_wave,
    };
    envelope.recipients.push_back(std::move(to));
    envelope.helo = facts.hostname;
    envelope.trace_header = format_field(
        "Received",
        fmt::format(
            "by {} (Siding) id {}; {}",
            facts.hostname,
            facts.id.text(),
            format_rfc5322_date(facts.now)
        )
    );
    envelope.message_id_header = fmt::format("<{}@{}>", facts.id.text(), facts.hostname);
    envelope.tags = {"dsn"};
    return envelope;
}

}  // namespace

bool wants_dsn(const queue::Envelope& about, const queue::EnvelopeRecipient& recipient) {
    if (about.reverse_path.empty() || recipient.copy || !Address::parse(about.reverse_path)) {
        return false;
    }
    const auto notify = parameters_of(recipient).notify;
    return !notify || notify->failure;
}

bool wants_whole_message(const queue::Envelope& about) {
    return mail_parameters_of(about).ret == smtp::Ret::full && !about.body.binary;
}

Dsn make_dsn(const DsnFacts& facts) {
    const bool global = is_global(facts);
    const std::vector<Part> parts = make_parts(facts, global);
    std::string all;
    for (const Part& part : parts) {
        all += part.content;
    }
    const std::string boundary = make_boundary(facts.id.text(), all);
    std::string body = "This is a report in MIME format.\r\n";
    for (const Part& part : parts) {
        body += fmt::format("\r\n--{}\r\n{}\r\n{}", boundary, part.fields, part.content);
    }
    body += fmt::format("\r\n--{}--\r\n", boundary);
    const bool is_8bit = has_octets_beyond_ascii(body);
    return {
        make_envelope(facts, global, is_8bit),
        make_header(facts, boundary, is_8bit) + "\r\n" + body};
}

std::string status_of_reply(std::string_view reply) {
    if (!starts_like_reply(reply)) {
        return "5.0.0";
    }
    const std::string_view rest = reply.substr(std::min<std::size_t>(4, reply.size()));
    const std::string_view code = rest.substr(0, rest.find(' '));
    int dots = 0;
    const bool is_code = std::ranges::all_of(code, [&](char c) {
        dots += c == '.' ? 1 : 0;
        return c == '.' || (c >= '0' && c <= '9');
    });
    const bool fits = is_code && dots == 2 && code.size() >= 5 && code.size() <= 9 &&
                      code.front() == reply.front() && code[1] == '.' && code.back() != '.';
    return fits ? std::string{code} : fmt::format("{}.0.0", reply.front());
}

}  // namespace siding::relay
