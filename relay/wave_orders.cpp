#include "relay/wave_orders.hpp"

#include "base/bytes.hpp"
#include "base/limits.hpp"
#include "relay/address_key.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace siding::relay {
namespace {

using boost::asio::awaitable;

constexpr std::size_t member_octets_max = 512;  // a value's key holds it, with domain and wave
constexpr int removal_rounds = 3;  // mail that comes in meanwhile may still be of the wave

Error not_a_wave(const WaveName& name) {
    return {
        Errc::not_found,
        fmt::format("there is no wave {}; siding wave list shows them", escape(name.text()))};
}

std::size_t size_of(const WaveMembers& members) {
    return members.addresses.size() + members.patterns.size();
}

template <typename Set>
void keep_new(Set& members, const Set& known) {
    std::erase_if(members, [&](const std::string& member) { return known.contains(member); });
}

template <typename Set>
void keep_known(Set& members, const Set& known) {
    std::erase_if(members, [&](const std::string& member) { return !known.contains(member); });
}

WaveMembers members_of(const WaveTable& table, const WaveName& name) {
    const WaveSources* const wave = table.find(name.domain, name.wave);
    return wave == nullptr || wave->members == nullptr ? WaveMembers{} : *wave->members;
}

}  // namespace

Result<std::string> parse_member(const Domain& domain, std::string_view text) {
    KeyReader reader{BareNames::allowed};
    SIDING_ASSIGN(const std::string_view key, reader.read(text));
    const std::string_view own = domain_of_key(key);
    if (!own.empty() && own != domain.text()) {
        return Error{
            Errc::invalid_argument,
            fmt::format("'{}' is not an address of {}", escape(text), domain.text())};
    }
    std::string member = own.empty() ? std::string{key} + domain.text() : std::string{key};
    if (member.size() > member_octets_max || member.find('\0') != std::string::npos) {
        return Error{
            Errc::invalid_argument, fmt::format("'{}' is too long for a wave", escape(text, 80))};
    }
    return member;
}

Result<std::string> parse_pattern(std::string_view text) {
    const bool good = !text.empty() && text.size() <= member_octets_max && is_utf8(text) &&
                      std::ranges::none_of(text, [](char c) {
                          return static_cast<unsigned char>(c) <= ' ' || c == 0x7f || c == '@';
                      });
    if (!good) {
        return Error{
            Errc::invalid_argument,
            fmt::format(
                "'{}' is no pattern; write what stands in front of the @, such as sales-*",
                escape(text, 80)
            )};
    }
    return to_lower(text);
}

Result<void> WaveOrders::check_new(const Addition& order) const {
    const auto config = config_.get();
    if (!config->domains.contains(order.name.domain)) {
        return Error{
            Errc::not_found,
            fmt::format("{} is not one of the domains that are served", order.name.domain.text())};
    }
    if (order.name.wave == config::default_wave || !config::is_name(order.name.wave)) {
        return Error{
            Errc::invalid_argument,
            fmt::format(
                "'{}' is no name for a wave; allowed: up to 32 of a-z, 0-9, - and _, and not "
                "default, which is everybody else",
                escape(order.name.wave)
            )};
    }
    const auto server = order.phase ? server_of(*order.phase) : std::nullopt;
    if (server && !config->servers.contains(std::string{*server})) {
        return Error{
            Errc::invalid_argument,
            fmt::format(
                "{} sends to the server '{}', which the configuration does not have",
                format_phase(*order.phase),
                *server
            )};
    }
    const auto phase = queue_.phases()->find(order.name.domain, order.name.wave);
    if (phase && order.phase && *order.phase != *phase) {
        return Error{
            Errc::conflict,
            fmt::format(
                "{} is in phase {} already; move it with siding flip --to {} {}",
                order.name.text(),
                format_phase(*phase),
                format_phase(*order.phase),
                order.name.text()
            )};
    }
    return {};
}

awaitable<Result<void>> WaveOrders::put_phase(const Addition& order) {
    const auto phases = queue_.phases();
    const auto config = config_.get();
    const Phase usual =
        phases->find(order.name.domain).value_or(config->domains.at(order.name.domain).phase);
    queue::PhaseMove move{.domain = order.name.domain, .wave = order.name.wave};
    move.to = order.phase.value_or(usual);
    move.copy = order.phase ? order.copy : phases->copy_of(order.name.domain, config::default_wave);
    move.initial = true;
    queue::SetPhases change;
    change.moves.push_back(std::move(move));
    change.who = order.who;
    change.why = order.why.empty() ? "a new wave" : order.why;
    queue::Change put{std::move(change)};
    SIDING_CO_TRY(co_await queue_.commit(std::move(put)));
    co_return Result<void>{};
}

awaitable<Result<void>> WaveOrders::commit_all(std::vector<queue::PutValues> changes) {
    for (queue::PutValues& values : changes) {
        queue::Change change{std::move(values)};
        SIDING_CO_TRY(co_await queue_.commit(std::move(change)));
    }
    co_return Result<void>{};
}

awaitable<Result<WaveOrders::Added>> WaveOrders::add(Addition order) {
    SIDING_CO_TRY(check_new(order));
    const WaveMembers known = members_of(*tables_.get(), order.name);
    keep_new(order.members.addresses, known.addresses);
    keep_new(order.members.patterns, known.patterns);
    if (size_of(known) + size_of(order.members) > limits::wave_members_max) {
        co_return Error{
            Errc::limit_exceeded,
            fmt::format(
                "a wave takes {} recipients this way; name a file in the configuration for more",
                limits::wave_members_max
            )};
    }
    Added added;
    added.created = !queue_.phases()->find(order.name.domain, order.name.wave);
    added.members = size_of(order.members);
    // The phase first: who is in a wave without one would be refused.
    SIDING_CO_TRY(co_await put_phase(order));
    auto changes = put_members(order.name.domain, order.name.wave, order.members);
    SIDING_CO_TRY(co_await commit_all(std::move(changes)));
    SIDING_CO_TRY(co_await tables_.reload_members());
    added.phase = queue_.phases()->find(order.name.domain, order.name.wave).value_or(Phase::prep);
    co_return added;
}

awaitable<Result<std::uint64_t>> WaveOrders::take_out(WaveName name, WaveMembers members) {
    const auto table = tables_.get();
    if (table->find(name.domain, name.wave) == nullptr) {
        co_return not_a_wave(name);
    }
    const WaveMembers known = members_of(*table, name);
    keep_known(members.addresses, known.addresses);
    keep_known(members.patterns, known.patterns);
    auto changes = take_members(name.domain, name.wave, members);
    SIDING_CO_TRY(co_await commit_all(std::move(changes)));
    SIDING_CO_TRY(co_await tables_.reload_members());
    co_return std::uint64_t{size_of(members)};
}

awaitable<Result<std::uint64_t>> WaveOrders::remove(WaveName name, std::string who) {
    const auto config = config_.get();
    const auto domain = config->domains.find(name.domain);
    if (domain != config->domains.end() && domain->second.waves.contains(name.wave)) {
        co_return Error{
            Errc::conflict,
            fmt::format(
                "{} stands in the configuration; take it out there and reload first", name.text()
            )};
    }
    if (name.wave == config::default_wave) {
        co_return Error{
            Errc::invalid_argument, "the wave default stays: it is everybody who is in no other"};
    }
    const bool has_phase = queue_.phases()->find(name.domain, name.wave).has_value();
    if (!has_phase && tables_.get()->find(name.domain, name.wave) == nullptr) {
        co_return not_a_wave(name);
    }
    for (;;) {
        queue::Change change{delete_members(name.domain, name.wave)};
        SIDING_CO_ASSIGN(const queue::Applied page, co_await queue_.commit(std::move(change)));
        if (page.moved == 0) {
            break;
        }
    }
    queue::Change forget{delete_wave(name.domain, name.wave)};
    SIDING_CO_TRY(co_await queue_.commit(std::move(forget)));
    SIDING_CO_TRY(co_await tables_.reload_members());
    std::uint64_t moved = 0;
    for (int round = 0; has_phase; ++round) {
        Domain walked = name.domain;
        SIDING_CO_ASSIGN(const std::uint64_t count, co_await tables_.follow(std::move(walked)));
        moved += count;
        queue::Change change{queue::RemoveWave{name.domain, name.wave, who}};
        const auto removed = co_await queue_.commit(std::move(change));
        if (removed) {
            break;
        }
        if (!removed.error().is(Errc::conflict) || round == removal_rounds) {
            co_return removed.error();
        }
    }
    co_return moved;
}

Result<WaveMembers> WaveOrders::copy_members(const WaveName& from, const Domain& to) const {
    const auto table = tables_.get();
    const WaveSources* const wave = table->find(from.domain, from.wave);
    if (wave == nullptr) {
        return not_a_wave(from);
    }
    WaveMembers copied;
    visit_addresses(*wave, from.domain.text(), [&](std::string_view address) {
        const std::string_view local = address.substr(0, address.rfind('@') + 1);
        if (local == "@") {
            copied.patterns.insert("*");
        } else {
            copied.addresses.insert(std::string{local} + to.text());
        }
    });
    copied.patterns.insert(wave->patterns.begin(), wave->patterns.end());
    if (wave->members != nullptr) {
        copied.patterns.insert(wave->members->patterns.begin(), wave->members->patterns.end());
    }
    return copied;
}

}  // namespace siding::relay
