// Any body in pieces of any length against the plain reference, and back through the encoder.
#include "base/check.hpp"
#include "smtp/data_codec.hpp"
#include "tests/smtp/reference_codec.hpp"

#include <cstdint>

namespace {

using namespace siding::smtp;

std::string encode(std::string_view body, std::size_t piece) {
    DataEncoder encoder;
    std::string wire;
    for (std::size_t at = 0; at < body.size(); at += piece) {
        encoder.encode(body.substr(at, piece), wire);
    }
    encoder.finish(wire);
    return wire;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::size_t piece = data[0] + std::size_t{1};
    const std::string_view wire{reinterpret_cast<const char*>(data + 1), size - 1};

    DataDecoder decoder;
    std::string body;
    std::size_t consumed = 0;
    bool done = false;
    while (consumed < wire.size() && !done) {
        const auto fed = decoder.feed(wire.substr(consumed, piece), body);
        consumed += fed.consumed;
        done = fed.done;
    }
    const auto expected = siding::test::reference_decode(wire);
    SIDING_CHECK(done == expected.has_value(), "the end is elsewhere");
    if (expected) {
        SIDING_CHECK(body == expected->body && consumed == expected->consumed, "not the same");
        SIDING_CHECK(decoder.bare_newlines() == expected->bare_newlines, "miscounted");
        const std::string again = encode(body, piece);
        SIDING_CHECK(again == siding::test::reference_encode(body), "encoded differently");
        SIDING_CHECK(siding::test::reference_decode(again)->body == body, "not the same back");
    }
    SIDING_CHECK(
        encode(wire, piece) == siding::test::reference_encode(wire), "encoded differently"
    );
    return 0;
}
