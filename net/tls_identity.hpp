// A certificate with its chain and key, read from PEM files and checked. Blocking.
#pragma once

#include "base/clock.hpp"
#include "base/result.hpp"
#include "net/tls_server.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct evp_pkey_st;
struct ssl_ctx_st;
struct x509_st;

namespace siding::net {

// What tells one version of a file from the next.
struct FileStamp {
    static FileStamp of(const std::string& path);  // all zero where there is none

    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t size_bytes = 0;
    std::int64_t changed_ns = 0;

    bool operator==(const FileStamp&) const = default;
};

class TlsIdentity {
public:
    // `name`: the SNI name that it is for, "*.example.com" too; empty for the default one. Errors
    // name the file: unreadable, no PEM, an encrypted key, a key of another certificate.
    static Result<TlsIdentity> load(const TlsIdentityFiles& files, std::string_view name);

    Result<void> use_in(ssl_ctx_st* context) const;

    // One sentence each, for a person.
    std::vector<std::string> warnings(WallTime now) const;

    WallTime expiry() const { return not_after_; }

private:
    struct FreeCertificate {
        void operator()(x509_st* certificate) const;
    };
    struct FreeKey {
        void operator()(evp_pkey_st* key) const;
    };
    using Certificate = std::unique_ptr<x509_st, FreeCertificate>;
    using Key = std::unique_ptr<evp_pkey_st, FreeKey>;

    TlsIdentity() = default;

    Result<void> read_certificates();
    Result<void> read_key();

    TlsIdentityFiles files_;
    std::string name_;
    std::vector<Certificate> chain_;  // the leaf first
    Key key_;
    WallTime not_before_;
    WallTime not_after_;
    bool key_open_to_others_ = false;
};

}  // namespace siding::net
