// The octets of one message on their way from the stream to the queue's intake, by DATA or by BDAT.
// Keeps the client in step: whatever the store says, the octets are read to their true end.
//
// Unless its intake gave a receipt, abort() must run.
#pragma once

#include "config/config.hpp"
#include "net/stream.hpp"
#include "queue/intake.hpp"
#include "relay/body_clock.hpp"
#include "smtp/chunk_codec.hpp"
#include "smtp/header_scan.hpp"
#include "smtp/server_dialogue.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>

namespace siding::relay {

// Where octets come from, and how patient we are.
struct BodyInput {
    BodyInput(net::Stream& from, net::ReadBuffer& through, std::function<bool()> stressed)
        : stream{from}, buffer{through}, is_stressed{std::move(stressed)} {}

    net::Stream& stream;
    net::ReadBuffer& buffer;
    std::function<bool()> is_stressed;
};

class MessageBody {
public:
    enum class Kind { data, text_chunks, binary_chunks };

    MessageBody(queue::Queue& queue, const config::Config& config, Kind kind);

    // To the end of the data.
    net::awaitable<Result<void>> receive_data(BodyInput& source);
    // Exactly that many octets; behind the last chunk's, the message is complete.
    net::awaitable<Result<void>> receive_chunk(BodyInput& source, std::uint64_t octets, bool last);

    net::awaitable<void> abort();

    queue::Intake& intake() { return intake_; }
    smtp::DataSummary summary() const;
    std::uint64_t bare_newlines() const;
    const std::string& message_id_header() const { return header_.message_id(); }
    bool storage_failed() const { return storage_failed_; }

private:
    using Decoder = std::variant<smtp::DataDecoder, smtp::ChunkDecoder>;

    net::awaitable<Result<void>> fill(BodyInput& source);
    net::awaitable<void> store();

    queue::Queue& queue_;
    queue::Intake intake_;
    Decoder decoder_;
    smtp::HeaderScan header_;
    BodyClock clock_;
    std::uint64_t received_ = 0;  // octets off the wire
    bool storage_failed_ = false;
};

// Octets of a chunk that nobody wants.
net::awaitable<Result<void>> discard_chunk(
    BodyInput& source, const config::Timeouts& timeouts, std::uint64_t octets
);

}  // namespace siding::relay
