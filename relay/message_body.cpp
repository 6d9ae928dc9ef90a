#include "relay/message_body.hpp"

#include "base/check.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "net/network_error.hpp"

#include <algorithm>
#include <chrono>

namespace siding::relay {
namespace {

const Logger log{"smtpd"};

using Steady = std::chrono::steady_clock;

smtp::DataLimits make_limits(const config::Config& config) {
    return {
        config.bare_newlines == config::BareNewlines::reject ? smtp::BareNewline::reject
                                                             : smtp::BareNewline::normalize,
        config.limits.message_size_bytes};
}

std::variant<smtp::DataDecoder, smtp::ChunkDecoder> make_decoder(
    const config::Config& config, MessageBody::Kind kind
) {
    switch (kind) {
    case MessageBody::Kind::data:
        return smtp::DataDecoder{make_limits(config)};
    case MessageBody::Kind::text_chunks:
        return smtp::ChunkDecoder{make_limits(config)};
    case MessageBody::Kind::binary_chunks:
        return smtp::ChunkDecoder{make_limits(config), smtp::ChunkDecoder::Content::binary};
    }
    SIDING_UNREACHABLE("kind of body");
}

net::awaitable<Result<void>> fill_in_time(
    BodyInput& source, const BodyClock& clock, std::uint64_t received
) {
    const auto timeout = clock.next_timeout(Steady::now(), received, source.is_stressed());
    if (timeout.count() == 0) {
        co_return net::make_timeout(source.stream.peer().text());
    }
    co_return co_await source.stream.fill(source.buffer, timeout, net::OnCancel::finish);
}

}  // namespace

MessageBody::MessageBody(queue::Queue& queue, const config::Config& config, Kind kind)
    : queue_{queue},
      intake_{queue},
      decoder_{make_decoder(config, kind)},
      header_{config.hostname},
      clock_{config.timeouts, Steady::now()} {}

net::awaitable<Result<void>> MessageBody::fill(BodyInput& source) {
    if (!source.buffer.empty()) {
        co_return Result<void>{};
    }
    co_return co_await fill_in_time(source, clock_, received_);
}

net::awaitable<Result<void>> MessageBody::receive_data(BodyInput& source) {
    auto& decoder = std::get<smtp::DataDecoder>(decoder_);
    std::string& body = intake_.buffer();
    for (bool done = false; !done;) {
        SIDING_CO_TRY(co_await fill(source));
        const std::size_t before = body.size();
        const auto fed = decoder.feed(source.buffer.data(), body);
        source.buffer.consume(fed.consumed);
        received_ += fed.consumed;
        header_.feed(std::string_view{body}.substr(before));
        co_await store();
        done = fed.done;
    }
    co_return Result<void>{};
}

net::awaitable<Result<void>> MessageBody::receive_chunk(
    BodyInput& source, std::uint64_t octets, bool last
) {
    auto& decoder = std::get<smtp::ChunkDecoder>(decoder_);
    std::string& body = intake_.buffer();
    for (std::uint64_t left = octets; left > 0;) {
        SIDING_CO_TRY(co_await fill(source));
        const std::size_t before = body.size();
        const auto here = std::min<std::uint64_t>(left, source.buffer.data().size());
        decoder.feed(source.buffer.data().substr(0, here), body);
        source.buffer.consume(here);
        received_ += here;
        left -= here;
        header_.feed(std::string_view{body}.substr(before));
        co_await store();
    }
    if (last) {
        const std::size_t before = body.size();
        decoder.finish(body);
        header_.feed(std::string_view{body}.substr(before));
    }
    co_return Result<void>{};
}

// What outgrows the commit batch is written ahead.
net::awaitable<void> MessageBody::store() {
    std::string& body = intake_.buffer();
    if (storage_failed_) {
        body.clear();
        co_return;
    }
    if (body.size() < limits::body_chunk_octets) {
        co_return;
    }
    // Not every client says how much will come: the reserve holds for the rest, too.
    Result<void> written = queue_.check_room(0);
    if (written) {
        written = co_await intake_.flush();
    }
    if (!written) {
        log.error("body_write_failed", {{"mid", intake_.id()}, {"reason", written.error()}});
        storage_failed_ = true;
        co_await intake_.abort();
    }
}

net::awaitable<void> MessageBody::abort() {
    co_await intake_.abort();
}

smtp::DataSummary MessageBody::summary() const {
    return std::visit(
        [this](const auto& decoder) { return smtp::summarize(decoder, header_); }, decoder_
    );
}

std::uint64_t MessageBody::bare_newlines() const {
    return std::visit([](const auto& decoder) { return decoder.bare_newlines(); }, decoder_);
}

net::awaitable<Result<void>> discard_chunk(
    BodyInput& source, const config::Timeouts& timeouts, std::uint64_t octets
) {
    const BodyClock clock{timeouts, Steady::now()};
    for (std::uint64_t left = octets; left > 0;) {
        if (source.buffer.empty()) {
            SIDING_CO_TRY(co_await fill_in_time(source, clock, octets - left));
        }
        const auto here = std::min<std::uint64_t>(left, source.buffer.data().size());
        source.buffer.consume(here);
        left -= here;
    }
    co_return Result<void>{};
}

}  // namespace siding::relay
