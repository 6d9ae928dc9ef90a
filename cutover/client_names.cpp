#include "cutover/client_names.hpp"

#include "base/domain.hpp"
#include "cutover/reverse_name.hpp"

#include <algorithm>

namespace siding::cutover {

using net::awaitable;

namespace {

constexpr std::size_t names_max = 4;  // of one address; more are nobody's

bool has_address(const std::vector<dns::ResourceRecord>& records, const std::string& address) {
    return std::ranges::any_of(records, [&](const dns::ResourceRecord& record) {
        const auto* const found = record.as<dns::Address>();
        return found != nullptr && found->text == address;
    });
}

// Whether the name has the client's address.
awaitable<Result<bool>> is_confirmed(
    const RecursiveLookup& lookup, std::string name, const std::string& address
) {
    const bool is_six = address.find(':') != std::string::npos;
    const auto type = is_six ? dns::RecordType::aaaa : dns::RecordType::a;
    const auto addresses = co_await lookup.records(std::move(name), type);
    SIDING_CO_TRY(addresses);
    co_return has_address(*addresses, address);
}

}  // namespace

awaitable<Result<std::string>> find_client_name(RecursiveLookup lookup, dns::Client client) {
    const std::string reverse = reverse_name(client.address, "");
    if (reverse.empty()) {
        co_return std::string{};
    }
    const auto names = co_await lookup.records(reverse, dns::RecordType::ptr);
    SIDING_CO_TRY(names);
    for (std::size_t i = 0; i < std::min(names->size(), names_max); ++i) {
        const auto* const host = names->at(i).as<dns::HostName>();
        if (host == nullptr) {
            continue;
        }
        const auto confirmed = co_await is_confirmed(lookup, host->name, client.address);
        SIDING_CO_TRY(confirmed);
        if (*confirmed) {
            co_return host->name;
        }
    }
    const auto helo = Domain::parse(client.helo);
    if (helo && helo->text().find('.') != std::string::npos) {
        const auto confirmed = co_await is_confirmed(lookup, helo->text(), client.address);
        SIDING_CO_TRY(confirmed);
        co_return *confirmed ? helo->text() : std::string{};
    }
    co_return std::string{};
}

}  // namespace siding::cutover
