#include "cutover/recursive_lookup.hpp"

#include "dns/panel.hpp"
#include "net/run_on.hpp"

#include <optional>
#include <utility>

namespace siding::cutover {
namespace {

std::vector<net::HostPort> system_resolvers() {
    std::vector<net::HostPort> servers;
    for (const dns::PanelOperator& operated : dns::system_panel()) {
        servers.insert(servers.end(), operated.addresses.begin(), operated.addresses.end());
    }
    return servers;
}

bool is_answer(const dns::Response& response) {
    return response.rcode == dns::rcode::no_error || response.rcode == dns::rcode::no_such_name;
}

}  // namespace

RecursiveLookup::RecursiveLookup(
    dns::Prober& prober, std::vector<net::HostPort> resolvers, net::asio::any_io_executor blocking
)
    : prober_{prober}, resolvers_{std::move(resolvers)}, blocking_{std::move(blocking)} {}

net::awaitable<std::vector<net::HostPort>> RecursiveLookup::resolvers() const {
    if (resolvers_.empty()) {
        resolvers_ = co_await net::run_on(blocking_, system_resolvers);
    }
    co_return resolvers_;
}

net::awaitable<Result<dns::Response>> RecursiveLookup::ask(
    std::string name, dns::RecordType type, bool checking_disabled
) const {
    dns::Ask how;
    how.recurse = true;
    how.checking_disabled = checking_disabled;
    how.tries = 2;
    std::optional<dns::Response> refusal;
    std::string problem = "there is no resolver: /etc/resolv.conf names none";
    const std::vector<net::HostPort> servers = co_await resolvers();
    for (const net::HostPort& server : servers) {
        dns::Question question{name, type};
        const dns::Sample sample = co_await prober_.ask(server, std::move(question), how);
        if (sample.is_answered() && is_answer(sample.response)) {
            co_return sample.response;
        }
        if (sample.is_answered()) {
            refusal = sample.response;
        } else {
            problem = "resolver " + server.text() + ": " + sample.problem;
        }
    }
    if (refusal) {
        co_return std::move(*refusal);
    }
    co_return Error{
        Errc::unavailable, std::string{dns::format_type(type)} + " of " + name + ": " + problem};
}

net::awaitable<Result<std::vector<dns::ResourceRecord>>> RecursiveLookup::records(
    std::string name, dns::RecordType type
) const {
    auto answered = co_await ask(name, type);
    SIDING_CO_ASSIGN(const dns::Response response, std::move(answered));
    if (!is_answer(response)) {
        co_return Error{
            Errc::unavailable,
            std::string{dns::format_type(type)} + " of " + name + ": the resolver says " +
                dns::format_rcode(response.rcode)};
    }
    const std::string owner = dns::follow_aliases(response, dns::plain_name(name));
    co_return dns::find(response, owner, type);
}

}  // namespace siding::cutover
