#include "backfill/scram.hpp"

#include "base/base64.hpp"
#include "base/keyed_digest.hpp"

#include <charconv>
#include <optional>
#include <utility>

namespace siding::backfill {
namespace {

// A server that wants more makes the client work for minutes.
constexpr unsigned iterations_max = 1'000'000;

// RFC 5802 §5.1: saslname.
std::string quote(std::string_view name) {
    std::string text;
    for (const char c : name) {
        if (c == ',') {
            text += "=2C";
        } else if (c == '=') {
            text += "=3D";
        } else {
            text += c;
        }
    }
    return text;
}

// "r=…,s=…,i=…": the value of one attribute.
std::optional<std::string_view> attribute(std::string_view text, char name) {
    while (!text.empty()) {
        const auto comma = text.find(',');
        const std::string_view part = text.substr(0, comma);
        if (part.size() >= 2 && part[0] == name && part[1] == '=') {
            return part.substr(2);
        }
        text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    }
    return std::nullopt;
}

std::optional<unsigned> parse_iterations(std::string_view text) {
    unsigned number = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = code == std::errc{} && end == text.data() + text.size();
    return whole && number > 0 && number <= iterations_max ? std::optional{number} : std::nullopt;
}

Digest combine(Digest left, const Digest& right) {
    for (std::size_t at = 0; at < left.size(); ++at) {
        left[at] = static_cast<char>(left[at] ^ right[at]);
    }
    return left;
}

}  // namespace

ScramClient::ScramClient(
    std::string user, std::string password, std::string authzid, std::string nonce
)
    : user_{quote(user)},
      password_{std::move(password)},
      authzid_{quote(authzid)},
      nonce_{std::move(nonce)} {}

std::string ScramClient::header() const {
    return authzid_.empty() ? "n,," : "n,a=" + authzid_ + ",";
}

std::string ScramClient::first() const {
    return header() + "n=" + user_ + ",r=" + nonce_;
}

Result<std::string> ScramClient::on_server_first(std::string_view text) {
    const auto nonce = attribute(text, 'r');
    const auto salt_text = attribute(text, 's');
    const auto count_text = attribute(text, 'i');
    const auto iterations = count_text ? parse_iterations(*count_text) : std::nullopt;
    if (!nonce || !salt_text || !iterations) {
        return Error{Errc::corrupt, "the server's SCRAM challenge cannot be understood"};
    }
    if (!nonce->starts_with(nonce_) || nonce->size() == nonce_.size()) {
        return Error{Errc::corrupt, "the server's SCRAM challenge is for another client"};
    }
    SIDING_ASSIGN(const std::string salt, from_base64(*salt_text));
    const Digest salted = pbkdf2_sha256(password_, salt, *iterations);
    const Digest client_key = hmac_sha256(salted, "Client Key");
    std::string without_proof = "c=" + to_base64(header()) + ",r=" + std::string{*nonce};
    const std::string message =
        "n=" + user_ + ",r=" + nonce_ + "," + std::string{text} + "," + without_proof;
    const Digest proof = combine(client_key, hmac_sha256(sha256(client_key), message));
    server_signature_ = hmac_sha256(hmac_sha256(salted, "Server Key"), message);
    return without_proof + ",p=" + to_base64(proof);
}

Result<void> ScramClient::on_server_final(std::string_view text) const {
    const auto signature = attribute(text, 'v');
    if (!signature || server_signature_.empty() ||
        !is_same_secret(*signature, to_base64(server_signature_))) {
        return Error{
            Errc::invalid_argument,
            "the server does not know the password: it is not the one it says it is"};
    }
    return {};
}

}  // namespace siding::backfill
