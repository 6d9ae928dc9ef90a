#include "base/digest.hpp"

#include "base/check.hpp"

#include <openssl/evp.h>

namespace siding {

struct Sha256::Context {
    struct Free {
        void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
    };
    std::unique_ptr<EVP_MD_CTX, Free> handle{EVP_MD_CTX_new()};
};

Sha256::Sha256() : context_{std::make_unique<Context>()} {
    SIDING_CHECK(
        EVP_DigestInit_ex(context_->handle.get(), EVP_sha256(), nullptr) == 1,
        "no SHA-256 in libcrypto"
    );
}

Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::string_view octets) {
    EVP_DigestUpdate(context_->handle.get(), octets.data(), octets.size());
}

Digest Sha256::finish() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    unsigned length = 0;
    EVP_DigestFinal_ex(context_->handle.get(), out.data(), &length);
    return {reinterpret_cast<const char*>(out.data()), length};
}

Digest sha256(std::string_view octets) {
    Sha256 hash;
    hash.update(octets);
    return hash.finish();
}

}  // namespace siding
