// Many short keys in little memory: one arena of records and a table of 32-bit offsets into it.
// A key may carry a text. Nothing is ever removed; a new file makes a new index. Immutable once
// filled, then safe from any thread.
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace siding::relay {

class AddressIndex {
public:
    AddressIndex();

    // For the keys of a file; what turns out to be too much of `octets` is never touched.
    void reserve(std::size_t keys, std::size_t octets);

    // False when the key is there already; it keeps its text. Neither may hold a NUL.
    bool insert(std::string_view key, std::string_view text = {});

    // The key's text; nothing for an unknown key.
    std::optional<std::string_view> find(std::string_view key) const;
    bool contains(std::string_view key) const { return offsets_.contains(key); }

    // Every key, in no order. `visit` must not insert.
    void for_each(const std::function<void(std::string_view key)>& visit) const;

    std::size_t size() const { return offsets_.size(); }
    std::size_t memory_octets() const;

private:
    struct Hash {
        using is_transparent = void;
        using is_avalanching = void;
        const std::string* arena;
        std::size_t operator()(std::string_view key) const {
            return std::hash<std::string_view>{}(key);
        }
        std::size_t operator()(std::uint32_t offset) const;
    };
    struct Equal {
        using is_transparent = void;
        const std::string* arena;
        bool operator()(std::uint32_t a, std::uint32_t b) const;
        bool operator()(std::uint32_t offset, std::string_view key) const;
        bool operator()(std::string_view key, std::uint32_t offset) const {
            return (*this)(offset, key);
        }
    };

    std::unique_ptr<std::string> arena_;  // at one place for life: the functors point to it
    boost::unordered_flat_set<std::uint32_t, Hash, Equal> offsets_;
};

}  // namespace siding::relay
