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
        octets_ += lf == std::string_view::npos ? part.size() : part.size() + 1;
        const std::size_t room = limits::message_id_octets_max - line_.size();
        line_.append(part.substr(0, room));
        is_line_cut_ = is_line_cut_ || part.size() > room;
        if (lf == std::string_view::npos) {
            return;
        }
        on_line();
        line_.clear();
        is_line_cut_ = false;
        octets.remove_prefix(lf + 1);
    }
}

void HeaderScan::on_line() {
    const std::string_view line = line_;
    if (line.starts_with(' ') || line.starts_with('\t')) {  // RFC 5322 §2.2.3: folded
        if (in_message_id_) {
            append_message_id(line);
        }
        look_for_ourselves(line);
        return;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) {
        done_ = !is_line_cut_;  // the empty line, or a body without one
        in_message_id_ = false;
        in_received_ = false;
        return;
    }
    on_field(trim(line.substr(0, colon)), line.substr(colon + 1));
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
