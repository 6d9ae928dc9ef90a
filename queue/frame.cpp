#include "queue/frame.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <xxhash.h>

namespace siding::queue {
namespace {

constexpr char frame_version = 1;

}  // namespace

Error make_corrupt(std::string_view name, std::string_view why) {
    return Error{Errc::corrupt, fmt::format("record {} is corrupt: {}", name, why)};
}

FrameHead make_frame_head(std::string_view payload) {
    FrameHead head{frame_version};
    const XXH64_hash_t sum = XXH3_64bits(payload.data(), payload.size());
    for (std::size_t i = 0; i < 8; ++i) {
        head[1 + i] = static_cast<char>(sum >> (56 - 8 * i));
    }
    return head;
}

std::string seal(std::string_view payload) {
    const FrameHead head = make_frame_head(payload);
    std::string out;
    out.reserve(frame_octets + payload.size());
    out.append(head.data(), head.size()).append(payload);
    return out;
}

Result<std::string_view> unseal(std::string_view stored, std::string_view name) {
    if (stored.size() < frame_octets) {
        return make_corrupt(name, "too short");
    }
    if (stored[0] != frame_version) {
        return make_corrupt(
            name, fmt::format("version {} is unknown", static_cast<int>(stored[0]))
        );
    }
    const std::string_view payload = stored.substr(frame_octets);
    if (!std::ranges::equal(make_frame_head(payload), stored.substr(0, frame_octets))) {
        return make_corrupt(name, "checksum does not match");
    }
    return payload;
}

}  // namespace siding::queue
