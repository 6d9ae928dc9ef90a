#include "relay/recipient_directory.hpp"

#include "base/bytes.hpp"

#include <fmt/format.h>

namespace siding::relay {
namespace {

bool is_postmaster(const Address& address) {
    return equals_ignoring_case(address.local_part(), "postmaster");
}

std::vector<Address> names_of(
    const Address& address, const std::vector<std::string>& rewritten_to
) {
    std::vector<Address> names;
    for (const std::string& text : rewritten_to) {
        if (auto name = Address::parse(text)) {
            names.push_back(std::move(*name));
        }
    }
    if (names.empty()) {
        names.push_back(address);
    }
    return names;
}

}  // namespace

net::awaitable<RecipientDirectory::Answer> RecipientDirectory::look_up(
    Address address, std::shared_ptr<const config::Config> config
) {
    const config::Recipients& sources = config->domains.at(address.domain()).recipients;
    const auto table = tables_.get();
    Answer answer;
    answer.rewritten_to = table->rewrite(address, config->recipient_delimiter);
    if (sources.any || is_postmaster(address)) {
        answer.existence = Existence::exists;
        co_return answer;
    }
    const auto found = table->find(address, config->recipient_delimiter);
    if (found == RecipientTable::Answer::known) {
        answer.existence = Existence::exists;
        co_return answer;
    }
    // Files that are configured but have never been readable say nothing yet.
    const bool files_say_no = sources.files.empty() || found == RecipientTable::Answer::unknown;
    answer.existence = files_say_no ? Existence::unknown : Existence::undecided;
    if (sources.verify.empty()) {
        co_return answer;
    }
    // The servers are asked for the names that they will hear.
    for (const Address& name : names_of(address, answer.rewritten_to)) {
        std::vector<std::string> servers = sources.verify;
        const VerifyAnswer verified = co_await verifier_.verify(name, std::move(servers));
        if (verified.existence == Existence::exists) {
            answer.existence = Existence::exists;
            co_return answer;
        }
        if (verified.existence == Existence::undecided) {
            answer.existence = Existence::undecided;
        }
    }
    co_return answer;
}

std::string RecipientDirectory::wave_of(const Domain& domain, std::string_view address) const {
    return waves_ == nullptr ? config::default_wave : waves_->wave_of(domain, address);
}

bool RecipientDirectory::is_route(const Address& address) const {
    constexpr std::string_view operators = "%!@";
    return address.local_part().find_first_of(operators) != std::string_view::npos &&
           !tables_.get()->names(address);
}

net::awaitable<Result<RecipientReport>> RecipientDirectory::report(Address address) {
    const auto config = config_.get();
    const auto domain = config->domains.find(address.domain());
    if (domain == config->domains.end()) {
        co_return Error{
            Errc::not_found,
            fmt::format("{} is not one of the domains that are served", address.domain().text())};
    }
    if (is_route(address)) {
        RecipientReport refused;
        refused.address = address.text();
        refused.is_route = true;
        co_return refused;
    }
    RecipientReport report = co_await verifier_.report(address);
    const auto table = tables_.get();
    report.rewritten_to = table->rewrite(address, config->recipient_delimiter);
    const auto found = table->find(address, config->recipient_delimiter);
    if (!domain->second.recipients.files.empty() && found != RecipientTable::Answer::no_files) {
        report.in_files = found == RecipientTable::Answer::known;
    }
    co_return report;
}

}  // namespace siding::relay
