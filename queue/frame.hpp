// The frame around every stored record: version, XXH3-64 checksum, payload. Written with the
// record, checked on every read, so that no octet that the disk has changed is taken for what was
// stored.
#pragma once

#include "base/result.hpp"

#include <array>
#include <string>
#include <string_view>

namespace siding::queue {

inline constexpr std::size_t frame_octets = 9;
using FrameHead = std::array<char, frame_octets>;

// The head alone, for a payload that need not be copied.
FrameHead make_frame_head(std::string_view payload);
std::string seal(std::string_view payload);

// The payload, or Errc::corrupt; `name` is what an operator reads then.
Result<std::string_view> unseal(std::string_view stored, std::string_view name);

Error make_corrupt(std::string_view name, std::string_view why);

}  // namespace siding::queue
