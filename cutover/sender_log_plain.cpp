#include "cutover/sender_log_plain.hpp"

#include "base/limits.hpp"
#include "base/network.hpp"
#include "cutover/log_time.hpp"
#include "dns/stragglers.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace siding::cutover {
namespace {

constexpr std::string_view separators = " \t,";

std::string_view take_column(std::string_view& rest) {
    const auto from = std::min(rest.find_first_not_of(separators), rest.size());
    rest.remove_prefix(from);
    const auto end = std::min(rest.find_first_of(separators), rest.size());
    const std::string_view column = rest.substr(0, end);
    rest.remove_prefix(end);
    return column;
}

std::string without_angles(std::string_view path) {
    if (path.starts_with('<') && path.ends_with('>')) {
        path = path.substr(1, path.size() - 2);
    }
    return std::string{path};
}

std::string known(std::string_view column) {
    return column == "-" ? std::string{} : std::string{column};
}

}  // namespace

bool PlainLog::take(std::string_view line, std::vector<LoggedMail>& mails) {
    std::string_view rest = line;
    const std::string_view first = take_column(rest);
    if (first.empty() || first.starts_with('#')) {
        return true;
    }
    const auto at = parse_iso_time(first);
    const std::string address = known(take_column(rest));
    const std::string name = known(take_column(rest));
    const std::string_view sender = take_column(rest);
    if (!at || (!address.empty() && network_of(address, {}).empty()) ||
        (address.empty() && name.empty()) || sender.empty()) {
        return false;
    }
    LoggedMail mail;
    mail.at = *at;
    mail.client_address = address;
    mail.client_name = name;
    mail.sender = known(without_angles(sender));
    mail.is_internal = dns::is_private_address(address);
    while (true) {
        const std::string_view column = take_column(rest);
        if (column.empty() || column.starts_with('#')) {
            break;
        }
        if (column.find('@') == std::string_view::npos) {
            return false;
        }
        if (mail.recipients.size() < limits::log_recipients_max) {
            mail.recipients.push_back(without_angles(column));
        }
    }
    if (mail.recipients.empty()) {
        return false;
    }
    mails.push_back(std::move(mail));
    return true;
}

}  // namespace siding::cutover
