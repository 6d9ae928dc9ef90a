#include "cutover/sts_policy.hpp"

#include "base/bytes.hpp"
#include "net/https_get.hpp"
#include "net/network_error.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace siding::cutover {
namespace {

net::awaitable<std::vector<net::Endpoint>> addresses_of(
    const RecursiveLookup& lookup, std::string host, std::uint16_t port, std::string& problem
) {
    std::vector<net::Endpoint> found;
    for (const auto type : {dns::RecordType::a, dns::RecordType::aaaa}) {
        const auto records = co_await lookup.records(host, type);
        if (records.has_error()) {
            problem = records.error().message();
            continue;
        }
        for (const dns::ResourceRecord& record : *records) {
            if (const auto* const address = record.as<dns::Address>()) {
                found.push_back({address->family, address->text, port});
            }
        }
    }
    if (found.empty() && problem.empty()) {
        problem = host + " has no address";
    }
    co_return found;
}

// RFC 8461 §3.3
void judge_page(StsView& view) {
    if (view.status != 200) {
        view.page_problem = fmt::format("the server answers {} instead of 200", view.status);
        return;
    }
    auto policy = dns::parse_sts_policy(view.page);
    if (policy.has_error()) {
        view.page_problem = "it is no policy: " + policy.error().context;
        return;
    }
    view.policy = std::move(*policy);
    if (!equals_ignoring_case(
            std::string_view{view.content_type}.substr(0, view.content_type.find(';')), "text/plain"
        )) {
        view.page_problem =
            "its Content-Type is \"" + escape(view.content_type, 64) + "\" and not text/plain";
    }
}

net::awaitable<void> fetch(
    const RecursiveLookup& lookup, std::string domain, StsFetchOptions options, StsView& view
) {
    const std::string host = std::string{dns::sts_host_label} + domain;
    auto endpoints = co_await addresses_of(lookup, host, options.port, view.page_problem);
    for (const net::Endpoint& endpoint : endpoints) {
        view.addresses.push_back(endpoint.address);
    }
    if (endpoints.empty()) {
        co_return;
    }
    view.page_problem.clear();
    net::HttpsGetOptions getting;
    getting.port = options.port;
    getting.ca_file = options.ca_file;
    getting.timeout = std::chrono::seconds{7};
    getting.addresses = std::move(endpoints);
    std::string path{dns::sts_path};
    auto reply = co_await net::https_get(host, std::move(path), std::move(getting));
    if (reply.has_error()) {
        view.page_problem = host + ": " + reply.error().message();
        co_return;
    }
    view.status = reply->status;
    view.content_type = std::move(reply->content_type);
    view.page = std::move(reply->body);
    judge_page(view);
}

}  // namespace

net::awaitable<Result<StsView>> look_at_sts(
    const RecursiveLookup& lookup, std::string domain, StsFetchOptions options
) {
    std::string name = std::string{dns::sts_label} + domain;
    auto asked = co_await lookup.records(std::move(name), dns::RecordType::txt);
    SIDING_CO_ASSIGN(const auto records, std::move(asked));
    StsView view;
    for (const dns::ResourceRecord& record : records) {
        const auto* const text = record.as<dns::Text>();
        if (text != nullptr && dns::is_sts_record(text->joined())) {
            view.records.push_back(text->joined());
        }
    }
    if (!view.is_announced()) {
        co_return view;
    }
    if (view.records.size() > 1) {
        view.record_problem = fmt::format("{} records instead of one", view.records.size());
    } else if (auto id = dns::parse_sts_record(view.records.front())) {
        view.id = std::move(*id);
    } else {
        view.record_problem = id.error().context;
    }
    co_await fetch(lookup, std::move(domain), std::move(options), view);
    co_return view;
}

}  // namespace siding::cutover
