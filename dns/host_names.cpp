#include "dns/host_names.hpp"

#include "dns/mta_sts.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>

namespace siding::dns {
namespace {

using net::awaitable;

constexpr int aliases_max = 4;

bool is_signed(const Response& response, RecordType type) {
    return std::ranges::any_of(response.answers, [&](const ResourceRecord& record) {
        const Rrsig* const signature = record.as<Rrsig>();
        return signature != nullptr && signature->covered == static_cast<std::uint16_t>(type);
    });
}

// RFC 8461 §3.1: of more than one record senders take none.
std::string announcement_in(const std::vector<ResourceRecord>& records) {
    std::string id;
    std::size_t announced = 0;
    for (const ResourceRecord& record : records) {
        const Text* const text = record.as<Text>();
        if (text != nullptr && is_sts_record(text->joined())) {
            ++announced;
            const auto parsed = parse_sts_record(text->joined());
            id = parsed ? *parsed : "";
        }
    }
    return announced == 1 && !id.empty() ? "v=STSv1; id=" + id : "";
}

std::string data_in(const Response& response, std::string_view owner, RecordType type) {
    switch (type) {
    case RecordType::txt:
        return announcement_in(find(response, owner, type));
    case RecordType::tlsa:
        return is_signed(response, type) ? rrset_of(response, owner, type).text() : "";
    default:
        return rrset_of(response, owner, type).text();
    }
}

// The alias that the answer ends at, where what was asked for lies in another zone.
std::optional<std::string> elsewhere(const Sample& sample) {
    const std::string name = plain_name(sample.question.name);
    std::string owner = follow_aliases(sample.response, name);
    const bool has_records = !find(sample.response, owner, sample.question.type).empty();
    return owner == name || has_records ? std::nullopt : std::optional{std::move(owner)};
}

Served served_by(const ServerWord& word, const std::string& name) {
    const Sample& sample = word.sample;
    const RecordType type = sample.question.type;
    const std::string owner = follow_aliases(sample.response, plain_name(sample.question.name));
    const RrSet set = rrset_of(sample.response, owner, type);
    Served served;
    served.server = word.server;
    served.name = name;
    served.type = static_cast<std::uint16_t>(type);
    served.data = data_in(sample.response, owner, type);
    served.ttl = set.empty() ? negative_ttl_of(sample.response) : set.ttl;
    served.at = sample.at;
    return served;
}

// `name` as the history knows it; `asked` is where its aliases have led so far.
awaitable<std::vector<Served>> look(
    Authority& authority, std::string zone, std::string name, std::vector<RecordType> types
) {
    std::vector<Served> all;
    std::string asked = name;
    for (int step = 0; step < aliases_max; ++step) {
        std::vector<Question> questions;
        for (const RecordType type : types) {
            questions.emplace_back(asked, type);
        }
        const auto words = co_await authority.ask_zone_of(zone, std::move(questions));
        if (words.has_error()) {
            break;
        }
        std::set<std::string> aliases;
        for (const ServerWord& word : *words) {
            if (!word.is_final()) {
                continue;
            }
            if (auto alias = elsewhere(word.sample)) {
                aliases.insert(std::move(*alias));
            } else {
                all.push_back(served_by(word, name));
            }
        }
        if (aliases.empty() || !all.empty()) {
            break;
        }
        asked = zone = *aliases.begin();
    }
    co_return all;
}

}  // namespace

awaitable<std::vector<Served>> look_at_host(Authority& authority, std::string host) {
    std::vector<RecordType> addresses{RecordType::a, RecordType::aaaa};
    auto all = co_await look(authority, host, host, std::move(addresses));
    if (all.empty()) {
        co_return all;  // nobody answers, or there is no such host
    }
    std::vector<RecordType> digests{RecordType::tlsa};
    std::string name = std::string{tlsa_label} + host;
    auto tlsa = co_await look(authority, host, std::move(name), std::move(digests));
    std::ranges::move(tlsa, std::back_inserter(all));
    co_return all;
}

awaitable<std::vector<Served>> look_at_announcement(Authority& authority, std::string domain) {
    std::vector<RecordType> types{RecordType::txt};
    std::string name = std::string{sts_label} + domain;
    auto all = co_await look(authority, std::move(domain), std::move(name), std::move(types));
    co_return all;
}

}  // namespace siding::dns
