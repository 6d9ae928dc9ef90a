// A server's octets, whole and in pieces: the same responses and bodies, bounded, and every view of
// them keeps its promises.
#include "backfill/imap_data.hpp"
#include "backfill/imap_parser.hpp"
#include "backfill/imap_trouble.hpp"
#include "backfill/limits.hpp"
#include "base/check.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using namespace siding::backfill;

void dump(const std::vector<ImapValue>& values, std::size_t depth, std::string& out) {
    SIDING_CHECK(depth <= siding::limits::imap_nesting_max + 1, "not bounded");
    for (const ImapValue& value : values) {
        SIDING_CHECK(value.items.empty() || value.is_list(), "items of no list");
        SIDING_CHECK(!value.is_list() || value.text.empty(), "a list with a text");
        out += std::to_string(static_cast<int>(value.kind)) + value.text + '<' +
               std::to_string(value.octets) + '>';
        dump(value.items, depth + 1, out);
        out += ';';
    }
}

void check_views(const ImapResponse& response) {
    if (const auto item = fetch_item(response)) {
        SIDING_CHECK(item->uid != 0U, "a UID that is none");
    }
    if (const auto item = status_item(response)) {
        SIDING_CHECK(
            !item->uid_validity ||
                (!item->uid_validity->empty() &&
                 item->uid_validity->find_first_not_of("0123456789") == std::string::npos),
            "no decimal"
        );
    }
    if (const auto found = search_result(response); found && !found->all.empty()) {
        SIDING_CHECK(ImapSet::parse(found->all.text()).value() == found->all, "not the same set");
    }
    if (const auto copied = copy_uid(response)) {
        SIDING_CHECK(copied->source.size() == copied->destination.size(), "not as many");
    }
    if (response.condition && response.condition != ImapCondition::ok) {
        const Judged judged = judge(response, ImapStage::append);
        SIDING_CHECK(
            std::ranges::none_of(judged.words, [](unsigned char c) { return c < 0x20; }),
            "a control got through"
        );
    }
    static_cast<void>(list_item(response));
    static_cast<void>(vanished(response));
    static_cast<void>(capabilities(response));
    static_cast<void>(enabled(response));
    static_cast<void>(server_id(response));
    static_cast<void>(namespaces(response));
    static_cast<void>(quota(response));
    static_cast<void>(quota_roots(response));
    static_cast<void>(acl(response));
    static_cast<void>(my_rights(response));
    static_cast<void>(append_uid(response));
    static_cast<void>(flag_list(response, "FLAGS"));
}

std::string dump(const ImapResponse& response) {
    SIDING_CHECK(
        response.kind != ImapResponse::Kind::tagged || response.condition, "a tag and no condition"
    );
    SIDING_CHECK(
        response.kind == ImapResponse::Kind::continuation ||
            response.name.empty() == response.condition.has_value(),
        "neither data nor a condition, or both"
    );
    SIDING_CHECK(response.text.find('\n') == std::string::npos, "not one line");
    std::string out =
        std::to_string(static_cast<int>(response.kind)) + response.tag + '|' +
        std::to_string(response.number.value_or(0)) + response.name + '|' +
        std::to_string(static_cast<int>(response.condition.value_or(ImapCondition::ok))) +
        response.code + '|' + response.text + '|';
    dump(response.code_values, 0, out);
    out += '|';
    dump(response.values, 0, out);
    check_views(response);
    return out + '\n';
}

class Reader {
public:
    // False: the parser has given up.
    bool read(std::string_view octets) {
        for (;;) {
            const auto event = parser_.next(octets);
            if (!event) {
                out_ += "error " + event.error().message();
                return false;
            }
            switch (*event) {
            case ImapParser::Event::need_octets:
                SIDING_CHECK(octets.empty(), "octets left");
                return true;
            case ImapParser::Event::response:
                SIDING_CHECK(!in_body_, "a response within a body");
                SIDING_CHECK(!has_body_ || parser_.response().is_data("FETCH"), "a lost body");
                has_body_ = false;
                out_ += dump(parser_.response());
                break;
            case ImapParser::Event::body_begin:
                SIDING_CHECK(!in_body_ && parser_.body_octets() > 0, "no body");
                in_body_ = has_body_ = true;
                left_ = parser_.body_octets();
                static_cast<void>(fetch_item(parser_.unfinished()));
                out_ += "body " + std::string{parser_.body_name()} + ' ';
                break;
            case ImapParser::Event::body_piece:
                SIDING_CHECK(in_body_ && !parser_.piece().empty(), "no piece");
                SIDING_CHECK(parser_.piece().size() <= left_, "too much");
                left_ -= parser_.piece().size();
                out_ += parser_.piece();
                break;
            case ImapParser::Event::body_end:
                SIDING_CHECK(in_body_ && left_ == 0, "too little");
                in_body_ = false;
                break;
            }
        }
    }

    std::string take() { return out_ + std::to_string(parser_.lines_skipped()); }

private:
    ImapParser parser_;
    std::string out_;
    std::uint64_t left_ = 0;
    bool in_body_ = false;
    bool has_body_ = false;
};

std::string read_all(std::string_view wire, std::size_t piece) {
    Reader reader;
    while (!wire.empty() && reader.read(wire.substr(0, piece))) {
        wire.remove_prefix(std::min(piece, wire.size()));
    }
    return reader.take();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view wire{reinterpret_cast<const char*>(data), size};
    const std::string whole = read_all(wire, std::max<std::size_t>(wire.size(), 1));
    SIDING_CHECK(whole == read_all(wire, 1), "depends on how it is cut");
    SIDING_CHECK(whole == read_all(wire, 7), "depends on how it is cut");
    return 0;
}
