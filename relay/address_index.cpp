#include "relay/address_index.hpp"

#include "base/check.hpp"

#include <cstring>
#include <limits>

namespace siding::relay {
namespace {

// A record: the key's length in two octets, the key, its text, NUL.
constexpr std::size_t prefix_octets = 2;
constexpr std::size_t key_octets_max = std::numeric_limits<std::uint16_t>::max();

std::string_view key_at(const std::string& arena, std::uint32_t offset) {
    std::uint16_t length = 0;
    std::memcpy(&length, arena.data() + offset, sizeof length);
    return std::string_view{arena}.substr(offset + prefix_octets, length);
}

}  // namespace

std::size_t AddressIndex::Hash::operator()(std::uint32_t offset) const {
    return (*this)(key_at(*arena, offset));
}

bool AddressIndex::Equal::operator()(std::uint32_t a, std::uint32_t b) const {
    return a == b || key_at(*arena, a) == key_at(*arena, b);
}

bool AddressIndex::Equal::operator()(std::uint32_t offset, std::string_view key) const {
    return key_at(*arena, offset) == key;
}

AddressIndex::AddressIndex()
    : arena_{std::make_unique<std::string>()},
      offsets_{0, Hash{arena_.get()}, Equal{arena_.get()}} {}

void AddressIndex::reserve(std::size_t keys, std::size_t octets) {
    offsets_.reserve(keys);
    arena_->reserve(octets + keys * (prefix_octets + 1));
}

bool AddressIndex::insert(std::string_view key, std::string_view text) {
    const std::size_t offset = arena_->size();
    const std::size_t end = offset + prefix_octets + key.size() + text.size() + 1;
    SIDING_CHECK(key.size() <= key_octets_max, "key too long");
    SIDING_CHECK(end <= std::numeric_limits<std::uint32_t>::max(), "file too large");
    const auto length = static_cast<std::uint16_t>(key.size());
    arena_->append(reinterpret_cast<const char*>(&length), sizeof length);
    arena_->append(key);
    arena_->append(text);
    arena_->push_back('\0');
    const bool is_new = offsets_.insert(static_cast<std::uint32_t>(offset)).second;
    if (!is_new) {
        arena_->resize(offset);
    }
    return is_new;
}

std::optional<std::string_view> AddressIndex::find(std::string_view key) const {
    const auto found = offsets_.find(key);
    if (found == offsets_.end()) {
        return std::nullopt;
    }
    const std::string_view text =
        std::string_view{*arena_}.substr(*found + prefix_octets + key.size());
    return text.substr(0, text.find('\0'));
}

void AddressIndex::for_each(const std::function<void(std::string_view key)>& visit) const {
    for (const std::uint32_t offset : offsets_) {
        visit(key_at(*arena_, offset));
    }
}

std::size_t AddressIndex::memory_octets() const {
    constexpr std::size_t octets_per_slot = sizeof(std::uint32_t) + 1;  // and one of metadata
    const auto slots = static_cast<double>(offsets_.max_load()) / offsets_.max_load_factor();
    return arena_->size() + static_cast<std::size_t>(slots) * octets_per_slot;
}

}  // namespace siding::relay
