#include "base/bytes.hpp"
#include "cutover/doctor_hosts.hpp"
#include "net/run_on.hpp"
#include "net/task_group.hpp"
#include "relay/recipient_file.hpp"

#include <algorithm>
#include <deque>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <map>
#include <utility>

namespace siding::cutover {
namespace {

constexpr std::size_t sessions_max = 4;  // to each server
constexpr std::size_t rcpts_each = 20;   // of one session
constexpr std::size_t recipients_max = 2000;
constexpr std::size_t shown_max = 10;
constexpr auto audit_time = std::chrono::seconds{8};

std::string probe_sender(const DoctorFacts& facts) {
    return facts.config == nullptr ? "" : facts.config->verify.sender;
}

// --- the list -----------------------------------------------------------------------------------

Result<std::vector<std::string>> read_list(
    const std::filesystem::path& path, const std::string& domain
) {
    std::ifstream file{path, std::ios::binary};
    if (!file) {
        return Error{Errc::not_found, "cannot read " + path.string()};
    }
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    auto parsed = relay::parse_recipient_list(text);
    if (parsed.has_error()) {
        return with_context(parsed.error(), path.string());
    }
    std::vector<std::string> found;
    parsed->for_each([&](std::string_view key) {
        if (key.ends_with("@" + domain) && !key.starts_with('@') && found.size() < recipients_max) {
            found.emplace_back(key);
        }
    });
    if (found.empty()) {
        return Error{Errc::not_found, "no address of " + domain + " is in " + path.string()};
    }
    std::ranges::sort(found);
    return found;
}

net::awaitable<Result<std::vector<std::string>>> load_list(const DoctorFacts& facts) {
    const auto read = [path = *facts.options.recipients, domain = facts.domain] {
        return read_list(path, domain);
    };
    auto list = co_await net::run_on(facts.files, read);
    co_return list;
}

// --- H22 ----------------------------------------------------------------------------------------

struct Audit {
    std::deque<std::vector<std::string>> waiting;
    std::map<std::string, RcptAnswer> answers;
    std::chrono::steady_clock::time_point end;
};

net::awaitable<void> ask_in_turn(const DoctorFacts& facts, const HostView& host, Audit& audit) {
    while (!audit.waiting.empty() && std::chrono::steady_clock::now() < audit.end) {
        std::vector<std::string> group = std::move(audit.waiting.front());
        audit.waiting.pop_front();
        auto answers = co_await ask_recipients(facts, host, std::move(group), probe_sender(facts));
        for (RcptAnswer& answer : answers) {
            std::string key = answer.recipient;
            audit.answers.insert_or_assign(std::move(key), std::move(answer));
        }
    }
}

Audit make_audit(const std::vector<std::string>& recipients) {
    Audit audit;
    audit.end = std::chrono::steady_clock::now() + audit_time;
    for (std::size_t i = 0; i < recipients.size(); i += rcpts_each) {
        const auto from = recipients.begin() + static_cast<std::ptrdiff_t>(i);
        const auto count = std::min(rcpts_each, recipients.size() - i);
        audit.waiting.emplace_back(from, from + static_cast<std::ptrdiff_t>(count));
    }
    return audit;
}

const HostView* first_answering(const DoctorFacts& facts, std::string_view server) {
    for (const HostView* const host : facts.server(server)) {
        if (host->answered() != nullptr) {
            return host;
        }
    }
    return nullptr;
}

struct Comparison {
    std::size_t compared = 0;
    std::size_t unknown_to_new = 0;
    std::size_t unknown_to_old = 0;
    std::size_t unknown_to_both = 0;
    std::size_t undecided = 0;
    std::vector<std::string> lines;
};

Comparison compare(
    const std::vector<std::string>& recipients, const Audit& old_audit, const Audit& new_audit
) {
    Comparison result;
    for (const std::string& recipient : recipients) {
        const auto at_old = old_audit.answers.find(recipient);
        const auto at_new = new_audit.answers.find(recipient);
        if (at_old == old_audit.answers.end() || at_new == new_audit.answers.end()) {
            continue;
        }
        const int old_class = at_old->second.code / 100;
        const int new_class = at_new->second.code / 100;
        ++result.compared;
        if ((old_class != 2 && old_class != 5) || (new_class != 2 && new_class != 5)) {
            ++result.undecided;
            continue;
        }
        if (new_class == 5 && old_class == 5) {
            ++result.unknown_to_both;
        } else if (new_class == 5) {
            ++result.unknown_to_new;
            result.lines.push_back(recipient + ": new says " + at_new->second.text);
        } else if (old_class == 5) {
            ++result.unknown_to_old;
            result.lines.push_back(recipient + ": old says " + at_old->second.text);
        }
    }
    return result;
}

std::string describe(const Comparison& found) {
    std::string text;
    for (std::size_t i = 0; i < std::min(found.lines.size(), shown_max); ++i) {
        text += "\n" + found.lines[i];
    }
    if (found.lines.size() > shown_max) {
        text += fmt::format("\nand {} more", found.lines.size() - shown_max);
    }
    return text;
}

// --- H06 ----------------------------------------------------------------------------------------

std::string describe_sources(const config::Recipients& recipients) {
    std::string text;
    for (const config::RecipientFile& file : recipients.files) {
        text += (text.empty() ? "" : ", ") + file.path;
    }
    for (const std::string& server : recipients.verify) {
        text += (text.empty() ? "server " : ", server ") + server;
    }
    return text;
}

// What our own listener says to a recipient that cannot exist; nothing where it does not run.
net::awaitable<std::optional<RcptAnswer>> ask_listener(const DoctorFacts& facts) {
    for (const net::Endpoint& at : own_listeners(*facts.config)) {
        HostView listener;
        listener.name = facts.config->hostname;
        listener.port = at.port;
        SmtpView view;
        view.address = at;
        view.reach = SmtpView::Reach::answered;
        listener.sessions.push_back(std::move(view));
        std::vector<std::string> one{unlikely_address(facts.domain)};
        const auto answers = co_await ask_recipients(facts, listener, std::move(one), "");
        if (!answers.empty() && answers.front().code != 0) {
            co_return answers.front();
        }
    }
    co_return std::nullopt;
}

// --- H13 ----------------------------------------------------------------------------------------

bool sounds_like_greylisting(const RcptAnswer& answer) {
    const std::string text = to_lower(answer.text);
    return answer.code / 100 == 4 &&
           (text.find("grey") != std::string::npos || text.find("gray") != std::string::npos ||
            text.find("try again") != std::string::npos || text.find("4.7.1") != std::string::npos);
}

}  // namespace

net::awaitable<CheckOutcome> check_validation(const DoctorFacts& facts) {
    if (const std::string lack = facts.lacks_domain(); !lack.empty()) {
        co_return not_checked(lack);
    }
    const std::string breaks =
        "Siding takes mail for addresses that do not exist. The new server refuses it later, when "
        "it is too late to tell the sender: parked mail by the thousand, or backscatter.";
    const std::string fix = fmt::format(
        "domains:\n  {}:\n    recipients: {{verify: [old]}}     # or file: [recipients.txt]",
        facts.domain
    );
    if (facts.settings->recipients.any) {
        co_return failed("recipients of " + facts.domain + " are `any`", breaks, fix);
    }
    const std::string sources = describe_sources(facts.settings->recipients);
    const auto answer = co_await ask_listener(facts);
    if (answer && answer->code / 100 == 2) {
        co_return failed(
            fmt::format(
                "{} was accepted: {}; asked were {}", answer->recipient, answer->text, sources
            ),
            breaks,
            "The server that is asked takes every address (a catch-all). Give a list:\n" +
                fmt::format(
                    "domains:\n  {}:\n    recipients: {{file: [recipients.txt]}}", facts.domain
                )
        );
    }
    co_return passed(
        "known from " + sources +
        (answer ? "; a name that does not exist hears: " + answer->text
                : "; not tried, sidingd does not answer on this host")
    );
}

net::awaitable<CheckOutcome> check_greylisting(const DoctorFacts& facts) {
    std::string recipient = "postmaster@" + facts.domain;
    if (facts.options.recipients) {
        auto list = co_await load_list(facts);
        if (list.has_value()) {
            recipient = list->front();
        }
    }
    std::vector<std::string> greylisted;
    std::vector<std::string> said;
    bool is_hold_alone = true;
    for (const HostView& host : facts.hosts) {
        const bool matters = facts.config == nullptr ? host.is_mx : !host.server.empty();
        if (!matters) {
            continue;
        }
        is_hold_alone = false;
        if (host.answered() == nullptr) {
            continue;
        }
        std::vector<std::string> one{recipient};
        const auto answers =
            co_await ask_recipients(facts, host, std::move(one), probe_sender(facts));
        for (const RcptAnswer& answer : answers) {
            const std::string line = fmt::format(
                "{} says to <{}>: {}",
                name_of(host, *host.answered()),
                answer.recipient,
                answer.text
            );
            (sounds_like_greylisting(answer) ? greylisted : said).push_back(line);
        }
    }
    if (!greylisted.empty()) {
        co_return failed(
            as_list(greylisted),
            "The first mail of each sender waits until the server lets it in: in the first hour of "
            "a release nearly everything.",
            "Exempt this host at the server. Postfix with postgrey: its address in "
            "/etc/postgrey/whitelist_clients.local\npostscreen: postconf -e "
            "'postscreen_access_list="
            "permit_mynetworks, cidr:/etc/postfix/siding.cidr' with the line\n192.0.2.1/32 permit"
        );
    }
    if (said.empty()) {
        co_return is_hold_alone ? not_checked("there is no server to ask")
                                : hindered("no server answers");
    }
    co_return passed(as_list(said));
}

net::awaitable<CheckOutcome> check_recipient_list(const DoctorFacts& facts) {
    if (!facts.options.recipients) {
        co_return not_checked("it needs a list of addresses: --recipients FILE");
    }
    if (const std::string lack = facts.lacks_config(); !lack.empty()) {
        co_return not_checked(lack);
    }
    auto list = co_await load_list(facts);
    if (list.has_error()) {
        co_return hindered(list.error().context);
    }
    const HostView* const old_host = first_answering(facts, "old");
    const HostView* const new_host = first_answering(facts, "new");
    if (old_host == nullptr || new_host == nullptr) {
        co_return hindered("both servers must answer, old and new");
    }
    Audit old_audit = make_audit(*list);
    Audit new_audit = make_audit(*list);
    net::TaskGroup tasks{
        co_await net::asio::this_coro::executor, "recipient audit", 2 * sessions_max};
    for (std::size_t i = 0; i < sessions_max; ++i) {
        auto first = tasks.spawn(ask_in_turn(facts, *old_host, old_audit));
        auto second = tasks.spawn(ask_in_turn(facts, *new_host, new_audit));
        static_cast<void>(first);
        static_cast<void>(second);
    }
    co_await tasks.join();
    const Comparison found = compare(*list, old_audit, new_audit);
    const std::string counted = fmt::format(
        "{} of {} addresses asked at both: {} unknown to new alone, {} to old alone, "
        "{} to both, {} undecided",
        found.compared,
        list->size(),
        found.unknown_to_new,
        found.unknown_to_old,
        found.unknown_to_both,
        found.undecided
    );
    if (found.lines.empty() && found.compared == list->size() && found.undecided == 0) {
        co_return passed(counted);
    }
    if (found.lines.empty()) {
        co_return hindered(counted);
    }
    co_return failed(
        counted + describe(found),
        "Mail for an address that only the old server knows is parked at the release.",
        "Create these addresses at the new server (or an alias), or send them elsewhere:\n"
        "siding remap add OLD-ADDRESS NEW-ADDRESS"
    );
}

}  // namespace siding::cutover
