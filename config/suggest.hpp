// "Did you mean …?"
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace siding::config {

// The word that is nearest to what was written; nothing where none is near enough to be meant.
std::optional<std::string_view> suggest(
    std::string_view written, std::span<const std::string_view> words
);

}  // namespace siding::config
