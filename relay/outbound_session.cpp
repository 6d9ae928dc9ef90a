#include "relay/outbound_session.hpp"

#include "base/digest.hpp"

#include <utility>

namespace siding::relay {
namespace {

// Our Received line and the first chunk, then chunk by chunk. A body that does not match its digest
// is an error before its end is handed out, so a changed message is never delivered.
class StoredBody final : public OutgoingBody {
public:
    StoredBody(queue::Queue& queue, const queue::Envelope& envelope, std::string_view first_chunk)
        : queue_{queue}, envelope_{envelope}, first_chunk_{first_chunk} {}

    net::awaitable<Result<std::string>> next() override {
        auto piece = co_await read_next();
        if (!piece) {
            error_ = piece.error();
        }
        co_return piece;
    }

    std::optional<Error> error() const { return error_; }

private:
    net::awaitable<Result<std::string>> read_next() {
        if (next_chunk_ == 0) {
            next_chunk_ = 1;
            octets_ = first_chunk_.size();
            digest_.update(first_chunk_);
            const bool is_all = envelope_.body.chunks == 1;  // and was checked by who has read it
            if (is_all && octets_ != envelope_.body.size_octets) {
                co_return not_as_many();
            }
            std::string piece = envelope_.trace_header;
            piece += first_chunk_;
            co_return piece;
        }
        if (next_chunk_ >= envelope_.body.chunks) {
            co_return not_as_many();
        }
        auto read = [id = envelope_.id, chunk = next_chunk_](const queue::Store& store) {
            return store.read_body_chunk(id, chunk);
        };
        next_chunk_ += 1;
        auto octets = co_await queue_.read(read);
        if (!octets) {
            co_return octets;
        }
        octets_ += octets->size();
        digest_.update(*octets);
        const bool is_last = next_chunk_ == envelope_.body.chunks;
        if (octets->empty() || octets_ > envelope_.body.size_octets ||
            is_last != (octets_ == envelope_.body.size_octets)) {
            co_return not_as_many();
        }
        if (is_last && digest_.finish() != envelope_.body.sha256) {
            co_return Error{Errc::corrupt, "stored octets do not match their SHA-256"};
        }
        co_return octets;
    }

    static Error not_as_many() {
        return Error{Errc::corrupt, "the stored octets are not as many as they were"};
    }

    queue::Queue& queue_;
    const queue::Envelope& envelope_;
    std::string_view first_chunk_;
    std::uint32_t next_chunk_ = 0;
    std::uint64_t octets_ = 0;  // of the body, handed out
    Sha256 digest_;
    std::optional<Error> error_;
};

}  // namespace

net::awaitable<OutboundSession::Sent> OutboundSession::send(
    const queue::Envelope& envelope, std::string_view first_chunk, smtp::Transaction transaction
) {
    StoredBody body{queue_, envelope, first_chunk};
    Sent sent;
    sent.verdicts = co_await connection_.send(std::move(transaction), body);
    sent.body_error = body.error();
    co_return sent;
}

}  // namespace siding::relay
