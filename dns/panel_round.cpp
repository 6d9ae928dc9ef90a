#include "dns/panel_round.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace siding::dns {
namespace {

using std::chrono::seconds;

constexpr unsigned samples_with_tcp_min = 4;

bool is_stale(const ExtendedError& error) {
    constexpr int stale_answer = 3;     // RFC 8914 §4.4
    constexpr int stale_nxdomain = 19;  // §4.20
    return error.code == stale_answer || error.code == stale_nxdomain;
}

std::string errors_of(const Sample& sample) {
    std::string words = sample.problem;
    const Response& response = sample.response;
    const bool is_failure =
        response.rcode != rcode::no_error && response.rcode != rcode::no_such_name;
    if (sample.is_answered() && is_failure) {
        words = format_rcode(response.rcode);
    }
    for (const ExtendedError& error : response.errors) {
        words += (words.empty() ? "EDE " : "; EDE ") + std::to_string(error.code) +
                 (error.text.empty() ? "" : " " + error.text);
    }
    return words;
}

SampleView view_of(
    const Sample& sample,
    const Expected& expected,
    seconds authoritative_ttl,
    seconds left_until_deadline
) {
    const Response& response = sample.response;
    SampleView view;
    view.address = sample.server;
    view.state = judge(sample, expected);
    const std::string owner = follow_aliases(response, sample.question.name);
    const RrSet mx = rrset_of(response, owner, RecordType::mx);
    view.mx = mx.data;
    view.ttl_left = mx.ttl;
    view.rtt = sample.rtt;
    view.nsid = response.nsid;
    view.error = errors_of(sample);
    view.authenticated = response.authenticated;
    view.by_tcp = response.by_tcp;
    view.stale = std::ranges::any_of(response.errors, is_stale);
    view.geo = response.ecs_scope > 0;
    const bool is_known = authoritative_ttl > seconds{0} && !mx.empty();
    const bool is_old = view.state == SampleState::is_old || view.state == SampleState::mixed;
    if (is_known && mx.ttl <= authoritative_ttl) {
        view.age = authoritative_ttl - mx.ttl;
    }
    // An old answer's own TTL may have been larger.
    view.floor = is_known && !is_old && mx.ttl > authoritative_ttl;
    view.extends = is_old && mx.ttl > std::max(left_until_deadline, seconds{0});
    return view;
}

// One cache counts down. Where the TTL of the same data goes up at one address, there is another.
std::size_t count_caches(const std::vector<SampleView>& samples) {
    std::set<std::string> names;
    std::map<std::string, seconds> least;
    std::size_t jumps = 0;
    for (const SampleView& sample : samples) {
        if (!sample.nsid.empty()) {
            names.insert(sample.nsid);
        }
        if (sample.mx.empty()) {
            continue;
        }
        const auto [known, is_first] = least.emplace(sample.address.text(), sample.ttl_left);
        if (!is_first && sample.ttl_left > known->second + seconds{1}) {
            ++jumps;
        }
        known->second = std::min(known->second, sample.ttl_left);
    }
    const std::size_t by_jumps = least.empty() ? 0 : 1 + jumps;
    return std::max(names.size(), by_jumps);
}

OperatorView sum_up(const PanelOperator& each, std::vector<SampleView> samples) {
    OperatorView view;
    view.name = each.name;
    view.is_system = each.is_system;
    view.state = combine(samples);
    for (const SampleView& sample : samples) {
        if (sample.state == SampleState::is_old || sample.state == SampleState::mixed) {
            view.old_for_at_most = std::max(view.old_for_at_most, sample.ttl_left);
        }
    }
    view.caches_min = count_caches(samples);
    view.samples = std::move(samples);
    return view;
}

}  // namespace

SampleState combine(const std::vector<SampleView>& samples) {
    std::set<SampleState> states;
    for (const SampleView& sample : samples) {
        if (sample.state != SampleState::timed_out) {
            states.insert(sample.state);
        }
    }
    if (states.empty()) {
        return SampleState::timed_out;
    }
    if (states.contains(SampleState::is_old) && states.contains(SampleState::is_new)) {
        return SampleState::mixed;
    }
    for (const SampleState worse :
         {SampleState::is_old,
          SampleState::mixed,
          SampleState::other,
          SampleState::filtered,
          SampleState::nxdomain,
          SampleState::nodata,
          SampleState::failed}) {
        if (states.contains(worse)) {
            return worse;
        }
    }
    return SampleState::is_new;
}

net::awaitable<PanelRound> run_round(
    Prober& prober,
    const std::vector<PanelOperator>& operators,
    std::string domain,
    const Expected& expected,
    unsigned samples,
    seconds authoritative_ttl,
    seconds left_until_deadline
) {
    std::vector<Order> orders;
    std::vector<std::size_t> whose;
    // Sample by sample and not operator by operator: an address gets its questions apart.
    for (unsigned n = 0; n < samples; ++n) {
        for (std::size_t at = 0; at < operators.size(); ++at) {
            const auto& addresses = operators[at].addresses;
            if (addresses.empty()) {
                continue;
            }
            Ask how;
            how.recurse = true;
            how.timeout = std::chrono::seconds{3};  // it may have to ask slow servers itself
            if (n + 1 == samples && samples >= samples_with_tcp_min) {
                how.transport = Transport::tcp;
            }
            orders.emplace_back(
                addresses[n % addresses.size()], Question{domain, RecordType::mx}, how
            );
            whose.push_back(at);
        }
    }
    const auto answers = co_await prober.ask_all(std::move(orders));
    std::vector<std::vector<SampleView>> views(operators.size());
    for (std::size_t n = 0; n < answers.size(); ++n) {
        views[whose[n]].push_back(
            view_of(answers[n], expected, authoritative_ttl, left_until_deadline)
        );
    }
    PanelRound round;
    round.at = prober.clock().now();
    for (std::size_t at = 0; at < operators.size(); ++at) {
        round.operators.push_back(sum_up(operators[at], std::move(views[at])));
    }
    co_return round;
}

}  // namespace siding::dns
