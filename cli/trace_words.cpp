#include "cli/trace_words.hpp"

#include "cli/document.hpp"
#include "smtp/cause.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace siding::cli {
namespace {

namespace json = boost::json;

constexpr std::string_view smtp_port = ":25";

std::string_view without_port_25(std::string_view address) {
    if (address.ends_with(smtp_port)) {
        address.remove_suffix(smtp_port.size());
    }
    const bool is_bracketed = address.starts_with('[') && address.ends_with(']');
    return is_bracketed ? address.substr(1, address.size() - 2) : address;
}

}  // namespace

std::string tls_words(std::string_view tls) {
    std::string out{tls.substr(0, tls.find(' '))};
    if (out.starts_with("TLSv")) {
        out.replace(0, 4, "TLS ");
    }
    const std::string_view last = tls.substr(tls.rfind(' ') + 1);
    for (const std::string_view how : {"verified", "dane", "fingerprint", "unverified"}) {
        if (last == how) {
            out += fmt::format(" {}", how);
        }
    }
    return out;
}

std::string who_words(std::string_view who) {
    if (who == "sidingd") {
        return "Siding";
    }
    if (who.starts_with("uid:") && who.find(' ') != std::string_view::npos) {
        return std::string{who.substr(who.find(' ') + 1)};
    }
    return std::string{who};
}

std::string server_words(const json::object& entry, const json::object& servers) {
    const std::string name = text_at(entry, "server");
    const std::string configured = text_at(servers, name);
    const std::string peer = text_at(entry, "peer");
    const std::string_view host = without_port_25(configured);
    const std::string_view address = without_port_25(peer);
    std::string details{host};
    const auto add = [&](std::string_view text, std::string_view between) {
        if (!text.empty()) {
            details.append(details.empty() ? "" : between).append(text);
        }
    };
    add(address == host ? std::string_view{} : address, " ");
    add(tls_words(text_at(entry, "tls")), ", ");
    const std::string known = name.empty() ? "a server" : name;
    return details.empty() ? known : fmt::format("{} ({})", known, details);
}

std::string why_words(const json::object& entry) {
    const std::string why = text_at(entry, "reply");
    return why.empty() ? "" : ": " + why;
}

bool is_reply(std::string_view text) {
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    return text.size() >= 3 && std::ranges::all_of(text.substr(0, 3), is_digit) &&
           (text.size() == 3 || text[3] == ' ');
}

std::string cause_words(std::string_view cause) {
    const auto known = smtp::parse_cause(cause);
    std::string words{known ? smtp::describe(*known).sentence : std::string_view{}};
    if (words.ends_with('.')) {
        words.pop_back();
    }
    if (!words.empty() && words.front() >= 'A' && words.front() <= 'Z' &&
        (words.size() < 2 || words[1] < 'A' || words[1] > 'Z')) {
        words.front() = static_cast<char>(words.front() - 'A' + 'a');
    }
    return words;
}

}  // namespace siding::cli
