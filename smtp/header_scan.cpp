#include "smtp/header_scan.hpp"

#include "base/bytes.hpp"
#include "base/limits.hpp"

#include <algorithm>

namespace siding::smtp {
namespace {

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

}  // namespace

// As format_trace_header writes it, at the start of a folded line.
HeaderScan::HeaderScan(std::string_view hostname)
    : own_mark_{"by " + std::string{hostname} + " (Siding) "} {}

void HeaderScan::feed(std::string_view octets) {
    while (!done_ && !octets.empty()) {
        const std::size_t lf = octets.find('\n');
        const std::string_view part = octets.substr(0, lf);
        line_octets_ += lf == std::string_view::npos ? part.size() : part.size() + 1;
        has_colon_ = has_colon_ || part.find(':') != std::string_view::npos;
        const std::size_t room = limits::message_id_octets_max - line_.size();
        line_.append(part.substr(0, room));
        if (lf == std::string_view::npos) {
            return;
        }
        on_line();
        line_.clear();
        line_octets_ = 0;
        has_colon_ = false;
        octets.remove_prefix(lf + 1);
    }
}

void HeaderScan::on_line() {
    const std::string_view line = line_;
    octets_ += is_field() || trim(line).empty() ? line_octets_ : 0;
    if (line.starts_with(' ') || line.starts_with('\t')) {  // RFC 5322 §2.2.3: folded
        if (in_message_id_) {
            append_message_id(line);
        }
        look_for_ourselves(line);
        return;
    }
    if (!has_colon_) {
        done_ = true;  // the empty line, or a body without one
        return;
    }
    const std::size_t colon = std::min(line.find(':'), line.size());  // past it: a name too long
    on_field(trim(line.substr(0, colon)), line.substr(std::min(colon + 1, line.size())));
}

void HeaderScan::on_field(std::string_view name, std::string_view value) {
    in_message_id_ = message_id_.empty() && equals_ignoring_case(name, "Message-ID");
    if (in_message_id_) {
        append_message_id(value);
    }
    in_received_ = equals_ignoring_case(name, "Received");
    received_fields_ += in_received_ ? 1 : 0;
    look_for_ourselves(value);
}

// Counts each field once.
void HeaderScan::look_for_ourselves(std::string_view text) {
    if (in_received_ && !own_mark_.empty() && text.find(own_mark_) != std::string_view::npos) {
        ++own_received_fields_;
        in_received_ = false;
    }
}

void HeaderScan::append_message_id(std::string_view text) {
    const std::size_t room = limits::message_id_octets_max - message_id_.size();
    message_id_.append(trim(text).substr(0, room));
}

}  // namespace siding::smtp
