#include "cutover/doctor_hosts.hpp"
#include "cutover/recursive_lookup.hpp"
#include "cutover/reverse_name.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <set>

namespace siding::cutover {
namespace {

struct BlockList {
    std::string_view zone;
    bool has_ipv6 = false;
};

constexpr std::array block_lists{
    BlockList{"zen.spamhaus.org", true},
    BlockList{"bl.spamcop.net"},
    BlockList{"b.barracudacentral.org"},
    BlockList{"psbl.surriel.com"},
};

// Where our mail comes from: what the configuration says, else the addresses of our own name.
net::awaitable<Result<std::vector<std::string>>> source_addresses(const DoctorFacts& facts) {
    std::set<std::string> found;
    for (const auto& [name, server] : facts.config->servers) {
        found.insert(server.source.begin(), server.source.end());
    }
    if (!found.empty()) {
        co_return std::vector<std::string>{found.begin(), found.end()};
    }
    for (const dns::RecordType type : {dns::RecordType::a, dns::RecordType::aaaa}) {
        auto asked = co_await facts.lookup.records(facts.config->hostname, type);
        SIDING_CO_ASSIGN(const std::vector<dns::ResourceRecord> records, std::move(asked));
        for (const dns::ResourceRecord& record : records) {
            found.insert(record.as<dns::Address>()->text);
        }
    }
    co_return std::vector<std::string>{found.begin(), found.end()};
}

net::awaitable<Result<bool>> leads_to(
    const DoctorFacts& facts, const std::string& name, const std::string& address
) {
    const bool is_v6 = address.find(':') != std::string::npos;
    auto asked =
        co_await facts.lookup.records(name, is_v6 ? dns::RecordType::aaaa : dns::RecordType::a);
    SIDING_CO_ASSIGN(const std::vector<dns::ResourceRecord> records, std::move(asked));
    co_return std::ranges::any_of(records, [&](const dns::ResourceRecord& record) {
        return record.as<dns::Address>()->text == address;
    });
}

struct ReverseFault {
    std::string evidence;
    std::string fix;
};

// Nothing: all is well.
net::awaitable<Result<std::optional<ReverseFault>>> reverse_fault(
    const DoctorFacts& facts, const std::string& address
) {
    const std::string& hostname = facts.config->hostname;
    const std::string owner = reverse_name(address, "");
    const std::string fix = fmt::format("{}. IN PTR {}.", owner, hostname);
    auto asked = co_await facts.lookup.records(owner, dns::RecordType::ptr);
    SIDING_CO_ASSIGN(const std::vector<dns::ResourceRecord> records, std::move(asked));
    if (records.empty()) {
        co_return ReverseFault{address + " has no PTR record", fix};
    }
    std::string names;
    for (const dns::ResourceRecord& record : records) {
        const std::string name = record.as<dns::HostName>()->name;
        auto forward = co_await leads_to(facts, name, address);
        SIDING_CO_ASSIGN(const bool is_confirmed, std::move(forward));
        if (is_confirmed && name == hostname) {
            co_return std::nullopt;
        }
        names += (names.empty() ? "" : ", ") + name +
                 (is_confirmed ? "" : " (which is not " + address + ")");
    }
    co_return ReverseFault{fmt::format("{} is called {}, not {}", address, names, hostname), fix};
}

// --- H04 ----------------------------------------------------------------------------------------

struct ListAnswer {
    bool is_alive = false;  // its test entry is there
    bool is_listed = false;
    std::string code;
};

net::awaitable<ListAnswer> ask_list(
    const DoctorFacts& facts, const BlockList& list, const std::string& address
) {
    ListAnswer answer;
    const std::string test = reverse_name("127.0.0.2", list.zone);  // RFC 5782 §5
    auto alive = co_await facts.lookup.records(test, dns::RecordType::a);
    // 127.255.255.x: "you may not ask"
    const auto is_listing = [](const dns::ResourceRecord& record) {
        const std::string& code = record.as<dns::Address>()->text;
        return code.starts_with("127.") && !code.starts_with("127.255.");
    };
    answer.is_alive = alive.has_value() && std::ranges::any_of(*alive, is_listing);
    if (!answer.is_alive) {
        co_return answer;
    }
    auto asked =
        co_await facts.lookup.records(reverse_name(address, list.zone), dns::RecordType::a);
    answer.is_alive = asked.has_value();
    for (std::size_t i = 0; asked.has_value() && i < asked->size(); ++i) {
        if (is_listing((*asked)[i])) {
            answer.is_listed = true;
            answer.code = (*asked)[i].as<dns::Address>()->text;
        }
    }
    co_return answer;
}

// --- H18 ----------------------------------------------------------------------------------------

constexpr std::array client_labels{
    "autodiscover", "autoconfig", "smtp", "submission", "mail", "imap", "pop"};

}  // namespace

net::awaitable<CheckOutcome> check_reverse_names(const DoctorFacts& facts) {
    if (const std::string lack = facts.lacks_config(); !lack.empty()) {
        co_return not_checked(lack);
    }
    auto found = co_await source_addresses(facts);
    if (found.has_error()) {
        co_return hindered(found.error().message());
    }
    if (found->empty()) {
        co_return failed(
            facts.config->hostname + " has no address",
            "Servers that check who speaks to them refuse Siding: it says a name that does not "
            "exist.",
            facts.config->hostname + ". IN A 192.0.2.1   ; the address of this host"
        );
    }
    std::vector<std::string> faults;
    std::vector<std::string> fixes;
    for (const std::string& address : *found) {
        auto asked = co_await reverse_fault(facts, address);
        if (asked.has_error()) {
            co_return hindered(asked.error().message());
        }
        if (*asked) {
            faults.push_back((*asked)->evidence);
            fixes.push_back((*asked)->fix);
        }
    }
    if (faults.empty()) {
        co_return passed(as_list(*found) + " and " + facts.config->hostname + " name each other");
    }
    co_return failed(
        as_list(faults),
        "Gmail refuses mail over IPv6 without it (550-5.7.1), many others distrust it: released "
        "mail is deferred, refused or filed as junk.",
        as_list(fixes) +
            "\nThe network's owner (your provider) has that zone. Or let mail leave "
            "from another address:\nservers: {new: {source: [\"192.0.2.1\"]}}"
    );
}

net::awaitable<CheckOutcome> check_block_lists(const DoctorFacts& facts) {
    if (const std::string lack = facts.lacks_config(); !lack.empty()) {
        co_return not_checked(lack);
    }
    auto found = co_await source_addresses(facts);
    if (found.has_error()) {
        co_return hindered(found.error().message());
    }
    std::vector<std::string> listed;
    std::set<std::string_view> asked;
    for (const std::string& address : *found) {
        for (const BlockList& list : block_lists) {
            if (!is_public_address(address) ||
                (address.find(':') != std::string::npos && !list.has_ipv6)) {
                continue;
            }
            const ListAnswer answer = co_await ask_list(facts, list, address);
            if (answer.is_alive) {
                asked.insert(list.zone);
            }
            if (answer.is_listed) {
                listed.push_back(fmt::format("{} is on {} ({})", address, list.zone, answer.code));
            }
        }
    }
    if (!listed.empty()) {
        co_return failed(
            as_list(listed),
            "Servers that use the list refuse or junk what is released to them.",
            "Ask the list to take the address off (its web page says why it is there), let the new "
            "server trust it, or leave from another:\nservers: {new: {source: [\"192.0.2.1\"]}}"
        );
    }
    if (asked.empty()) {
        co_return not_checked(
            std::ranges::any_of(*found, is_public_address)
                ? "no list answers this resolver: lists refuse public resolvers; use one of your "
                  "own"
                : "this host has no public address"
        );
    }
    std::string lists;
    for (const std::string_view zone : asked) {
        lists += (lists.empty() ? "" : ", ") + std::string{zone};
    }
    co_return passed("not on " + lists);
}

net::awaitable<CheckOutcome> check_client_names(const DoctorFacts& facts) {
    if (const std::string lack = facts.lacks_domain(); !lack.empty()) {
        co_return not_checked(lack);
    }
    std::set<std::string> ours;
    for (const HostView& host : facts.hosts) {
        for (std::size_t i = 0; host.is_hold && i < host.addresses.size(); ++i) {
            ours.insert(host.addresses[i].text);
        }
    }
    std::vector<std::string> wrong;
    for (const char* const label : client_labels) {
        const std::string name = std::string{label} + "." + facts.domain;
        if (std::ranges::find(facts.new_hosts, name) != facts.new_hosts.end()) {
            continue;
        }
        for (const dns::RecordType type : {dns::RecordType::a, dns::RecordType::aaaa}) {
            auto asked = co_await facts.lookup.records(name, type);
            if (asked.has_error()) {
                co_return hindered(asked.error().message());
            }
            for (const dns::ResourceRecord& record : *asked) {
                const std::string& address = record.as<dns::Address>()->text;
                if (ours.contains(address)) {
                    wrong.push_back(fmt::format("{} is {}, the hold host", name, address));
                }
            }
        }
    }
    if (wrong.empty()) {
        co_return passed("none of autodiscover, smtp, mail, imap, … points to the hold host");
    }
    co_return failed(
        as_list(wrong),
        "Mail programs of the users try to log in at the hold host, which knows no users: they "
        "can neither read nor send.",
        fmt::format(
            "Leave these names at the old server, then move them to the new one:\n{}", wrong.front()
        )
    );
}

}  // namespace siding::cutover
