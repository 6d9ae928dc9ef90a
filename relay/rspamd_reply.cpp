#include "relay/rspamd_reply.hpp"

#include "base/bytes.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <span>
#include <vector>

namespace siding::relay {
namespace {

namespace json = boost::json;
using Action = FilterVerdict::Action;

constexpr std::size_t headers_octets_max = 16 * 1024;
constexpr std::size_t name_octets_max = 76;
constexpr std::size_t line_octets = 78;  // RFC 5322 §2.1.1: should; 998: must
constexpr std::size_t word_octets_max = 998 - name_octets_max - 2;

constexpr std::string_view rejected_text = "Message refused by the content filter";
constexpr std::string_view deferred_text =
    "Message deferred by the content filter, try again later";

// RFC 5322 §3.6: fields that stand in a message once or say what it is (with Content-* and
// Resent-*). In front of the message they would be taken for its own. Received would be counted.
constexpr std::array<std::string_view, 16> fields_of_the_message{
    "from",
    "sender",
    "reply-to",
    "to",
    "cc",
    "bcc",
    "subject",
    "date",
    "message-id",
    "in-reply-to",
    "comments",
    "references",
    "keywords",
    "mime-version",
    "return-path",
    "received"};

bool is_ours_to_add(std::string_view name) {
    // RFC 5322 §2.2: printable ASCII except the colon.
    const auto is_ftext = [](char c) { return c > 32 && c < 127 && c != ':'; };
    if (name.empty() || name.size() > name_octets_max ||
        !std::all_of(name.begin(), name.end(), is_ftext)) {
        return false;
    }
    const std::string lower = to_lower(name);
    return !lower.starts_with("content-") && !lower.starts_with("resent-") &&
           std::find(fields_of_the_message.begin(), fields_of_the_message.end(), lower) ==
               fields_of_the_message.end();
}

// Words of the value; a fold is white space, whoever made it. Only printable ASCII is left: the
// next server may take nothing else in a header.
std::vector<std::string> words_of(std::string_view value) {
    std::vector<std::string> words;
    std::string word;
    for (const char c : value) {
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            if (!word.empty()) {
                words.push_back(std::exchange(word, {}));
            }
        } else {
            word += c > 32 && c < 127 ? c : '?';
        }
    }
    if (!word.empty()) {
        words.push_back(std::move(word));
    }
    return words;
}

const json::object* object_at(const json::object& parent, std::string_view key) {
    const json::value* found = parent.if_contains(key);
    return found == nullptr ? nullptr : found->if_object();
}

std::string_view text_at(const json::object& parent, std::string_view key) {
    const json::value* found = parent.if_contains(key);
    const json::string* text = found == nullptr ? nullptr : found->if_string();
    return text == nullptr ? std::string_view{} : std::string_view{text->data(), text->size()};
}

std::optional<double> number_at(const json::object& parent, std::string_view key) {
    const json::value* found = parent.if_contains(key);
    if (found == nullptr || !found->is_number()) {
        return std::nullopt;
    }
    boost::system::error_code failure;
    const double number = found->to_number<double>(failure);
    return failure || !std::isfinite(number) ? std::nullopt : std::optional{number};
}

bool is_true_at(const json::object& parent, std::string_view key) {
    const json::value* found = parent.if_contains(key);
    return found != nullptr && found->is_bool() && found->get_bool();
}

// A value is a text, {"value": text, "order": …}, or several of these.
void append_headers(std::string& headers, std::string_view name, const json::value& value) {
    if (const json::array* several = value.if_array()) {
        for (const json::value& one : *several) {
            if (!one.is_array()) {
                append_headers(headers, name, one);
            }
        }
        return;
    }
    std::string field;
    if (const json::string* text = value.if_string()) {
        field = format_filter_header(name, {text->data(), text->size()});
    } else if (const json::object* object = value.if_object()) {
        field = format_filter_header(name, text_at(*object, "value"));
    }
    if (headers.size() + field.size() <= headers_octets_max) {
        headers += field;
    }
}

std::string read_headers(const json::object& reply) {
    std::string headers;
    const json::object* milter = object_at(reply, "milter");
    const json::object* added = milter == nullptr ? nullptr : object_at(*milter, "add_headers");
    if (added != nullptr) {
        for (const json::key_value_pair& header : *added) {
            append_headers(headers, header.key(), header.value());
        }
    }
    return headers;
}

bool has_field(std::string_view headers, std::string_view name) {
    const std::string wanted = "\n" + to_lower(name) + ":";
    return ("\n" + to_lower(headers)).find(wanted) != std::string::npos;
}

// A symbol that counts for phishing; the ones that clear a message of it have no positive score.
bool looks_like_phishing(const json::object& reply) {
    const json::object* symbols = object_at(reply, "symbols");
    if (symbols == nullptr) {
        return false;
    }
    return std::any_of(symbols->begin(), symbols->end(), [](const json::key_value_pair& symbol) {
        const json::object* facts = symbol.value().if_object();
        return std::string_view{symbol.key()}.starts_with("PHISH") && facts != nullptr &&
               number_at(*facts, "score").value_or(0) > 0;
    });
}

bool is_enhanced_code(std::string_view word) {
    return word.size() >= 5 && (word[0] == '4' || word[0] == '5') && word[1] == '.' &&
           word.find_first_not_of("0123456789.") == std::string_view::npos;
}

std::string reply_text(const json::object& reply, std::string_view otherwise) {
    const json::object* messages = object_at(reply, "messages");
    const auto text = messages == nullptr ? std::string_view{} : text_at(*messages, "smtp_message");
    std::vector<std::string> words = words_of(text);
    if (!words.empty() && is_enhanced_code(words.front())) {
        words.erase(words.begin());  // the reply has its own
    }
    std::string line = fmt::format("{}", fmt::join(words, " "));
    line.resize(std::min<std::size_t>(line.size(), 400));  // RFC 5321 §4.5.3.1.5
    return line.empty() ? std::string{otherwise} : line;
}

void mark_as_spam(FilterVerdict& verdict) {
    verdict.tags.emplace_back("spam");
    if (!has_field(verdict.headers, "X-Spam")) {
        verdict.headers = "X-Spam: Yes\r\n" + verdict.headers;
    }
}

// "greylist" is accepted, as by rspamd's own milter: its greylisting module says "soft reject"
// while it wants a delay; without that module nobody would remember that the client came back.
void apply(
    std::string_view action,
    const json::object& reply,
    config::Filter::OnReject on_reject,
    FilterVerdict& verdict
) {
    if (action == "reject" && on_reject == config::Filter::OnReject::reject) {
        verdict.action = Action::reject;
        verdict.reply_text = reply_text(reply, rejected_text);
        mark_as_spam(verdict);
    } else if (action == "soft reject") {
        verdict.action = Action::defer;
        verdict.reply_text = reply_text(reply, deferred_text);
    } else if (action == "reject") {
        mark_as_spam(verdict);
        verdict.tags.emplace_back("reject");
    } else if (action == "add header" || action == "rewrite subject") {
        mark_as_spam(verdict);
    } else if (action == "quarantine" || action == "discard") {
        mark_as_spam(verdict);  // accepted mail is never thrown away
        verdict.tags.emplace_back(action);
    }
}

}  // namespace

std::string format_filter_header(std::string_view name, std::string_view value) {
    const std::vector<std::string> words = words_of(value);
    if (!is_ours_to_add(name) || words.empty()) {
        return {};
    }
    std::string field = fmt::format("{}:", name);
    std::size_t length = field.size();
    for (const std::string& word : words) {
        if (word.size() > word_octets_max) {
            return {};
        }
        const bool folds = length + 1 + word.size() > line_octets && &word != &words.front();
        field += folds ? "\r\n\t" : " ";
        length = folds ? 1 : length + 1;
        field += word;
        length += word.size();
    }
    return field + "\r\n";
}

Result<FilterVerdict> parse_rspamd_reply(
    std::string_view text, config::Filter::OnReject on_reject
) {
    boost::system::error_code failure;
    const json::value value = json::parse({text.data(), text.size()}, failure);
    const json::object* reply = failure ? nullptr : value.if_object();
    if (reply == nullptr) {
        return Error{Errc::invalid_argument, "the answer is no JSON object"};
    }
    const std::string_view action = text_at(*reply, "action");
    if (action.empty()) {
        const std::string_view error = text_at(*reply, "error");
        return Error{
            Errc::invalid_argument,
            error.empty() ? "the answer has no action" : "it says: " + escape(error)};
    }
    FilterVerdict verdict;
    verdict.headers = read_headers(*reply);
    // A verdict reached early (GTUBE, a rule that forces an action) also skips the other rules.
    if (is_true_at(*reply, "is_skipped") && action == "no action") {
        verdict.tags.emplace_back("unscanned");
    } else {
        verdict.score = number_at(*reply, "score");
    }
    apply(action, *reply, on_reject, verdict);
    if (looks_like_phishing(*reply)) {
        verdict.tags.emplace_back("phish");
    }
    return verdict;
}

}  // namespace siding::relay
