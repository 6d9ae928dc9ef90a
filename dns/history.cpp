#include "dns/history.hpp"

#include "base/bytes.hpp"
#include "base/limits.hpp"
#include "dns/record.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <iterator>
#include <optional>
#include <tuple>
#include <utility>

namespace siding::dns {
namespace {

constexpr std::string_view version_line = "siding dns history 1";
constexpr std::uint16_t soa_type = 6;

// Of one name at one server: of addresses that rotate there is no end. No deadline reckons with
// more changes than fit into a TTL.
constexpr std::ptrdiff_t name_epochs_max = 8;

// What goes first when there is no room: SOA, since a zone that is signed afresh all the time has
// the most and no deadline hangs on them; then the names beside the domain's own, which others
// change; MX and NS last.
int claim_of(std::uint16_t type) {
    switch (type) {
    case soa_type:
        return 0;
    case static_cast<std::uint16_t>(RecordType::mx):
    case static_cast<std::uint16_t>(RecordType::ns):
        return 2;
    default:
        return 1;
    }
}

bool is_same_question(const Epoch& epoch, const Served& served) {
    return epoch.type == served.type && epoch.server == served.server && epoch.name == served.name;
}

// A field of a line: what would end it, or is not printable, as %XX.
std::string encode(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const auto octet = static_cast<unsigned char>(c);
        if (octet < 0x20 || octet >= 0x7f || c == '%' || c == '\t') {
            out += fmt::format("%{:02x}", octet);
        } else {
            out += c;
        }
    }
    return out;
}

std::optional<std::string> decode(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        unsigned octet = 0;
        const char* const from = text.data() + i + 1;
        if (text.size() - i < 3 || std::from_chars(from, from + 2, octet, 16).ptr != from + 2) {
            return std::nullopt;
        }
        out += static_cast<char>(octet);
        i += 2;
    }
    return out;
}

template <typename T>
std::optional<T> parse_number(std::string_view text) {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

std::vector<std::string_view> split(std::string_view text, char at) {
    std::vector<std::string_view> parts;
    while (true) {
        const auto end = text.find(at);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) {
            return parts;
        }
        text.remove_prefix(end + 1);
    }
}

std::string format_epoch(const Epoch& epoch) {
    return fmt::format(
        "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n",
        epoch.first.time_since_epoch().count(),
        epoch.last.time_since_epoch().count(),
        epoch.type,
        epoch.ttl.count(),
        epoch.first_serial,
        epoch.serial,
        encode(epoch.server),
        encode(epoch.name),
        encode(epoch.data)
    );
}

// Not less than format_epoch() gives: it is asked for each epoch whenever there is a new one.
std::size_t octets_of(const Epoch& epoch) {
    constexpr std::size_t numbers = 90;
    std::size_t octets = numbers;
    for (const std::string* const text : {&epoch.server, &epoch.name, &epoch.data}) {
        octets += text->size();
        for (const char c : *text) {
            octets += c >= 0x20 && c < 0x7f && c != '%' ? 0 : 2;
        }
    }
    return octets;
}

std::optional<Epoch> parse_epoch(std::string_view line) {
    const auto fields = split(line, '\t');
    if (fields.size() != 9) {
        return std::nullopt;
    }
    const auto first = parse_number<std::int64_t>(fields[0]);
    const auto last = parse_number<std::int64_t>(fields[1]);
    const auto type = parse_number<std::uint16_t>(fields[2]);
    const auto ttl = parse_number<std::uint32_t>(fields[3]);
    const auto first_serial = parse_number<std::uint32_t>(fields[4]);
    const auto serial = parse_number<std::uint32_t>(fields[5]);
    auto server = decode(fields[6]);
    auto name = decode(fields[7]);
    auto data = decode(fields[8]);
    if (!first || !last || !type || !ttl || !first_serial || !serial || !server || !name || !data ||
        *last < *first || data->size() > limits::dns_served_octets_max) {
        return std::nullopt;
    }
    Epoch epoch;
    epoch.server = std::move(*server);
    epoch.name = std::move(*name);
    epoch.type = *type;
    epoch.data = std::move(*data);
    epoch.ttl = std::chrono::seconds{*ttl};
    epoch.first_serial = *first_serial;
    epoch.serial = *serial;
    epoch.first = WallTime{std::chrono::milliseconds{*first}};
    epoch.last = WallTime{std::chrono::milliseconds{*last}};
    return epoch;
}

}  // namespace

std::vector<std::string> Epoch::records() const {
    std::vector<std::string> found;
    std::string_view rest = data;
    while (!rest.empty()) {
        const auto end = rest.find("; ");
        found.emplace_back(rest.substr(0, end));
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 2);
    }
    return found;
}

bool History::note(const Served& served) {
    std::string data = served.data.substr(0, limits::dns_served_octets_max);
    const auto newest = std::find_if(epochs_.rbegin(), epochs_.rend(), [&](const Epoch& epoch) {
        return is_same_question(epoch, served);
    });
    if (newest != epochs_.rend()) {
        if (served.at < newest->last) {
            return false;
        }
        if (newest->data == data && newest->ttl == served.ttl) {
            newest->last = served.at;
            newest->serial = served.serial;
            return false;
        }
    }
    Epoch epoch;
    epoch.server = served.server;
    epoch.name = served.name;
    epoch.type = served.type;
    epoch.data = std::move(data);
    epoch.ttl = served.ttl;
    epoch.first_serial = epoch.serial = served.serial;
    epoch.first = epoch.last = served.at;
    epochs_.push_back(std::move(epoch));
    make_room();
    return true;
}

std::map<std::string, std::vector<Epoch>> History::by_server(
    std::string_view name, std::uint16_t type
) const {
    std::map<std::string, std::vector<Epoch>> found;
    for (const Epoch& epoch : epochs_) {
        if (epoch.type == type && epoch.name == name) {
            found[epoch.server].push_back(epoch);
        }
    }
    return found;
}

void History::prune(WallTime before) {
    std::vector<Epoch> kept;
    for (auto epoch = epochs_.begin(); epoch != epochs_.end(); ++epoch) {
        const bool is_newest =
            std::none_of(std::next(epoch), epochs_.end(), [&](const Epoch& later) {
                return std::tie(later.server, later.name, later.type) ==
                       std::tie(epoch->server, epoch->name, epoch->type);
            });
        if (epoch->last >= before || is_newest) {
            kept.push_back(*epoch);
        }
    }
    epochs_ = std::move(kept);
}

void History::make_room() {
    const Epoch newest = epochs_.back();
    const auto is_same = [&](const Epoch& epoch) {
        return std::tie(epoch.server, epoch.name, epoch.type) ==
               std::tie(newest.server, newest.name, newest.type);
    };
    if (claim_of(newest.type) == 1 && std::ranges::count_if(epochs_, is_same) > name_epochs_max) {
        epochs_.erase(std::ranges::find_if(epochs_, is_same));
    }
    std::size_t octets = version_line.size() + 1;
    for (const Epoch& epoch : epochs_) {
        octets += octets_of(epoch);
    }
    while (epochs_.size() > limits::dns_epochs_max || octets > limits::dns_history_octets_max) {
        const auto oldest =
            std::min_element(epochs_.begin(), epochs_.end(), [](const Epoch& a, const Epoch& b) {
                return std::pair{claim_of(a.type), a.last} < std::pair{claim_of(b.type), b.last};
            });
        octets -= octets_of(*oldest);
        epochs_.erase(oldest);
    }
}

std::string History::save() const {
    std::string text{version_line};
    text += '\n';
    for (const Epoch& epoch : epochs_) {
        text += format_epoch(epoch);
    }
    return text;
}

Result<History> History::load(std::string_view text) {
    History history;
    std::size_t number = 0;
    while (!text.empty()) {
        const auto end = text.find('\n');
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        ++number;
        if (number == 1) {
            if (line != version_line) {
                return Error{Errc::corrupt, "DNS history: line 1 is not of this version"};
            }
            continue;
        }
        auto epoch = parse_epoch(line);
        if (!epoch || history.epochs_.size() >= limits::dns_epochs_max) {
            return Error{
                Errc::corrupt, fmt::format("DNS history: line {}: {}", number, escape(line))};
        }
        history.epochs_.push_back(std::move(*epoch));
    }
    if (number == 0) {
        return Error{Errc::corrupt, "DNS history: empty"};
    }
    return history;
}

}  // namespace siding::dns
