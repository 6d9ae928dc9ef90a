#include "cli/backfill_progress.hpp"

#include "base/bytes.hpp"
#include "cli/backfill_eta.hpp"
#include "cli/document.hpp"
#include "cli/quantities.hpp"
#include "cli/table.hpp"

#include <boost/json/value.hpp>

#include <algorithm>
#include <chrono>
#include <fmt/ostream.h>

namespace siding::cli {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

constexpr std::size_t bar_width = 20;
constexpr std::size_t name_width_max = 28;
constexpr std::size_t lines_usual = 12;  // where the height is not known
constexpr unsigned percent_step = 5;
constexpr std::chrono::milliseconds log_interval = 2s;
constexpr std::chrono::milliseconds silent_at_first = 5s;

struct Part {
    std::uint64_t done = 0;
    std::uint64_t all = 0;
    unsigned percent() const {
        return all == 0 ? 0 : static_cast<unsigned>(std::min(done, all) * 100 / all);
    }
};

Part part_of(const json::object& account) {
    Part part;
    part.done = number_at(account, "copied") + number_at(account, "refused") +
                number_at(account, "unreadable");
    part.all = std::max(number_at(account, "to_copy"), part.done);
    // Of a first pass it is known before the mailboxes are looked at one by one.
    const std::string phase = text_at(account, "phase");
    if (number_at(account, "pass") == 1 && text_at(account, "window").empty() &&
        (phase == "copying" || phase == "waiting")) {
        part.all = std::max(part.all, number_at(account, "source_messages"));
    }
    return part;
}

std::string bar(const Part& part) {
    const std::uint64_t marks =
        part.all == 0 ? 0 : std::min(part.done, part.all) * bar_width / part.all;
    std::string text = "[";
    text.append(marks, '#');
    text.append(bar_width - marks, '.');
    return text + fmt::format("] {:3} %", part.percent());
}

// What messages come in at, and until when.
std::string pace_words(const json::object& document, WallTime now) {
    std::string text;
    if (const auto messages = number_at(document, "messages_per_second"); messages > 0) {
        text += ", " + human_count(messages) + "/s";
    }
    if (const auto octets = number_at(document, "octets_per_second"); octets > 0) {
        text += ", " + decimal_size(octets) + "/s";
    }
    const auto done = time_at(object_at(document, "eta"), "done_at");
    const std::string eta = eta_words(document, now);
    if (done && !eta.empty()) {
        text += *done - now < 1h ? ", " + eta + " left" : ", done by " + eta;
    }
    return text;
}

std::string mailboxes_words(const json::object& account) {
    return fmt::format(
        "{} of {} mailboxes",
        human_count(number_at(account, "mailboxes_done")),
        human_count(number_at(account, "mailboxes"))
    );
}

std::string account_line(const json::object& account, std::size_t name_width, WallTime now) {
    std::string name = fit(escape(text_at(account, "name")), name_width);
    name.append(name_width - std::min(name_width, display_width(name)), ' ');
    const std::string hold = hold_words(account);
    const std::string phase = text_at(account, "phase");
    const Part part = part_of(account);
    if (phase == "waiting") {
        return name + "  " + (part.all > 0 ? bar(part) + "  " : "") + escape(hold);
    }
    const bool copies = phase == "copying" || phase == "archiving" || phase == "restoring";
    if (!copies) {
        return name + "  " + phase + ": " + mailboxes_words(account);
    }
    const std::string what = fmt::format(
        "{}  {}  {} of {}{}",
        name,
        bar(part),
        human_count(part.done),
        human_count(part.all),
        pace_words(account, now)
    );
    return what + "  " + escape(hold.empty() ? text_at(account, "mailbox") : hold);
}

struct Sorted {
    std::vector<const json::object*> at_work;
    std::vector<const json::object*> held;
    std::size_t waiting = 0;
    std::size_t ended = 0;
    std::size_t failed = 0;
    Part messages;
};

Sorted sort(const json::array& accounts) {
    Sorted sorted;
    for (const json::value& value : accounts) {
        const json::object& account = value.get_object();
        const std::string phase = text_at(account, "phase");
        const Part part = part_of(account);
        sorted.messages.done += part.done;
        sorted.messages.all += part.all;
        if (phase == "idle" || phase == "failed") {
            ++sorted.ended;
            sorted.failed += phase == "failed" ? 1 : 0;
        } else if (phase != "waiting") {
            sorted.at_work.push_back(&account);
        } else if (!hold_words(account).empty()) {
            sorted.held.push_back(&account);
        } else {
            ++sorted.waiting;
        }
    }
    return sorted;
}

std::string total_line(
    const Sorted& sorted, std::size_t accounts, const json::object& document, WallTime now
) {
    std::string text = fmt::format(
        "{}  {} of {}",
        bar(sorted.messages),
        human_count(sorted.ended),
        counted(accounts, "account")
    );
    text += sorted.failed > 0 ? fmt::format(" ({} failed)", sorted.failed) : "";
    text +=
        ", " + human_count(sorted.messages.done) + " of " + counted(sorted.messages.all, "message");
    text += flag_at(document, "paused") ? "; paused, `siding backfill resume` goes on" : "";
    return text + pace_words(document, now);
}

}  // namespace

std::vector<std::string> backfill_progress_lines(
    const json::array& accounts, const json::object& document, WallTime now, std::size_t lines_max
) {
    const Sorted sorted = sort(accounts);
    std::vector<const json::object*> shown = sorted.at_work;
    shown.insert(shown.end(), sorted.held.begin(), sorted.held.end());
    std::size_t rest = sorted.waiting;
    // One line is about all, and one may be about those that find no room.
    const std::size_t room = lines_max > 2 ? lines_max - 2 : 0;
    if (shown.size() > room) {
        rest += shown.size() - room;
        shown.resize(room);
    }
    std::size_t name_width = 0;
    for (const json::object* account : shown) {
        name_width = std::max(name_width, display_width(escape(text_at(*account, "name"))));
    }
    name_width = std::min(name_width, name_width_max);
    std::vector<std::string> lines;
    for (const json::object* account : shown) {
        lines.push_back(account_line(*account, name_width, now));
    }
    if (rest > 0 && lines_max > 1) {
        lines.push_back(fmt::format("and {} more", counted(rest, "account")));
    }
    lines.push_back(total_line(sorted, accounts.size(), document, now));
    return lines;
}

void BackfillProgress::show(
    const json::array& accounts, const json::object& document, WallTime now
) {
    if (began_ == WallTime{}) {
        began_ = now;
    }
    if (!terminal_.watched) {
        const Sorted sorted = sort(accounts);
        log(accounts, total_line(sorted, accounts.size(), document, now), now);
        return;
    }
    tell_failures(accounts);
    const std::size_t lines_max = terminal_.height > 2 ? terminal_.height - 1 : lines_usual;
    draw(backfill_progress_lines(accounts, document, now, lines_max));
}

// Whoever watches need not wait for the end to hear of them.
void BackfillProgress::tell_failures(const json::array& accounts) {
    std::string text;
    for (const json::value& value : accounts) {
        const json::object& account = value.get_object();
        if (text_at(account, "phase") != "failed") {
            continue;
        }
        const std::string name = text_at(account, "name");
        if (told_.emplace(name, "failed").second) {
            text += terminal_.paint(
                        escape(name) + " failed: " + escape(text_at(account, "reason")), Colour::red
                    ) +
                    "\n";
        }
    }
    if (!text.empty()) {
        close();
        terminal_.out << text;
    }
}

// In one piece, and each line over the one that stood there: nothing flickers.
void BackfillProgress::draw(const std::vector<std::string>& lines) {
    std::string text = drawn_ > 0 ? fmt::format("\x1b[{}A\r", drawn_) : "";
    for (const std::string& line : lines) {
        text += (terminal_.width > 0 ? fit(line, terminal_.width - 1) : line) + "\x1b[K\n";
    }
    text += "\x1b[J";
    drawn_ = lines.size();
    terminal_.out << text << std::flush;
}

void BackfillProgress::log(const json::array& accounts, const std::string& total, WallTime now) {
    for (const json::value& value : accounts) {
        const json::object& account = value.get_object();
        const std::string hold = hold_words(account);
        std::string& told = told_[text_at(account, "name")];
        const bool is_news =
            !hold.empty() && hold != told && hold.find("its turn") == std::string::npos;
        if (is_news) {
            fmt::print(terminal_.out, "{}: {}\n", escape(text_at(account, "name")), escape(hold));
        }
        told = hold;
    }
    const unsigned percent = sort(accounts).messages.percent();
    const bool is_due =
        percent >= next_percent_ && percent < 100 && now - logged_at_ >= log_interval;
    if (now - began_ >= silent_at_first && is_due) {
        fmt::print(terminal_.out, "{}\n", total);
        logged_at_ = now;
        next_percent_ = percent - percent % percent_step + percent_step;
    }
    terminal_.out.flush();
}

void BackfillProgress::close() {
    if (drawn_ > 0) {
        terminal_.out << fmt::format("\x1b[{}A\r\x1b[J", drawn_) << std::flush;
        drawn_ = 0;
    }
}

}  // namespace siding::cli
