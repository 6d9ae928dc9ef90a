#include "relay/outbound_session.hpp"

#include "base/digest.hpp"
#include "base/limits.hpp"
#include "smtp/data_codec.hpp"

#include <utility>

namespace siding::relay {

// What stands on the wire for stored octets, and is not sent yet.
class OutboundSession::Wire {
public:
    Wire(bool is_chunked, std::uint64_t octets) : is_chunked_{is_chunked}, missing_{octets} {}

    void put(std::string_view octets) {
        missing_ -= octets.size();  // wraps where there are too many
        if (is_chunked_) {
            unsent_.append(octets);  // RFC 3030 §2: exactly as they are
        } else {
            encoder_.encode(octets, unsent_);
        }
    }
    std::string finish() {
        if (!is_chunked_) {
            encoder_.finish(unsent_);
        }
        return take();
    }
    std::string take() { return std::exchange(unsent_, {}); }
    // Of those that were announced to the server. It takes what is beyond them for commands.
    std::uint64_t missing_octets() const { return missing_; }

private:
    bool is_chunked_;
    smtp::DataEncoder encoder_;
    std::string unsent_;
    std::uint64_t missing_;
};

net::awaitable<std::vector<smtp::Verdict>> OutboundSession::send(
    const queue::Envelope& envelope, std::string_view first_chunk, smtp::Transaction transaction
) {
    envelope_ = &envelope;
    first_chunk_ = first_chunk;
    body_error_.reset();
    auto verdicts = co_await connection_.send(std::move(transaction), *this);
    envelope_ = nullptr;
    co_return verdicts;
}

net::awaitable<Result<std::string>> OutboundSession::write_body(
    net::Stream& stream, bool is_chunked
) {
    Wire wire{is_chunked, envelope_->trace_header.size() + envelope_->body.size_octets};
    wire.put(envelope_->trace_header);
    wire.put(first_chunk_);
    if (envelope_->body.chunks != 1) {  // else whoever read it has checked it
        SIDING_CO_TRY(co_await write_chunks(stream, wire));
    }
    if (wire.missing_octets() != 0) {
        co_return fail_body(Error{Errc::corrupt, "the stored octets are not as many as they were"});
    }
    co_return wire.finish();
}

// Chunk by chunk, the last one left on the wire. A body that does not match its digest is an error
// before its end is sent, so a changed message is never delivered.
net::awaitable<Result<void>> OutboundSession::write_chunks(net::Stream& stream, Wire& wire) {
    Sha256 digest;
    digest.update(first_chunk_);
    for (std::uint32_t chunk = 1; chunk < envelope_->body.chunks; ++chunk) {
        const std::uint64_t missing = wire.missing_octets();
        if (missing == 0 || missing > envelope_->body.size_octets) {
            co_return fail_body(Error{Errc::corrupt, "more octets are stored than there were"});
        }
        const std::string before = wire.take();
        SIDING_CO_TRY(co_await stream.write(before, limits::data_send_timeout));
        auto read = [id = envelope_->id, chunk](const queue::Store& store) {
            return store.read_body_chunk(id, chunk);
        };
        const auto octets = co_await queue_.read(read);
        if (!octets) {
            co_return fail_body(octets.error());
        }
        digest.update(*octets);
        wire.put(*octets);
    }
    if (digest.finish() != envelope_->body.sha256) {
        co_return fail_body(Error{Errc::corrupt, "stored octets do not match their SHA-256"});
    }
    co_return Result<void>{};
}

Error OutboundSession::fail_body(Error error) {
    body_error_ = error;
    return error;
}

}  // namespace siding::relay
