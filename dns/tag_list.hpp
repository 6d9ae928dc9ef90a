// Lists of "name=value;" in TXT records (RFC 6376 §3.2), and the records that are made of them:
// DKIM keys, DMARC policies, TLS-RPT addresses. Pure; the texts are joined strings of one TXT
// record.
#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace siding::dns {

struct TagList {
    std::vector<std::pair<std::string, std::string>> tags{};  // as written, in their order

    std::optional<std::string_view> find(std::string_view name) const;
    std::string_view get(std::string_view name, std::string_view otherwise) const;
};

// White space around names and values is taken off, a last ";" may be there or not.
// Errc::invalid_argument: what is no tag, or a name that is there twice.
Result<TagList> parse_tag_list(std::string_view text);

// RFC 6376 §3.6.1
struct DkimKey {
    std::string type = "rsa";  // "rsa", "ed25519"
    std::size_t bits = 0;      // of an RSA key, by its length; 256 for ed25519
    bool is_revoked = false;   // empty p=
    bool is_testing = false;   // t=y
};
Result<DkimKey> parse_dkim_key(std::string_view text);

enum class DmarcPolicy { none, quarantine, reject };
std::string_view format_dmarc_policy(DmarcPolicy policy);

// RFC 7489 §6.3
struct Dmarc {
    DmarcPolicy policy = DmarcPolicy::none;
    std::optional<DmarcPolicy> subdomain_policy{};
    int percent = 100;
    bool is_dkim_strict = false;
    bool is_spf_strict = false;
    std::vector<std::string> reports_to{};  // rua=, as URIs
};
bool is_dmarc(std::string_view text);
Result<Dmarc> parse_dmarc(std::string_view text);

// RFC 8460 §3
struct TlsReporting {
    std::vector<std::string> reports_to{};  // rua=, as URIs: "mailto:…", "https:…"
};
bool is_tls_reporting(std::string_view text);
Result<TlsReporting> parse_tls_reporting(std::string_view text);

// The domain of a "mailto:" URI, in lower case; nothing for any other.
std::optional<std::string> mailto_domain(std::string_view uri);

}  // namespace siding::dns
