#include "dns/spf_evaluation.hpp"

#include "base/bytes.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <utility>

namespace siding::dns {
namespace {

using Texts = std::vector<std::string>;
using Kind = SpfMechanism::Kind;

constexpr int measured_max = 100;      // nobody is to keep us asking
constexpr std::size_t names_max = 10;  // §4.6.4: of one mx or ptr

bool is_within(std::string_view name, std::string_view domain) {
    if (name.size() <= domain.size()) {
        return equals_ignoring_case(name, domain);
    }
    const auto rest = name.size() - domain.size();
    return name[rest - 1] == '.' && equals_ignoring_case(name.substr(rest), domain);
}

// An outcome that ends the whole evaluation travels as SpfResult; a match as true.
struct Match {
    bool is_match = false;
    std::optional<SpfResult> failure{};
};

class Evaluation {
public:
    Evaluation(SpfLookup lookup, SpfMacros macros, bool measures)
        : lookup_{std::move(lookup)}, macros_{std::move(macros)}, measures_{measures} {}

    // §4.1
    net::awaitable<SpfResult> check(std::string domain) {
        auto asked = co_await lookup_(domain, RecordType::txt);
        if (!asked) {
            co_return fail(SpfResult::temperror, domain + ": " + asked.error().context);
        }
        Texts records;
        std::ranges::copy_if(*asked, std::back_inserter(records), is_spf);
        if (records.empty()) {
            co_return fail(SpfResult::none, domain + " has no SPF record");
        }
        if (records.size() > 1) {  // §4.5
            co_return fail(
                SpfResult::permerror, fmt::format("{} has {} SPF records", domain, records.size())
            );
        }
        auto record = parse_spf(records.front());
        if (!record) {
            co_return fail(SpfResult::permerror, domain + ": " + record.error().context);
        }
        auto result = co_await check_record(std::move(domain), std::move(*record));
        co_return result;
    }

    SpfVerdict finish(SpfResult result) {
        verdict_.result = result;
        return std::move(verdict_);
    }

private:
    net::awaitable<SpfResult> check_record(std::string domain, SpfRecord record) {
        for (const SpfMechanism& mechanism : record.mechanisms) {
            if (mechanism.kind == Kind::all && measures_) {
                co_return SpfResult::neutral;
            }
            const Match match = co_await matches(mechanism, domain);
            if (match.failure) {
                co_return *match.failure;
            }
            if (match.is_match && !measures_) {
                verdict_.reason = domain + ": " + format_spf(mechanism);
                co_return mechanism.qualifier;
            }
        }
        if (!record.redirect) {
            verdict_.reason = domain + ": nothing matches";
            co_return SpfResult::neutral;  // §4.7
        }
        const std::string spent = "redirect=" + *record.redirect;
        const auto target = expand_spf(*record.redirect, domain, macros_);
        if (!target) {
            co_return fail(SpfResult::permerror, target.error().context);
        }
        if (!spend(spent)) {
            co_return fail(SpfResult::permerror, over_limit(spent));
        }
        const SpfResult result = co_await check(*target);
        co_return result == SpfResult::none ? SpfResult::permerror : result;  // §6.1
    }

    net::awaitable<Match> matches(const SpfMechanism& mechanism, const std::string& domain) {
        const bool asks = mechanism.kind != Kind::all && mechanism.kind != Kind::ip4 &&
                          mechanism.kind != Kind::ip6;
        std::string target = domain;
        if (asks && !mechanism.target.empty()) {
            auto expanded = expand_spf(mechanism.target, domain, macros_);
            if (!expanded) {
                co_return stop(SpfResult::permerror, expanded.error().context);
            }
            target = to_lower(*expanded);
        }
        if (asks && !spend(format_spf(mechanism))) {
            co_return stop(SpfResult::permerror, over_limit(format_spf(mechanism)));
        }
        switch (mechanism.kind) {
        case Kind::all:
            co_return Match{.is_match = true};
        case Kind::ip4:
            co_return Match{.is_match = covers(mechanism.target, mechanism.prefix4)};
        case Kind::ip6:
            co_return Match{.is_match = covers(mechanism.target, mechanism.prefix6)};
        case Kind::include: {
            const Match match = co_await include(std::move(target));
            co_return match;
        }
        case Kind::a: {
            const Match match = co_await match_addresses(mechanism, std::move(target));
            co_return match;
        }
        case Kind::mx: {
            const Match match = co_await match_mx(mechanism, std::move(target));
            co_return match;
        }
        case Kind::ptr: {
            const Match match = co_await match_ptr(std::move(target));
            co_return match;
        }
        case Kind::exists: {
            // §5.7: A, whatever the client has.
            const auto found = co_await ask(std::move(target), RecordType::a, true);
            if (!found) {
                co_return failure();
            }
            co_return Match{.is_match = !found->empty()};
        }
        }
        co_return Match{};
    }

    // §5.2
    net::awaitable<Match> include(std::string target) {
        const SpfResult result = co_await check(target);
        switch (result) {
        case SpfResult::pass:
            co_return Match{.is_match = true};
        case SpfResult::fail:
        case SpfResult::softfail:
        case SpfResult::neutral:
            co_return Match{};
        case SpfResult::temperror:
            co_return Match{.failure = SpfResult::temperror};
        case SpfResult::none:
        case SpfResult::permerror:
            break;
        }
        co_return Match{.failure = SpfResult::permerror};
    }

    // §5.3
    net::awaitable<Match> match_addresses(const SpfMechanism& mechanism, std::string target) {
        const auto found = co_await ask(std::move(target), address_type(), true);
        if (!found) {
            co_return failure();
        }
        co_return Match{.is_match = any_covers(mechanism, *found)};
    }

    // §5.4
    net::awaitable<Match> match_mx(const SpfMechanism& mechanism, std::string target) {
        const auto hosts = co_await ask(target, RecordType::mx, true);
        if (!hosts) {
            co_return failure();
        }
        if (hosts->size() > names_max) {
            co_return stop(
                SpfResult::permerror,
                fmt::format("{} has {} MX hosts, more than {}", target, hosts->size(), names_max)
            );
        }
        for (const std::string& host : *hosts) {
            const auto found = co_await ask(host, address_type(), false);
            if (!found) {
                co_return failure();
            }
            if (any_covers(mechanism, *found)) {
                co_return Match{.is_match = true};
            }
        }
        co_return Match{};
    }

    // §5.5: errors count as no match.
    net::awaitable<Match> match_ptr(std::string target) {
        const auto reverse = expand_spf("%{ir}.%{v}.arpa", target, macros_);
        auto names = co_await ask(*reverse, RecordType::ptr, true);
        if (!names) {
            co_return voids_spent_ ? failure() : Match{};
        }
        names->resize(std::min(names->size(), names_max));
        for (const std::string& name : *names) {
            if (!is_within(name, target)) {
                continue;
            }
            const auto found = co_await ask(name, address_type(), false);
            if (found && std::ranges::any_of(*found, [this](const std::string& address) {
                    return spf_covers(address, is_ip6() ? 128 : 32, macros_.address);
                })) {
                co_return Match{.is_match = true};
            }
        }
        co_return Match{};
    }

    // Nothing when the evaluation ends here: failure() says how. §4.6.4: void lookups.
    net::awaitable<std::optional<Texts>> ask(std::string name, RecordType type, bool counts) {
        auto answer = co_await lookup_(name, type);
        if (!answer) {
            failure_ = SpfResult::temperror;
            verdict_.reason = name + ": " + answer.error().context;
            co_return std::nullopt;
        }
        if (answer->empty() && counts) {
            ++verdict_.voids;
            if (verdict_.voids > spf_voids_max && !measures_) {
                voids_spent_ = true;
                failure_ = SpfResult::permerror;
                verdict_.reason = fmt::format(
                    "more than {} names asked for do not exist, the last one {}",
                    spf_voids_max,
                    name
                );
                co_return std::nullopt;
            }
        }
        co_return std::optional<Texts>{std::move(*answer)};
    }

    bool spend(std::string what) {
        ++verdict_.lookups;
        verdict_.spent.push_back(std::move(what));
        return verdict_.lookups <= (measures_ ? measured_max : spf_lookups_max);
    }

    static std::string over_limit(const std::string& what) {
        return fmt::format("more than {} lookups, the last one {}", spf_lookups_max, what);
    }

    SpfResult fail(SpfResult result, std::string reason) {
        verdict_.reason = std::move(reason);
        return result;
    }

    Match stop(SpfResult result, std::string reason) {
        verdict_.reason = std::move(reason);
        return Match{.is_match = false, .failure = result};
    }

    Match failure() const { return Match{.is_match = false, .failure = failure_}; }

    bool is_ip6() const { return !spf_covers("0.0.0.0", 0, macros_.address); }
    RecordType address_type() const { return is_ip6() ? RecordType::aaaa : RecordType::a; }

    // ip4 and ip6 fit clients of their own family only, so the prefix does too.
    bool covers(const std::string& network, unsigned prefix) const {
        return spf_covers(network, prefix, macros_.address);
    }

    bool any_covers(const SpfMechanism& mechanism, const Texts& addresses) const {
        const unsigned prefix = is_ip6() ? mechanism.prefix6 : mechanism.prefix4;
        return std::ranges::any_of(addresses, [&](const std::string& address) {
            return covers(address, prefix);
        });
    }

    SpfLookup lookup_;
    SpfMacros macros_;
    bool measures_;
    bool voids_spent_ = false;
    SpfResult failure_ = SpfResult::temperror;
    SpfVerdict verdict_;
};

}  // namespace

net::awaitable<SpfVerdict> evaluate_spf(SpfLookup lookup, std::string domain, SpfMacros macros) {
    Evaluation evaluation{std::move(lookup), std::move(macros), false};
    const SpfResult result = co_await evaluation.check(std::move(domain));
    co_return evaluation.finish(result);
}

net::awaitable<SpfVerdict> measure_spf(SpfLookup lookup, std::string domain) {
    SpfMacros nobody;  // RFC 5737: nobody has this address
    nobody.sender = "postmaster@" + domain;
    nobody.address = "192.0.2.1";
    nobody.helo = domain;
    Evaluation evaluation{std::move(lookup), std::move(nobody), true};
    const SpfResult result = co_await evaluation.check(std::move(domain));
    co_return evaluation.finish(result);
}

}  // namespace siding::dns
