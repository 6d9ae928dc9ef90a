#include "backfill/imap_connection.hpp"

#include "backfill/limits.hpp"
#include "base/bytes.hpp"
#include "net/network_error.hpp"

#include <boost/asio/post.hpp>

#include <fmt/format.h>
#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

constexpr std::size_t read_octets = 128 * 1024;
constexpr std::uint64_t small_literal_octets = 4096;  // RFC 7888 §5
constexpr unsigned turns_in_a_row_max = 16;           // then the other connections of the thread
constexpr std::size_t unwritten_octets_max = 256 * 1024;

}  // namespace

ImapConnection::ImapConnection(net::Stream stream, std::string name)
    : stream_{std::move(stream)},
      name_{std::move(name)},
      timeout_{limits::imap_reply_timeout},
      room_(read_octets) {}

ImapConnection::~ImapConnection() = default;

awaitable<Result<void>> ImapConnection::start_tls(std::shared_ptr<net::TlsClient> client) {
    auto shaken = co_await stream_.start_tls(std::move(client), limits::imap_tls_timeout);
    if (!shaken) {
        co_return fail(std::move(shaken).error());
    }
    co_return Result<void>{};
}

awaitable<Result<ImapResponse>> ImapConnection::starttls(std::shared_ptr<net::TlsClient> client) {
    tls_tag_ = open("STARTTLS");
    close_command();
    SIDING_CO_ASSIGN(ImapResponse answered, co_await answer(tls_tag_));
    if (answered.is_ok()) {
        SIDING_CO_TRY(co_await start_tls(std::move(client)));
    }
    co_return answered;
}

awaitable<Result<bool>> ImapConnection::compress() {
    compress_tag_ = open("COMPRESS DEFLATE");
    close_command();
    SIDING_CO_ASSIGN(const ImapResponse answered, co_await answer(compress_tag_));
    co_return answered.is_ok();
}

// What the server has said behind its OK is compressed already (RFC 4978 §3).
void ImapConnection::begin_deflate(std::string_view behind) {
    compress_tag_.clear();
    deflater_ = std::make_unique<net::Deflater>();
    inflater_ = std::make_unique<net::Inflater>();
    inflated_.resize(read_octets);
    packed_ = behind;
    packed_at_ = 0;
}

// One piece: what a server can make of few octets is not held at once, however much it is.
Result<std::string_view> ImapConnection::inflate_some() {
    std::string_view octets = std::string_view{packed_}.substr(packed_at_);
    SIDING_ASSIGN(const std::size_t count, inflater_->take(octets, inflated_));
    packed_at_ = packed_.size() - octets.size();
    has_more_inflated_ = count == inflated_.size();
    return std::string_view{inflated_.data(), count};
}

// Nothing: none has come.
Result<std::string_view> ImapConnection::read_some() {
    if (inflater_ && (packed_at_ < packed_.size() || has_more_inflated_)) {
        SIDING_ASSIGN(const std::string_view octets, inflate_some());
        if (!octets.empty()) {
            return octets;
        }
    }
    SIDING_ASSIGN(const std::size_t count, stream_.read_now(room_));
    octets_in_ += count;
    const std::string_view octets{room_.data(), count};
    if (!inflater_ || count == 0) {
        return octets;
    }
    packed_.erase(0, packed_at_);
    packed_ += octets;
    packed_at_ = 0;
    return inflate_some();
}

awaitable<Result<ImapResponse>> ImapConnection::greeting() {
    while (!greeting_) {
        SIDING_CO_TRY(co_await advance(timeout_));
    }
    co_return *greeting_;
}

awaitable<Result<ImapResponse>> ImapConnection::run(ImapCommand command) {
    SIDING_CO_ASSIGN(ImapTag tag, co_await start(std::move(command)));
    auto answered = co_await answer(std::move(tag));
    co_return answered;
}

awaitable<Result<ImapTag>> ImapConnection::start(ImapCommand command) {
    const ImapTag tag = open("");
    for (const ImapCommand::Piece& piece : command.pieces()) {
        if (piece.is_literal) {
            auto wanted = co_await literal(tag, piece.octets.size());
            if (!wanted) {
                co_return std::move(wanted).error();
            }
            if (!*wanted) {
                co_return tag;
            }
        }
        put(piece.octets);
    }
    close_command();
    co_return tag;
}

awaitable<Result<ImapResponse>> ImapConnection::answer(ImapTag tag) {
    for (;;) {
        const auto found = answers_.find(tag);
        if (found != answers_.end()) {
            ImapResponse response = std::move(found->second);
            answers_.erase(found);
            co_return response;
        }
        SIDING_CO_TRY(co_await advance(timeout_));
    }
}

ImapTag ImapConnection::open(std::string_view text) {
    ImapTag tag = fmt::format("s{}", ++tags_);
    open_.insert(tag);
    put(tag);
    put(" ");
    put(text);
    return tag;
}

void ImapConnection::put(std::string_view octets) {
    (deflater_ ? plain_ : out_) += octets;
}

awaitable<Result<bool>> ImapConnection::literal(ImapTag tag, std::uint64_t octets) {
    const bool at_once = literals_ == Literals::at_once ||
                         (literals_ == Literals::small_at_once && octets <= small_literal_octets);
    put(fmt::format("{{{}{}}}\r\n", octets, at_once ? "+" : ""));
    if (at_once) {
        co_return true;
    }
    auto asked = co_await continuation(std::move(tag));
    if (!asked) {
        co_return std::move(asked).error();
    }
    co_return asked->has_value();
}

void ImapConnection::close_command() {
    put("\r\n");
}

awaitable<Result<void>> ImapConnection::drain(std::size_t unwritten_max) {
    while (unwritten() > unwritten_max) {
        SIDING_CO_TRY(co_await advance(limits::imap_write_timeout));
    }
    co_return Result<void>{};
}

awaitable<Result<std::optional<std::string>>> ImapConnection::continuation(ImapTag tag) {
    while (continuations_.empty()) {
        if (is_answered(tag)) {
            co_return std::optional<std::string>{};
        }
        SIDING_CO_TRY(co_await advance(timeout_));
    }
    std::optional<std::string> text{std::move(continuations_.front())};
    continuations_.erase(continuations_.begin());
    co_return text;
}

Result<void> ImapConnection::flush() {
    if (failure_) {
        return *failure_;
    }
    SIDING_TRY(write_out());
    return {};
}

Error ImapConnection::abandon(std::string why) {
    stream_.close();
    return fail(Error{Errc::unavailable, std::move(why)});
}

awaitable<Result<void>> ImapConnection::step() {
    auto done = co_await advance(timeout_);
    co_return done;
}

awaitable<Result<void>> ImapConnection::listen_for(std::chrono::milliseconds timeout) {
    auto heard = co_await advance(timeout);
    if (!heard && net::is_timeout(heard.error())) {
        failure_.reset();
        co_return Result<void>{};
    }
    co_return heard;
}

// Its answer says nothing that anybody waits for.
awaitable<void> ImapConnection::close() {
    if (failure_) {
        co_return;
    }
    ImapCommand logout{"LOGOUT"};
    static_cast<void>(co_await start(std::move(logout)));
    static_cast<void>(flush());
    static_cast<void>(abandon("logged out"));
}

// Writes and reads what can be done at once; only where that is nothing it waits.
awaitable<Result<void>> ImapConnection::advance(std::chrono::milliseconds timeout) {
    if (failure_) {
        co_return *failure_;
    }
    SIDING_CO_ASSIGN(const bool wrote, write_out());
    auto heard = co_await read_in();
    if (!heard) {
        co_return std::move(heard).error();
    }
    if (wrote || *heard) {
        if (++turns_in_a_row_ >= turns_in_a_row_max) {
            turns_in_a_row_ = 0;
            const auto executor = co_await net::asio::this_coro::executor;
            co_await net::asio::post(executor, net::asio::use_awaitable);
        }
        co_return Result<void>{};
    }
    turns_in_a_row_ = 0;
    stream_.acknowledge_at_once();  // many servers write an answer and "+" in two pieces
    auto ready = co_await stream_.wait_ready(unwritten() > 0, timeout);
    if (!ready) {
        co_return fail(std::move(ready).error());
    }
    co_return Result<void>{};
}

// A piece of what waits, once the last one is written: small ones in a row become one.
void ImapConnection::deflate_out() {
    if (!deflater_ || plain_.empty() || out_at_ < out_.size()) {
        return;
    }
    out_.clear();
    out_at_ = 0;
    deflater_->add(plain_, out_);
    plain_.clear();
    if (plain_.capacity() > 2 * unwritten_octets_max) {
        plain_.shrink_to_fit();
    }
}

Result<bool> ImapConnection::write_out() {
    bool wrote = false;
    for (deflate_out(); out_at_ < out_.size(); deflate_out()) {
        auto octets = stream_.write_now(std::string_view{out_}.substr(out_at_));
        if (!octets) {
            return fail(std::move(octets).error());
        }
        if (*octets == 0) {
            break;
        }
        wrote = true;
        octets_out_ += *octets;
        out_at_ += *octets;
    }
    if (out_at_ == out_.size()) {
        out_.clear();
        out_at_ = 0;
        if (out_.capacity() > 2 * unwritten_octets_max) {
            out_.shrink_to_fit();
        }
    } else if (out_at_ > unwritten_octets_max) {
        out_.erase(0, out_at_);
        out_at_ = 0;
    }
    return wrote;
}

awaitable<Result<bool>> ImapConnection::read_in() {
    const std::uint64_t before = octets_in_;
    auto octets = read_some();
    if (!octets) {
        co_return fail(std::move(octets).error());
    }
    if (octets->empty()) {
        co_return octets_in_ > before;
    }
    auto taken = take(*octets);
    if (!taken) {
        co_return fail(std::move(taken).error());
    }
    if (listener_ != nullptr && listener_->wants_pause()) {
        auto paused = co_await listener_->pause();
        if (!paused) {
            co_return fail(std::move(paused).error());
        }
    }
    co_return true;
}

Result<void> ImapConnection::take(std::string_view octets) {
    // RFC 9051 §7.1: "* OK", "* PREAUTH" or "* BYE"; one server pads it.
    if (!is_greeted_ && octets_in_ == octets.size() &&
        octets.find_first_of(std::string_view{"*\0 ", 3}) != 0) {
        return Error{Errc::conflict, "what answers there is no IMAP server"};
    }
    for (;;) {
        SIDING_ASSIGN(const ImapParser::Event event, parser_.next(octets));
        switch (event) {
        case ImapParser::Event::need_octets:
            return {};
        case ImapParser::Event::response: {
            ImapResponse response = parser_.take_response();
            if (!tls_tag_.empty() && response.tag == tls_tag_ && response.is_ok() &&
                !octets.empty()) {
                return Error{
                    Errc::conflict,
                    "more came behind the OK to STARTTLS, in the clear; somebody may have put it "
                    "there"};
            }
            const bool begins = !compress_tag_.empty() && response.tag == compress_tag_;
            const bool is_ok = response.is_ok();
            hear(std::move(response));
            if (begins && is_ok) {
                begin_deflate(octets);
                return {};
            }
            break;
        }
        case ImapParser::Event::body_begin:
            if (listener_ != nullptr) {
                listener_->on_body_begin(parser_.unfinished(), parser_.body_octets());
            }
            break;
        case ImapParser::Event::body_piece:
            if (listener_ != nullptr) {
                listener_->on_body_piece(parser_.piece());
            }
            break;
        case ImapParser::Event::body_end:
            break;
        }
    }
}

void ImapConnection::hear(ImapResponse response) {
    if (!is_greeted_) {
        is_greeted_ = true;
        greeting_ = response;
        if (listener_ != nullptr) {
            listener_->on_response(response);
        }
        return;
    }
    switch (response.kind) {
    case ImapResponse::Kind::continuation:
        continuations_.push_back(std::move(response.text));
        break;
    case ImapResponse::Kind::tagged:
        if (open_.erase(response.tag) > 0) {
            if (listener_ != nullptr) {
                listener_->on_response(response);  // its code may be news: [CAPABILITY …]
            }
            ImapTag tag = response.tag;
            answers_.insert_or_assign(std::move(tag), std::move(response));
        }
        break;
    case ImapResponse::Kind::untagged:
        if (response.condition == ImapCondition::bye) {
            bye_ = escape(response.text);
        }
        if (listener_ != nullptr) {
            listener_->on_response(response);
        }
        break;
    }
}

Error ImapConnection::fail(Error error) {
    if (!failure_) {
        if (net::is_closed(error) && !bye_.empty()) {
            error = Error{Errc::unavailable, "the server said goodbye: " + bye_};
        }
        failure_ = with_context(std::move(error), name_);
    }
    return *failure_;
}

}  // namespace siding::backfill
