// SHA-256, whole and in pieces: the ledger's chain and the proof that no octet changed.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace siding {

// 32 octets as a string, so that records and comparisons need no conversion.
using Digest = std::string;

class Sha256 {
public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;

    void update(std::string_view octets);
    Digest finish();  // ends the computation; call once

private:
    struct Context;
    std::unique_ptr<Context> context_;
};

Digest sha256(std::string_view octets);

}  // namespace siding
