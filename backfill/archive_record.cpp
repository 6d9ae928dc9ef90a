#include "backfill/archive_record.hpp"

#include <algorithm>
#include <utility>

namespace siding::backfill {
namespace {

constexpr std::string_view mark = "SAr1";
constexpr std::size_t length_octets = 4;
constexpr std::size_t checksum_octets = 8;
constexpr std::size_t head_octets = mark.size() + length_octets + checksum_octets;
constexpr std::size_t digest_octets = 32;
constexpr std::size_t list_max = 10'000;

enum class Kind : char { frame = 1, mailbox, entry, flags, gone, refused };

class Writer {
public:
    explicit Writer(Kind kind) { out_.push_back(static_cast<char>(kind)); }

    void number(std::uint64_t value, std::size_t width = 8) {
        for (std::size_t at = 0; at < width; ++at) {
            out_.push_back(static_cast<char>(value >> (8 * at) & 0xff));
        }
    }
    void text(std::string_view value) {
        number(value.size(), 4);
        out_ += value;
    }
    void list(const std::vector<std::string>& values) {
        number(values.size(), 4);
        for (const std::string& value : values) {
            text(value);
        }
    }
    std::string finish() { return std::move(out_); }

private:
    std::string out_;
};

// After something that is not there everything is empty, and ok() false.
class Reader {
public:
    explicit Reader(std::string_view octets) : octets_{octets} {}

    std::uint64_t number(std::size_t width = 8) {
        std::uint64_t value = 0;
        const std::string_view part = take(width);
        for (std::size_t at = 0; at < part.size(); ++at) {
            value |= std::uint64_t{static_cast<unsigned char>(part[at])} << (8 * at);
        }
        return value;
    }
    bool flag() { return number(1) != 0; }
    std::string_view take(std::uint64_t count) {
        is_ok_ = is_ok_ && count <= octets_.size();
        const std::string_view part = octets_.substr(0, is_ok_ ? count : 0);
        octets_.remove_prefix(part.size());
        return part;
    }
    std::string text() { return std::string{take(number(4))}; }
    std::string digest() { return std::string{take(digest_octets)}; }
    std::vector<std::string> list() {
        std::vector<std::string> values;
        const std::uint64_t count = number(4);
        is_ok_ = is_ok_ && count <= list_max;
        for (std::uint64_t at = 0; is_ok_ && at < count; ++at) {
            values.push_back(text());
        }
        return values;
    }
    bool ok() const { return is_ok_ && octets_.empty(); }

private:
    std::string_view octets_;
    bool is_ok_ = true;
};

struct Formatter {
    std::string operator()(const ArchiveFrame& frame) const {
        Writer out{Kind::frame};
        out.text(frame.sha256);
        out.number(frame.octets);
        out.number(frame.packed_octets);
        out.number(frame.pack, 4);
        out.number(frame.offset);
        return out.finish();
    }
    std::string operator()(const ArchiveMailbox& mailbox) const {
        Writer out{Kind::mailbox};
        out.number(mailbox.number, 4);
        out.text(mailbox.account);
        out.text(mailbox.name);
        out.text(mailbox.uid_validity);
        out.text(mailbox.prefix);
        out.number(static_cast<unsigned char>(mailbox.separator), 1);
        out.list(mailbox.attributes);
        out.number(mailbox.is_subscribed ? 1 : 0, 1);
        out.number(mailbox.is_gone ? 1 : 0, 1);
        return out.finish();
    }
    std::string operator()(const ArchiveEntry& entry) const {
        Writer out{Kind::entry};
        out.number(entry.uid);
        out.text(entry.sha256);
        out.number(entry.octets);
        out.text(entry.internal_date);
        out.list(entry.flags);
        out.number(static_cast<std::uint64_t>(entry.taken_at.time_since_epoch().count()));
        return out.finish();
    }
    std::string operator()(const ArchiveFlags& flags) const {
        Writer out{Kind::flags};
        out.number(flags.uid);
        out.list(flags.flags);
        return out.finish();
    }
    std::string operator()(const ArchiveGone& gone) const {
        Writer out{Kind::gone};
        out.text(gone.uids);
        return out.finish();
    }
    std::string operator()(const ArchiveRefused& refused) const {
        Writer out{Kind::refused};
        out.number(refused.uid);
        out.text(refused.words);
        out.number(static_cast<std::uint64_t>(refused.at.time_since_epoch().count()));
        return out.finish();
    }
};

std::optional<ArchiveRecord> parse_body(std::string_view body) {
    Reader in{body};
    ArchiveRecord record;
    switch (static_cast<Kind>(in.number(1))) {
    case Kind::frame: {
        ArchiveFrame frame;
        frame.sha256 = in.text();
        frame.octets = in.number();
        frame.packed_octets = in.number();
        frame.pack = static_cast<std::uint32_t>(in.number(4));
        frame.offset = in.number();
        if (frame.sha256.size() != digest_octets) {
            return std::nullopt;
        }
        record = std::move(frame);
        break;
    }
    case Kind::mailbox: {
        ArchiveMailbox mailbox;
        mailbox.number = static_cast<std::uint32_t>(in.number(4));
        mailbox.account = in.text();
        mailbox.name = in.text();
        mailbox.uid_validity = in.text();
        mailbox.prefix = in.text();
        mailbox.separator = static_cast<char>(in.number(1));
        mailbox.attributes = in.list();
        mailbox.is_subscribed = in.flag();
        mailbox.is_gone = in.flag();
        record = std::move(mailbox);
        break;
    }
    case Kind::entry: {
        ArchiveEntry entry;
        entry.uid = in.number();
        entry.sha256 = in.text();
        entry.octets = in.number();
        entry.internal_date = in.text();
        entry.flags = in.list();
        entry.taken_at = WallTime{WallTime::duration{static_cast<std::int64_t>(in.number())}};
        if (entry.sha256.size() != digest_octets) {
            return std::nullopt;
        }
        record = std::move(entry);
        break;
    }
    case Kind::flags: {
        ArchiveFlags flags;
        flags.uid = in.number();
        flags.flags = in.list();
        record = std::move(flags);
        break;
    }
    case Kind::gone:
        record = ArchiveGone{in.text()};
        break;
    case Kind::refused: {
        ArchiveRefused refused;
        refused.uid = in.number();
        refused.words = in.text();
        refused.at = WallTime{WallTime::duration{static_cast<std::int64_t>(in.number())}};
        record = std::move(refused);
        break;
    }
    default:  // of a later version, or nothing of ours
        return std::nullopt;
    }
    return in.ok() ? std::optional{std::move(record)} : std::nullopt;
}

std::string length_of(std::string_view body) {
    std::string out;
    for (std::size_t at = 0; at < length_octets; ++at) {
        out.push_back(static_cast<char>(body.size() >> (8 * at) & 0xff));
    }
    return out;
}

std::string checksum_of(std::string_view length, std::string_view body) {
    Sha256 sum;
    sum.update(length);
    sum.update(body);
    return sum.finish().substr(0, checksum_octets);
}

// Behind the first octet, the next place at which a record may begin.
std::size_t next_mark(std::string_view octets) {
    const auto at = octets.find(mark, 1);
    if (at != std::string_view::npos) {
        return at;
    }
    // A mark may be cut in two.
    const std::size_t kept = std::min(mark.size() - 1, octets.size() - 1);
    return octets.size() - kept;
}

}  // namespace

std::string format_record(const ArchiveRecord& record) {
    const std::string body = std::visit(Formatter{}, record);
    if (body.size() + head_octets > archive_record_octets_max) {
        return "";
    }
    const std::string length = length_of(body);
    return std::string{mark} + length + checksum_of(length, body) + body;
}

ScannedRecord scan_record(std::string_view octets) {
    if (octets.size() < mark.size() && mark.starts_with(octets)) {
        return {};
    }
    if (!octets.starts_with(mark)) {
        return {std::nullopt, next_mark(octets)};
    }
    if (octets.size() < head_octets) {
        return {};
    }
    const std::string_view length = octets.substr(mark.size(), length_octets);
    const std::uint64_t body_octets = Reader{length}.number(length_octets);
    if (body_octets + head_octets > archive_record_octets_max) {
        return {std::nullopt, next_mark(octets)};
    }
    if (octets.size() < head_octets + body_octets) {
        return {};
    }
    const std::string_view body = octets.substr(head_octets, body_octets);
    const auto checksum = octets.substr(mark.size() + length_octets, checksum_octets);
    auto record = checksum == checksum_of(length, body) ? parse_body(body) : std::nullopt;
    if (!record) {
        return {std::nullopt, next_mark(octets)};
    }
    return {std::move(record), head_octets + body_octets};
}

}  // namespace siding::backfill
