#include "cutover/sender_log_exchange.hpp"

#include "base/bytes.hpp"
#include "base/limits.hpp"
#include "base/network.hpp"
#include "cutover/log_time.hpp"
#include "dns/stragglers.hpp"

#include <utility>

namespace siding::cutover {
namespace {

constexpr std::string_view fields_tag = "#Fields:";

std::string address_or_nothing(std::string text) {
    return network_of(text, {}).empty() ? std::string{} : std::move(text);
}

}  // namespace

std::vector<std::string> split_csv(std::string_view line) {
    std::vector<std::string> fields(1);
    bool quoted = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (quoted && c == '"' && line.substr(i + 1).starts_with('"')) {
            fields.back() += '"';
            ++i;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (c == ',' && !quoted) {
            fields.emplace_back();
        } else {
            fields.back() += c;
        }
    }
    return fields;
}

bool ExchangeLog::take(std::string_view line, std::vector<LoggedMail>& mails) {
    if (line.starts_with('#')) {
        return take_fields(line);
    }
    if (columns_.empty()) {
        return false;
    }
    const auto fields = split_csv(line);
    const auto value = [&](std::string_view name) {
        const auto column = columns_.find(name);
        return column == columns_.end() || column->second >= fields.size() ? std::string{}
                                                                           : fields[column->second];
    };
    const auto at = parse_iso_time(value("date-time"));
    if (!at) {
        return false;
    }
    if (!equals_ignoring_case(value("event-id"), "RECEIVE") ||
        !equals_ignoring_case(value("source"), "SMTP")) {
        return true;
    }
    LoggedMail mail;
    mail.at = *at;
    // The front end hands mail on within the organisation; the client is who spoke to it.
    mail.client_address = address_or_nothing(value("original-client-ip"));
    if (mail.client_address.empty()) {
        mail.client_address = address_or_nothing(value("client-ip"));
    }
    mail.helo = value("client-hostname");
    mail.sender = value("sender-address");
    if (mail.sender == "<>") {
        mail.sender.clear();
    }
    mail.is_internal = equals_ignoring_case(value("directionality"), "Originating") ||
                       dns::is_private_address(mail.client_address);
    const std::string recipients = value("recipient-address");
    for (std::string_view rest = recipients; !rest.empty();) {
        const auto end = rest.find(';');
        if (end != 0 && mail.recipients.size() < limits::log_recipients_max) {
            mail.recipients.emplace_back(rest.substr(0, end));
        }
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
    if (!mail.recipients.empty()) {
        mails.push_back(std::move(mail));
    }
    return true;
}

bool ExchangeLog::take_fields(std::string_view line) {
    if (!line.starts_with(fields_tag)) {
        return line.starts_with("#Software: Microsoft Exchange") ||
               line.starts_with("#Log-type: Message Tracking") || !columns_.empty() ||
               line.starts_with("#Version:") || line.starts_with("#Date:");
    }
    line.remove_prefix(fields_tag.size());
    columns_.clear();
    const auto names = split_csv(line);
    for (std::size_t i = 0; i < names.size(); ++i) {
        const auto from = names[i].find_first_not_of(' ');
        if (from != std::string::npos) {
            columns_.emplace(to_lower(std::string_view{names[i]}.substr(from)), i);
        }
    }
    return columns_.contains("date-time") && columns_.contains("event-id") &&
           columns_.contains("recipient-address");
}

}  // namespace siding::cutover
