#include "relay/inbound_metrics.hpp"

#include "base/bytes.hpp"

#include <algorithm>
#include <charconv>

namespace siding::relay {
namespace {

// The last one stands for what is no command.
constexpr std::array<std::string_view, 16> verbs{
    "HELO",
    "EHLO",
    "MAIL",
    "RCPT",
    "DATA",
    "BDAT",
    "RSET",
    "NOOP",
    "QUIT",
    "STARTTLS",
    "XCLIENT",
    "VRFY",
    "EXPN",
    "HELP",
    "AUTH",
    "other"};
constexpr std::array<std::string_view, 3> tls_versions{"TLSv1.2", "TLSv1.3", "other"};

const std::vector<double> seconds{0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30};

template <std::size_t N>
std::size_t index_of(const std::array<std::string_view, N>& names, std::string_view name) {
    const auto is_it = [name](std::string_view one) { return equals_ignoring_case(one, name); };
    const auto found = std::find_if(names.begin(), names.end() - 1, is_it);
    return static_cast<std::size_t>(found - names.begin());
}

template <std::size_t N>
std::vector<Counter> counters(
    Metrics& metrics,
    const std::string& name,
    const std::string& help,
    const std::string& listener,
    const std::string& label,
    const std::array<std::string_view, N>& values
) {
    std::vector<Counter> all;
    for (const std::string_view value : values) {
        all.push_back(
            metrics.counter(name, help, {{"listener", listener}, {label, std::string{value}}})
        );
    }
    return all;
}

Histogram stage(Metrics& metrics, const std::string& listener, const std::string& name) {
    return metrics.histogram(
        "siding_smtpd_stage_seconds",
        "Time of each part of an answer",
        seconds,
        {{"listener", listener}, {"stage", name}}
    );
}

Counter replies(
    Metrics& metrics, const std::string& listener, std::string_view code, std::string_view reason
) {
    return metrics.counter(
        "siding_smtpd_replies_total",
        "Replies by code and enhanced code",
        {{"listener", listener}, {"code", std::string{code}}, {"reason", std::string{reason}}}
    );
}

std::optional<std::uint32_t> parse_number(std::string_view text, std::uint32_t max) {
    std::uint32_t number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure != std::errc{} || end != text.data() + text.size() || number > max) {
        return std::nullopt;
    }
    return number;
}

struct EnhancedCode {
    std::string_view text;  // empty: none
    std::uint32_t key = 0;
};

// "5.1.1 No such user" with a reply of class 5; RFC 2034 §4.
EnhancedCode read_enhanced(char reply_class, std::string_view text) {
    const std::string_view word = text.substr(0, text.find(' '));
    const std::size_t dot = word.find('.', 2);
    if (dot == std::string_view::npos || word[0] != reply_class || word[1] != '.') {
        return {};
    }
    const auto subject = parse_number(word.substr(2, dot - 2), 7);
    const auto detail = parse_number(word.substr(dot + 1), 999);
    if (!subject || !detail) {
        return {};
    }
    return {word, 1U << 13 | *subject << 10 | *detail};
}

}  // namespace

ListenerMetrics::ListenerMetrics(Metrics& metrics, const std::string& listener)
    : sessions{metrics.gauge(
          "siding_smtpd_sessions", "Inbound sessions open now", {{"listener", listener}}
      )},
      connections{metrics.counter(
          "siding_smtpd_connections_total", "Inbound connections", {{"listener", listener}}
      )},
      messages{metrics.counter(
          "siding_smtpd_messages_total", "Messages answered 250", {{"listener", listener}}
      )},
      octets{metrics.counter(
          "siding_smtpd_octets_total", "Octets of those messages", {{"listener", listener}}
      )},
      tls_failures{metrics.counter(
          "siding_smtpd_tls_failures_total", "TLS handshakes that failed", {{"listener", listener}}
      )},
      rcpt{stage(metrics, listener, "rcpt")},
      filter{stage(metrics, listener, "filter")},
      commit{stage(metrics, listener, "commit")},
      end_of_data{metrics.histogram(
          "siding_smtpd_end_of_data_seconds",
          "From the end of the data to its reply",
          seconds,
          {{"listener", listener}}
      )},
      metrics_{metrics},
      listener_{listener},
      commands_{counters(
          metrics, "siding_smtpd_commands_total", "Commands by verb", listener, "verb", verbs
      )},
      refused_{counters(
          metrics,
          "siding_smtpd_refused_total",
          "Connections, commands and messages refused, by why",
          listener,
          "reason",
          refusal_class_names
      )},
      tls_handshakes_{counters(
          metrics,
          "siding_smtpd_tls_handshakes_total",
          "TLS handshakes completed, by version",
          listener,
          "version",
          tls_versions
      )},
      other_replies_{replies(metrics, listener, "other", "")} {}

void ListenerMetrics::count_command(std::string_view line) const {
    commands_[index_of(verbs, line.substr(0, line.find_first_of(" \t")))].add();
}

void ListenerMetrics::count_refused(RefusalClass reason) const {
    refused_[static_cast<std::size_t>(reason)].add();
}

void ListenerMetrics::count_tls_handshake(std::string_view version) const {
    tls_handshakes_[index_of(tls_versions, version)].add();
}

void ListenerMetrics::count_replies(std::string_view octets_out) const {
    while (!octets_out.empty()) {
        const std::size_t end = std::min(octets_out.find("\r\n"), octets_out.size());
        const std::string_view line = octets_out.substr(0, end);
        // RFC 5321 §4.2.1: '-' after the code says that another line follows.
        if (line.size() >= 3 && (line.size() == 3 || line[3] == ' ')) {
            count_reply(line);
        }
        octets_out.remove_prefix(std::min(end + 2, octets_out.size()));
    }
}

void ListenerMetrics::count_reply(std::string_view last_line) const {
    const std::string_view code = last_line.substr(0, 3);
    const auto number = parse_number(code, 599);
    if (!number || *number < 200) {
        other_replies_.add();
        return;
    }
    const EnhancedCode enhanced =
        read_enhanced(code[0], last_line.size() > 4 ? last_line.substr(4) : std::string_view{});
    const std::uint32_t key = *number << 16 | enhanced.key;
    for (std::size_t i = 0; i < reply_slots; ++i) {
        const ReplySlot& slot = replies_[(key + key / 1021 + i) % reply_slots];
        const std::uint32_t known = slot.key.load(std::memory_order_acquire);
        if (known == key) {
            slot.counter->add();
            return;
        }
        if (known == 0) {
            break;
        }
    }
    reply_counter(key, code, enhanced.text).add();
}

Counter ListenerMetrics::reply_counter(
    std::uint32_t key, std::string_view code, std::string_view reason
) const {
    const std::lock_guard lock{mutex_};
    for (std::size_t i = 0; i < reply_slots; ++i) {
        ReplySlot& slot = replies_[(key + key / 1021 + i) % reply_slots];
        const std::uint32_t known = slot.key.load(std::memory_order_relaxed);
        if (known == key) {
            return *slot.counter;
        }
        if (known != 0) {
            continue;
        }
        if (replies_known_ >= reply_slots / 2) {
            break;
        }
        ++replies_known_;
        slot.counter = replies(metrics_, listener_, code, reason);
        slot.key.store(key, std::memory_order_release);
        return *slot.counter;
    }
    return other_replies_;
}

const ListenerMetrics& InboundMetrics::of(const std::string& listener) {
    const std::lock_guard lock{mutex_};
    std::unique_ptr<ListenerMetrics>& found = listeners_[listener];
    if (!found) {
        found = std::make_unique<ListenerMetrics>(metrics_, listener);
    }
    return *found;
}

}  // namespace siding::relay
