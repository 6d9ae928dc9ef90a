#include "relay/rspamd_request.hpp"

#include <algorithm>
#include <string_view>

namespace siding::relay {
namespace {

// rspamd takes 80 KiB of headers; the rest of them fits beside this.
constexpr std::size_t recipients_octets_max = 48 * 1024;

std::string one_line(std::string_view text) {
    std::string line{text};
    const auto breaks = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    std::replace_if(line.begin(), line.end(), breaks, '?');
    return line;
}

}  // namespace

HeaderFields make_rspamd_headers(const FilterQuestion& question) {
    HeaderFields fields;
    const auto add = [&fields](const char* name, std::string_view value) {
        if (!value.empty()) {
            fields.emplace_back(name, one_line(value));
        }
    };
    add("IP", question.client_address);
    add("Hostname", question.client_name);
    add("Helo", question.helo);
    add("From", "<" + question.sender + ">");
    std::size_t octets = 0;
    for (const std::string& recipient : question.recipients) {
        octets += recipient.size() + std::string_view{"Rcpt: <>\r\n"}.size();
        if (octets > recipients_octets_max) {
            break;
        }
        add("Rcpt", "<" + recipient + ">");
    }
    add("Queue-Id", question.queue_id);
    add("TLS-Version", question.tls_version);
    add("TLS-Cipher", question.tls_cipher);
    add("MTA-Name", question.hostname);
    add("MTA-Tag", "siding");
    return fields;
}

}  // namespace siding::relay
