#include "queue/intake.hpp"

#include "base/limits.hpp"

namespace siding::queue {

namespace asio = boost::asio;

void Intake::take_digest() {
    const std::string_view fresh = std::string_view{buffer_}.substr(hashed_);
    digest_.update(fresh);
    size_octets_ += fresh.size();
    hashed_ = buffer_.size();
}

asio::awaitable<Result<void>> Intake::flush() {
    take_digest();
    while (buffer_.size() >= limits::body_chunk_octets) {
        SIDING_CO_TRY(co_await write_chunk(limits::body_chunk_octets));
    }
    co_return Result<void>{};
}

asio::awaitable<Result<void>> Intake::write_chunk(std::size_t octets) {
    std::string chunk = buffer_.substr(0, octets);
    buffer_.erase(0, octets);
    hashed_ -= octets;
    auto written = co_await queue_.append_body_chunk(id_, chunks_, std::move(chunk));
    chunks_ += 1;
    co_return written;
}

asio::awaitable<Result<std::string>> Intake::read_piece(std::uint32_t number) const {
    if (number >= chunks_) {
        co_return number == chunks_ ? buffer_ : std::string{};
    }
    auto read = [id = id_, number](const Store& store) {
        return store.read_body_chunk(id, number);
    };
    co_return co_await queue_.read(read);
}

asio::awaitable<void> Intake::abort() {
    buffer_.clear();
    hashed_ = 0;
    if (chunks_ > 0) {
        // A failure leaves the chunks to the next start, which drops them.
        static_cast<void>(co_await queue_.abort_body(id_, chunks_));
        chunks_ = 0;
    }
}

asio::awaitable<Result<CommitReceipt>> Intake::commit(
    Envelope envelope, std::vector<Placement> placements
) {
    take_digest();
    AcceptMessage change;
    if (chunks_ == 0 && buffer_.size() <= limits::inline_body_octets_max) {
        change.inline_body = std::move(buffer_);
        envelope.body.chunks = 1;
    } else {
        if (!buffer_.empty()) {
            SIDING_CO_TRY(co_await write_chunk(buffer_.size()));
        }
        envelope.body.chunks = chunks_;
    }
    envelope.id = id_;
    envelope.body.size_octets = size_octets_;
    envelope.body.sha256 = digest_.finish();
    change.envelope = std::move(envelope);
    change.placements = std::move(placements);
    SIDING_CO_TRY(co_await queue_.commit(std::move(change)));
    chunks_ = 0;
    co_return CommitReceipt{id_};
}

}  // namespace siding::queue
