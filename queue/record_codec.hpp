// What the record_*.cpp files share: a protobuf of ours in its frame, and times. Nobody else
// includes this; protobuf stays behind record.hpp.
#pragma once

#include "base/clock.hpp"
#include "queue/frame.hpp"
#include "queue/records.pb.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace siding::queue {

inline std::int64_t to_millis(WallTime time) {
    return time.time_since_epoch().count();
}

inline WallTime from_millis(std::int64_t millis) {
    return WallTime{std::chrono::milliseconds{millis}};
}

inline std::vector<std::string> to_texts(
    const google::protobuf::RepeatedPtrField<std::string>& field
) {
    return {field.begin(), field.end()};
}

inline void put_texts(
    const std::vector<std::string>& texts, google::protobuf::RepeatedPtrField<std::string>& field
) {
    field.Assign(texts.begin(), texts.end());
}

template <typename Message>
Result<Message> parse_record(std::string_view stored, std::string_view name) {
    SIDING_ASSIGN(const std::string_view payload, unseal(stored, name));
    Message message;
    if (!message.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
        return make_corrupt(name, "not a protobuf of its kind");
    }
    return message;
}

template <typename Message>
std::string seal_record(const Message& message) {
    std::string out(frame_octets, '\0');
    message.AppendToString(&out);
    std::ranges::copy(make_frame_head(std::string_view{out}.substr(frame_octets)), out.begin());
    return out;
}

}  // namespace siding::queue
