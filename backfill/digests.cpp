#include "backfill/digests.hpp"

#include "backfill/header_facts.hpp"
#include "backfill/limits.hpp"
#include "base/bytes.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace siding::backfill {
namespace {

constexpr std::uint64_t ones = 0x0101010101010101;
constexpr std::uint64_t highs = 0x8080808080808080;

// A high bit at the lowest octet that is zero; those above it may be wrong.
constexpr std::uint64_t zero_octets(std::uint64_t word) {
    return (word - ones) & ~word & highs;
}

std::uint64_t load(const char* from) {
    std::uint64_t word = 0;
    std::memcpy(&word, from, sizeof word);
    return word;
}

bool is_special(char c) {
    return c == '\r' || c == '\n' || c == '\0';
}

// The first CR, LF or NUL.
const char* find_special(const char* at, const char* end) {
    if constexpr (std::endian::native == std::endian::little) {
        for (; end - at >= 8; at += 8) {
            const std::uint64_t word = load(at);
            const std::uint64_t found = zero_octets(word) | zero_octets(word ^ (ones * '\r')) |
                                        zero_octets(word ^ (ones * '\n'));
            if (found != 0) {
                return at + std::countr_zero(found) / 8;
            }
        }
    }
    return std::find_if(at, end, is_special);
}

bool has_8bit(const char* at, const char* end) {
    for (; end - at >= 8; at += 8) {
        if ((load(at) & highs) != 0) {
            return true;
        }
    }
    return std::any_of(at, end, [](unsigned char c) { return c >= 0x80; });
}

// One octet, or one line end, many times, without as many calls.
constexpr std::size_t block_octets = 4096;
void feed_repeated(Sha256& hash, std::string_view unit, std::uint64_t times) {
    std::string block;
    for (std::uint64_t i = 0; i < std::min<std::uint64_t>(times, block_octets); ++i) {
        block.append(unit);
    }
    for (; times > 0; times -= std::min<std::uint64_t>(times, block_octets)) {
        hash.update(std::string_view{block}.substr(0, times * unit.size()));
    }
}

}  // namespace

std::vector<std::string> MessageFacts::received_ids_of(std::string_view hostname) const {
    std::vector<std::string> ids;
    for (const ReceivedLine& line : received) {
        if (equals_ignoring_case(line.by, hostname)) {
            ids.push_back(line.id);
        }
    }
    return ids;
}

class MessageDigester::Impl {
public:
    void update(std::string_view octets);
    MessageDigests finish();
    std::uint64_t octets() const { return octets_; }
    const MessageFacts& facts() const { return facts_; }

private:
    // Octets whose canonical form they are themselves: text and CRLFs.
    void feed(const char* from, const char* to);
    void feed_folded(std::uint64_t nuls);
    void feed_held_back();
    const char* after_carriage_returns(const char* at);
    const char* odd_octet(const char* at, const char* end);
    void end_lines(std::uint64_t lines);
    void count_text(const char* from, const char* to);
    bool close_line();
    void end_header();

    std::uint64_t octets_ = 0;
    std::string_view::value_type last_ = 0;
    Sha256 raw_;
    Sha256 canonical_;
    Sha256 body_;
    Digest header_digest_;
    std::string header_;
    bool in_header_ = true;
    std::uint64_t carriage_returns_ = 0;  // whose meaning the next octet tells
    // Line ends that count only if something follows them.
    std::uint64_t lines_held_back_ = 0;
    std::uint64_t body_lines_held_back_ = 0;
    std::size_t line_octets_ = 0;
    MessageFacts facts_;
};

void MessageDigester::Impl::update(std::string_view octets) {
    if (octets.empty()) {
        return;
    }
    raw_.update(octets);
    octets_ += octets.size();
    facts_.ends_with_crlf = octets.ends_with("\r\n") || (octets == "\n" && last_ == '\r');
    last_ = octets.back();

    const char* at = octets.data();
    const char* const end = at + octets.size();
    const char* unfed = at;
    while (at != end) {
        if (carriage_returns_ > 0) {
            unfed = at = after_carriage_returns(at);
            continue;
        }
        const char* const special = find_special(at, end);
        count_text(at, special);
        at = special;
        if (end - at >= 2 && at[0] == '\r' && at[1] == '\n') {
            at += 2;
            if (close_line()) {
                feed(unfed, at);
                unfed = at;
                end_header();
            }
        } else if (at != end) {
            feed(unfed, at);
            unfed = at = odd_octet(at, end);
        }
    }
    feed(unfed, end);
}

// The octet behind CRs; given back unless it is consumed.
const char* MessageDigester::Impl::after_carriage_returns(const char* at) {
    if (*at == '\r') {
        ++carriage_returns_;
        return at + 1;
    }
    const bool is_one_end = *at == '\n';
    facts_.has_bare_cr |= !is_one_end || carriage_returns_ > 1;
    end_lines(is_one_end ? 1 : carriage_returns_);
    carriage_returns_ = 0;
    return is_one_end ? at + 1 : at;
}

const char* MessageDigester::Impl::odd_octet(const char* at, const char* end) {
    if (*at == '\r') {
        carriage_returns_ = 1;
        return at + 1;
    }
    if (*at == '\n') {
        facts_.has_bare_lf = true;
        end_lines(1);
        return at + 1;
    }
    const char* const behind = std::find_if(at, end, [](char c) { return c != '\0'; });
    feed_folded(static_cast<std::uint64_t>(behind - at));
    return behind;
}

void MessageDigester::Impl::feed(const char* from, const char* to) {
    std::string_view octets{from, static_cast<std::size_t>(to - from)};
    if (in_header_) {
        const std::size_t room = limits::digested_header_octets_max - header_.size();
        header_.append(octets.substr(0, room));
    }
    std::uint64_t lines = 0;
    for (; octets.ends_with("\r\n"); octets.remove_suffix(2)) {
        ++lines;
    }
    if (!octets.empty()) {
        feed_held_back();
        canonical_.update(octets);
        if (!in_header_) {
            body_.update(octets);
        }
    }
    lines_held_back_ += lines;
    body_lines_held_back_ += lines;
}

void MessageDigester::Impl::feed_folded(std::uint64_t nuls) {
    facts_.has_nul = true;
    line_octets_ += nuls;
    feed_held_back();
    feed_repeated(canonical_, "\x80", nuls);
    if (in_header_) {
        const std::size_t room = limits::digested_header_octets_max - header_.size();
        header_.append(std::min<std::uint64_t>(room, nuls), '\x80');
    } else {
        feed_repeated(body_, "\x80", nuls);
    }
}

void MessageDigester::Impl::feed_held_back() {
    if (lines_held_back_ > 0) {
        feed_repeated(canonical_, "\r\n", lines_held_back_);
        lines_held_back_ = 0;
    }
    if (!in_header_ && body_lines_held_back_ > 0) {
        feed_repeated(body_, "\r\n", body_lines_held_back_);
        body_lines_held_back_ = 0;
    }
}

// Of lines that do not end with CRLF: nothing of them is in `feed` yet.
void MessageDigester::Impl::end_lines(std::uint64_t lines) {
    constexpr std::string_view crlf = "\r\n";
    for (; in_header_ && lines > 0; --lines) {
        const bool ends = close_line();
        feed(crlf.data(), crlf.data() + crlf.size());
        if (ends) {
            end_header();
        }
    }
    if (lines > 0) {
        close_line();
        lines_held_back_ += lines;
        body_lines_held_back_ += lines;
    }
}

void MessageDigester::Impl::count_text(const char* from, const char* to) {
    line_octets_ += static_cast<std::size_t>(to - from);
    if (in_header_ && !facts_.has_8bit_header) {
        facts_.has_8bit_header = has_8bit(from, to);
    }
}

// Is it the empty line that ends the header?
bool MessageDigester::Impl::close_line() {
    const bool ends_header = in_header_ && line_octets_ == 0;
    facts_.longest_line = std::max(facts_.longest_line, line_octets_);
    line_octets_ = 0;
    return ends_header;
}

void MessageDigester::Impl::end_header() {
    in_header_ = false;
    body_lines_held_back_ = 0;
    header_digest_ = read_header(header_, facts_);
    header_ = {};
}

MessageDigests MessageDigester::Impl::finish() {
    if (carriage_returns_ > 0) {
        facts_.has_bare_cr = true;
        end_lines(carriage_returns_);
    }
    close_line();
    if (in_header_) {
        end_header();
    }
    return {raw_.finish(), canonical_.finish(), std::move(header_digest_), body_.finish()};
}

MessageDigester::MessageDigester() : impl_{std::make_unique<Impl>()} {}
MessageDigester::~MessageDigester() = default;
MessageDigester::MessageDigester(MessageDigester&&) noexcept = default;
MessageDigester& MessageDigester::operator=(MessageDigester&&) noexcept = default;

void MessageDigester::update(std::string_view octets) {
    impl_->update(octets);
}

MessageDigests MessageDigester::finish() {
    return impl_->finish();
}

std::uint64_t MessageDigester::octets() const {
    return impl_->octets();
}

const MessageFacts& MessageDigester::facts() const {
    return impl_->facts();
}

}  // namespace siding::backfill
