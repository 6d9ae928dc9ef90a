// The chunks of a message in pieces of any length against the plain reference; what comes out can
// be sent on with DATA and is the same on the other side.
#include "base/check.hpp"
#include "smtp/chunk_codec.hpp"
#include "tests/smtp/reference_codec.hpp"

#include <cstdint>

namespace {

using namespace siding::smtp;

std::string decode(ChunkDecoder& decoder, std::string_view wire, std::size_t piece) {
    std::string body;
    for (std::size_t at = 0; at < wire.size(); at += piece) {
        decoder.feed(wire.substr(at, piece), body);
    }
    decoder.finish(body);
    return body;
}

std::string through_data(std::string_view body) {
    DataEncoder encoder;
    std::string wire;
    encoder.encode(body, wire);
    encoder.finish(wire);
    DataDecoder decoder;
    std::string back;
    const auto fed = decoder.feed(wire, back);
    SIDING_CHECK(fed.done && fed.consumed == wire.size(), "the end is elsewhere");
    SIDING_CHECK(decoder.bare_newlines() == 0, "a bare newline was let through");
    return back;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::size_t piece = data[0] + std::size_t{1};
    const std::string_view wire{reinterpret_cast<const char*>(data + 1), size - 1};

    const auto expected = siding::test::reference_chunks(wire);
    ChunkDecoder text;
    const std::string body = decode(text, wire, piece);
    SIDING_CHECK(body == expected.body, "not the same");
    SIDING_CHECK(text.bare_newlines() == expected.bare_newlines, "miscounted");
    SIDING_CHECK(text.octets() == body.size(), "miscounted");
    const bool is_whole = body.empty() || body.ends_with("\r\n");
    SIDING_CHECK(through_data(body) == body + (is_whole ? "" : "\r\n"), "not the same by DATA");

    ChunkDecoder binary{{BareNewline::reject}, ChunkDecoder::Content::binary};
    SIDING_CHECK(decode(binary, wire, piece) == wire, "binary was changed");
    SIDING_CHECK(!binary.is_refused_for_bare_newline(), "binary was refused");

    ChunkDecoder strict{{BareNewline::reject, 100}};
    const std::string kept = decode(strict, wire, piece);
    const bool lost = expected.bare_newlines > 0 || body.size() > 100;
    SIDING_CHECK(
        lost == (strict.is_refused_for_bare_newline() || strict.is_too_large()), "let through"
    );
    SIDING_CHECK(kept.size() <= 100 && body.starts_with(kept), "lost octets were put out");
    SIDING_CHECK(lost || kept == body, "octets are missing");
    return 0;
}
