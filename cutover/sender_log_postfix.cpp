#include "cutover/sender_log_postfix.hpp"

#include "base/limits.hpp"
#include "cutover/log_time.hpp"
#include "dns/stragglers.hpp"

#include <algorithm>
#include <cctype>
#include <functional>
#include <iterator>
#include <utility>

namespace siding::cutover {
namespace {

using namespace std::chrono_literals;

constexpr auto given_after = 1min;    // a mail that waits in the old server's queue is there, too
constexpr auto forgotten_after = 1h;  // one that the log never says a recipient of

// "postfix/smtpd[123]: 4F2A81: client=…" behind the host name.
struct Event {
    std::string_view service;   // "postfix", "postfix/submission"
    std::string_view program;   // "smtpd"
    std::string_view queue_id;  // empty where the line is of none
    std::string_view text;
};

bool is_queue_id(std::string_view text) {
    // Long ids have 10 or more letters and digits, short ones at least 6 hexadecimal digits.
    if (text.size() < 6 || text.size() > 24) {
        return false;
    }
    const bool is_hex = text.find_first_not_of("0123456789ABCDEF") == std::string_view::npos;
    const bool is_word = std::ranges::all_of(text, [](unsigned char c) { return std::isalnum(c); });
    return is_hex || (text.size() >= 10 && is_word);
}

std::optional<Event> parse_event(std::string_view line) {
    const auto host_end = line.find(' ');
    if (host_end == std::string_view::npos) {
        return std::nullopt;
    }
    line.remove_prefix(host_end + 1);
    const auto tag_end = line.find("]: ");
    if (tag_end == std::string_view::npos) {
        return std::nullopt;
    }
    std::string_view tag = line.substr(0, tag_end);
    tag = tag.substr(0, tag.rfind('['));
    const auto slash = tag.rfind('/');
    if (slash == std::string_view::npos || tag.find(' ') != std::string_view::npos) {
        return std::nullopt;
    }
    Event event;
    event.service = tag.substr(0, slash);
    event.program = tag.substr(slash + 1);
    event.text = line.substr(tag_end + 3);
    const auto colon = event.text.find(": ");
    if (colon != std::string_view::npos && is_queue_id(event.text.substr(0, colon))) {
        event.queue_id = event.text.substr(0, colon);
        event.text.remove_prefix(colon + 2);
    }
    return event;
}

// "value" of "name=value, …" or "name=<value>, …".
std::optional<std::string_view> field(std::string_view text, std::string_view name) {
    std::size_t from = 0;
    while (true) {
        const auto at = text.find(name, from);
        if (at == std::string_view::npos) {
            return std::nullopt;
        }
        const bool is_start = at == 0 || text.substr(0, at).ends_with(", ");
        if (is_start && text.substr(at + name.size()).starts_with('=')) {
            std::string_view value = text.substr(at + name.size() + 1);
            if (value.starts_with('<')) {
                value.remove_prefix(1);
                const auto end = value.find('>');
                return value.substr(0, end);
            }
            return value.substr(0, value.find(", "));
        }
        from = at + name.size();
    }
}

// "mail.example.net[192.0.2.1]", perhaps with ":port" behind it.
void take_client(std::string_view client, LoggedMail& mail) {
    const auto open = client.rfind('[');
    const auto close = client.rfind(']');
    if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
        return;
    }
    mail.client_name = client.substr(0, open);
    if (mail.client_name == "unknown") {
        mail.client_name.clear();
    }
    mail.client_address = client.substr(open + 1, close - open - 1);
}

bool is_submission(std::string_view service) {
    return service.find("submission") != std::string_view::npos ||
           service.find("smtps") != std::string_view::npos;
}

std::optional<LoggedMail> parse_client(const Event& event, WallTime at) {
    LoggedMail mail;
    mail.at = at;
    if (event.program == "pickup" && event.text.starts_with("uid=")) {
        mail.is_internal = true;
        return mail;
    }
    if (event.program != "smtpd" || !event.text.starts_with("client=")) {
        return std::nullopt;
    }
    if (field(event.text, "orig_queue_id") || field(event.text, "orig_client")) {
        return std::nullopt;  // back from a content filter: it was counted when it came
    }
    take_client(*field(event.text, "client"), mail);
    mail.is_internal = is_submission(event.service) ||
                       field(event.text, "sasl_username").has_value() ||
                       dns::is_private_address(mail.client_address);
    return mail;
}

void take_recipient(std::string_view text, LoggedMail& mail) {
    const auto status = field(text, "status").value_or("");
    if (!status.starts_with("sent") && !status.starts_with("deferred")) {
        return;
    }
    const auto to = field(text, "orig_to") ? field(text, "orig_to") : field(text, "to");
    if (!to || to->empty() || mail.recipients.size() >= limits::log_recipients_max) {
        return;
    }
    if (std::ranges::find(mail.recipients, *to) == mail.recipients.end()) {
        mail.recipients.emplace_back(*to);
    }
}

}  // namespace

bool PostfixLog::take(std::string_view line, std::vector<LoggedMail>& mails) {
    const auto at = take_syslog_time(line, time_);
    if (!at) {
        return false;
    }
    const auto event = parse_event(line);
    if (!event) {
        return false;
    }
    give_old(*at, mails);
    if (event->queue_id.empty()) {
        return true;
    }
    if (auto mail = parse_client(*event, *at)) {
        begin(event->queue_id, std::move(*mail), mails);
    } else {
        take_event(event->queue_id, event->text, mails);
    }
    return true;
}

void PostfixLog::finish(std::vector<LoggedMail>& mails) {
    while (!pendings_.empty()) {
        give(pendings_.begin(), mails);
    }
}

void PostfixLog::forget_marks() {
    for (Pending& pending : pendings_) {
        pending.mark = 0;
    }
}

std::optional<std::uint64_t> PostfixLog::oldest_mark() const {
    const auto oldest = std::ranges::min_element(pendings_, {}, &Pending::mark);
    return oldest == pendings_.end() ? std::nullopt : std::optional{oldest->mark};
}

void PostfixLog::begin(std::string_view id, LoggedMail mail, std::vector<LoggedMail>& mails) {
    if (const auto same = by_id_.find(id); same != by_id_.end()) {
        give(same->second, mails);  // short ids come again
    }
    if (pendings_.size() >= limits::log_pending_max) {
        give(pendings_.begin(), mails);
    }
    const WallTime look_at = mail.at + given_after;
    pendings_.push_back({std::string{id}, std::move(mail), look_at, mark_});
    by_id_.emplace(std::string{id}, std::prev(pendings_.end()));
}

void PostfixLog::take_event(
    std::string_view id, std::string_view text, std::vector<LoggedMail>& mails
) {
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) {
        return;
    }
    LoggedMail& mail = found->second->mail;
    if (text.starts_with("from=")) {
        mail.sender = field(text, "from").value_or("");
    } else if (text.starts_with("to=")) {
        take_recipient(text, mail);
    } else if (text == "removed") {
        give(found->second, mails);
    }
}

void PostfixLog::give(Pendings::iterator pending, std::vector<LoggedMail>& mails) {
    if (!pending->mail.recipients.empty()) {
        mails.push_back(std::move(pending->mail));
    }
    by_id_.erase(pending->id);
    pendings_.erase(pending);
}

void PostfixLog::give_old(WallTime now, std::vector<LoggedMail>& mails) {
    while (!pendings_.empty() && pendings_.front().look_at <= now) {
        const auto oldest = pendings_.begin();
        if (!oldest->mail.recipients.empty() || now - oldest->mail.at >= forgotten_after) {
            give(oldest, mails);
            continue;
        }
        oldest->look_at = now + given_after;
        pendings_.splice(pendings_.end(), pendings_, oldest);
    }
}

}  // namespace siding::cutover
