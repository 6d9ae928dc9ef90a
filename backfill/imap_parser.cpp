#include "backfill/imap_parser.hpp"

#include "backfill/imap_line.hpp"
#include "backfill/limits.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

namespace siding::backfill {
namespace {

constexpr std::size_t kept_capacity_max = 64 * 1024;  // between two lines

ImapValue make_value(ImapValue::Kind kind) {
    ImapValue value;
    value.kind = kind;
    return value;
}

}  // namespace

class ImapParser::Impl {
public:
    Result<Event> next(std::string_view& octets);

    ImapLineReader reader;
    std::string body_name;
    std::uint64_t body_octets = 0;
    std::string_view piece;
    std::uint64_t lines_skipped = 0;

private:
    enum class State { line, literal, body_begin, body, waste, response };

    Result<Event> advance(std::string_view& octets);
    Result<bool> on_octets(std::string_view& octets);
    Result<void> on_line(std::string_view line);
    Result<void> begin_literal();
    Result<bool> on_literal(std::string_view& octets);
    Result<Event> on_body(std::string_view& octets);
    bool on_waste(std::string_view& octets);
    void begin_response();

    State state_ = State::line;
    std::string kept_;  // the beginning of a line that was cut
    std::string literal_;
    std::size_t line_octets_ = 0;      // of this response so far
    std::size_t literals_octets_ = 0;  // the same
    std::uint64_t left_ = 0;           // of a literal
    std::optional<Error> failure_;
};

Result<ImapParser::Event> ImapParser::Impl::next(std::string_view& octets) {
    if (failure_) {
        return *failure_;
    }
    auto event = advance(octets);
    if (!event) {
        failure_ = event.error();
    }
    return event;
}

Result<ImapParser::Event> ImapParser::Impl::advance(std::string_view& octets) {
    if (state_ == State::response) {
        begin_response();
    }
    for (;;) {
        switch (state_) {
        case State::line: {
            SIDING_ASSIGN(const bool is_whole, on_octets(octets));
            if (!is_whole) {
                return Event::need_octets;
            }
            break;
        }
        case State::literal: {
            SIDING_ASSIGN(const bool is_whole, on_literal(octets));
            if (!is_whole) {
                return Event::need_octets;
            }
            break;
        }
        case State::body_begin:
            state_ = State::body;
            return Event::body_begin;
        case State::body:
            return on_body(octets);
        case State::waste:
            if (!on_waste(octets)) {
                return Event::need_octets;
            }
            break;
        case State::response:
            return Event::response;
        }
    }
}

// Whether a line was whole, and was read: without its end, LF alone or behind CR. A line within
// `octets` is read where it is; one that was cut is kept until then.
Result<bool> ImapParser::Impl::on_octets(std::string_view& octets) {
    const void* const found =
        octets.empty() ? nullptr : std::memchr(octets.data(), '\n', octets.size());
    const std::size_t size =
        found == nullptr
            ? octets.size()
            : static_cast<std::size_t>(static_cast<const char*>(found) - octets.data());
    if (line_octets_ + kept_.size() + size > limits::imap_line_octets_max) {
        return Error{Errc::limit_exceeded, "a line that is too long"};
    }
    std::string_view line = octets.substr(0, size);
    octets.remove_prefix(found == nullptr ? size : size + 1);
    if (found == nullptr || !kept_.empty()) {
        kept_ += line;
        line = kept_;
    }
    if (found == nullptr) {
        return false;
    }
    line_octets_ += line.size();
    SIDING_TRY(on_line(line.substr(0, line.find_last_not_of('\r') + 1)));
    kept_.clear();
    if (kept_.capacity() > kept_capacity_max) {
        kept_.shrink_to_fit();
    }
    return true;
}

Result<void> ImapParser::Impl::on_line(std::string_view line) {
    SIDING_ASSIGN(const ImapLineReader::Outcome outcome, reader.read(line));
    switch (outcome) {
    case ImapLineReader::Outcome::response:
        state_ = State::response;
        return {};
    case ImapLineReader::Outcome::literal:
        return begin_literal();
    case ImapLineReader::Outcome::waste:
        if (reader.literal() > limits::imap_body_octets_max) {
            return Error{Errc::limit_exceeded, "a literal that is too long"};
        }
        left_ = reader.literal();
        state_ = State::waste;
        return {};
    case ImapLineReader::Outcome::skipped:
        ++lines_skipped;
        begin_response();
        return {};
    case ImapLineReader::Outcome::rescued:
        ++lines_skipped;
        state_ = State::response;
        return {};
    }
    return {};
}

Result<void> ImapParser::Impl::begin_literal() {
    left_ = reader.literal();
    if (auto name = reader.body_name()) {
        if (left_ > limits::imap_body_octets_max) {
            return Error{Errc::limit_exceeded, "a message that is too long"};
        }
        reader.want();  // who has the body waits for it
        body_name = std::move(*name);
        body_octets = left_;
        state_ = State::body_begin;
        return {};
    }
    if (left_ > limits::imap_literal_octets_max ||
        literals_octets_ + left_ > limits::imap_literals_octets_max) {
        return Error{Errc::limit_exceeded, "a literal that is too long"};
    }
    literals_octets_ += left_;
    literal_.clear();
    literal_.reserve(left_);
    state_ = State::literal;
    return {};
}

// Whether the literal is whole.
Result<bool> ImapParser::Impl::on_literal(std::string_view& octets) {
    const auto count = std::min<std::uint64_t>(left_, octets.size());
    literal_ += octets.substr(0, count);
    octets.remove_prefix(count);
    left_ -= count;
    if (left_ > 0) {
        return false;
    }
    ImapValue value = make_value(ImapValue::Kind::string);
    value.text = std::move(literal_);
    SIDING_TRY(reader.add(std::move(value)));
    state_ = State::line;
    return true;
}

Result<ImapParser::Event> ImapParser::Impl::on_body(std::string_view& octets) {
    if (left_ == 0) {
        ImapValue body = make_value(ImapValue::Kind::streamed);
        body.octets = body_octets;
        SIDING_TRY(reader.add(std::move(body)));
        piece = {};
        state_ = State::line;
        return Event::body_end;
    }
    if (octets.empty()) {
        return Event::need_octets;
    }
    piece = octets.substr(0, std::min<std::uint64_t>(left_, octets.size()));
    octets.remove_prefix(piece.size());
    left_ -= piece.size();
    return Event::body_piece;
}

// True: behind the last octet that was to be left out.
bool ImapParser::Impl::on_waste(std::string_view& octets) {
    const auto count = std::min<std::uint64_t>(left_, octets.size());
    octets.remove_prefix(count);
    left_ -= count;
    if (left_ > 0) {
        return false;
    }
    state_ = State::line;
    return true;
}

void ImapParser::Impl::begin_response() {
    reader.reset();
    state_ = State::line;
    line_octets_ = 0;
    literals_octets_ = 0;
}

ImapParser::ImapParser() : impl_{std::make_unique<Impl>()} {}
ImapParser::~ImapParser() = default;
ImapParser::ImapParser(ImapParser&&) noexcept = default;
ImapParser& ImapParser::operator=(ImapParser&&) noexcept = default;

Result<ImapParser::Event> ImapParser::next(std::string_view& octets) {
    return impl_->next(octets);
}

const ImapResponse& ImapParser::response() const {
    return impl_->reader.response;
}

ImapResponse ImapParser::take_response() {
    return std::move(impl_->reader.response);
}

std::string_view ImapParser::body_name() const {
    return impl_->body_name;
}

std::uint64_t ImapParser::body_octets() const {
    return impl_->body_octets;
}

std::string_view ImapParser::piece() const {
    return impl_->piece;
}

const ImapResponse& ImapParser::unfinished() const {
    return impl_->reader.response;
}

std::uint64_t ImapParser::lines_skipped() const {
    return impl_->lines_skipped;
}

}  // namespace siding::backfill
