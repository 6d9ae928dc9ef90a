// The durable commit of one incoming message. Octets go in as they are decoded; what outgrows the
// commit batch is written ahead in chunks, so that a session's memory is bounded by one chunk.
//
// CommitReceipt is the only source of a 250, and only Intake can make one: after the sync.
#pragma once

#include "base/digest.hpp"
#include "queue/queue.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace siding::queue {

class CommitReceipt {
public:
    MessageId id() const { return id_; }

private:
    friend class Intake;
    explicit CommitReceipt(MessageId id) : id_{id} {}
    MessageId id_;
};

// One message; lives on its session's io thread. Unless commit() gave a receipt, abort() must run.
class Intake {
public:
    explicit Intake(Queue& queue) : queue_{queue}, id_{queue.next_id()} {}

    MessageId id() const { return id_; }
    std::uint64_t size_octets() const { return size_octets_ + buffer_.size() - hashed_; }

    // Where the decoder appends; call flush() after each feed. Kept below one chunk.
    std::string& buffer() { return buffer_; }
    boost::asio::awaitable<Result<void>> flush();

    // The octets so far, in pieces numbered from 0; empty past the last one. For who must see a
    // message before it is stored.
    std::uint32_t pieces() const { return chunks_ + 1; }
    boost::asio::awaitable<Result<std::string>> read_piece(std::uint32_t number) const;

    // Forgets the octets: for a message that is read to its end only to be refused.
    boost::asio::awaitable<void> abort();

    // `envelope.id` and `envelope.body` sizes, chunks and digest are set here.
    boost::asio::awaitable<Result<CommitReceipt>> commit(
        Envelope envelope, std::vector<Placement> placements
    );

private:
    void take_digest();
    boost::asio::awaitable<Result<void>> write_chunk(std::size_t octets);

    Queue& queue_;
    MessageId id_;
    std::string buffer_;
    std::size_t hashed_ = 0;         // octets of buffer_ that are in the digest
    std::uint64_t size_octets_ = 0;  // of them
    std::uint32_t chunks_ = 0;
    Sha256 digest_;
};

}  // namespace siding::queue
