// Ed25519 (RFC 8032): who holds the key has said it, and nobody has changed it since.
#pragma once

#include "base/result.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace siding {

class PublicKey {
public:
    // The base64 of a SubjectPublicKeyInfo (RFC 8410 §4), as text() gives it, or the same between
    // the lines of a PEM file. Errc::invalid_argument.
    static Result<PublicKey> parse(std::string_view text);

    // One line of 60 characters: "MCowBQYDK2VwAyEA…". With PEM's first and last line around it any
    // tool can use it.
    std::string text() const;
    bool verifies(std::string_view message, std::string_view signature) const;

    bool operator==(const PublicKey&) const = default;

private:
    friend class SigningKey;
    explicit PublicKey(std::string octets) : octets_{std::move(octets)} {}

    std::string octets_;  // 32
};

class SigningKey {
public:
    static SigningKey make();
    // Errc::invalid_argument: no PEM of an Ed25519 key (RFC 8410 §7).
    static Result<SigningKey> parse(std::string_view pem);
    SigningKey(SigningKey&&) noexcept;
    SigningKey& operator=(SigningKey&&) noexcept;
    ~SigningKey();

    std::string pem() const;
    PublicKey public_key() const;
    std::string sign(std::string_view message) const;  // 64 octets

private:
    struct Handle;
    explicit SigningKey(std::unique_ptr<Handle> handle);

    std::unique_ptr<Handle> handle_;
};

}  // namespace siding
