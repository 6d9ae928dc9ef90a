// The access tokens of XOAUTH2 and OAUTHBEARER: asked of the endpoint with the login's refresh
// token (RFC 6749 §6) or in the client's own name (§4.4), kept in memory until shortly before their
// end. Logins that share a secret share the token, and ask one after the other: an endpoint that
// gives a new refresh token each time would take two at once for theft.
//
// Thread-safe. No token gets into an error or the log.
#pragma once

#include "backfill/account.hpp"
#include "backfill/token_answer.hpp"
#include "backfill/token_store.hpp"
#include "base/clock.hpp"
#include "net/asio.hpp"
#include "net/async_mutex.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace siding::backfill {

class TokenSource {
public:
    struct Parts {
        net::asio::any_io_executor blocking;
        const Clock& clock;  // outlives it
        std::filesystem::path directory;
    };

    struct Taken {
        Taken() = default;  // no aggregate: net/asio.hpp

        std::string token;
        std::string key;
        bool is_fresh = false;  // asked for just now
    };

    explicit TokenSource(Parts parts);
    ~TokenSource();
    TokenSource(const TokenSource&) = delete;
    TokenSource& operator=(const TokenSource&) = delete;

    // Of a login that needs_token(). Errc::conflict: the endpoint refuses us, and a person has to
    // do something; the words say what. Errc::unavailable: it may give one later. Asks once: who
    // waited while another asked gets that answer, good or bad.
    net::awaitable<Result<Taken>> take(Login login);

    // The server does not take it: the next take() asks anew.
    void drop(const Taken& taken);

    // What a user has given us by authorizing.
    net::awaitable<Result<void>> keep(Login login, TokenAnswer answer);

private:
    struct Entry;

    std::shared_ptr<Entry> entry_of(const StoredToken& stored);
    bool is_usable(const Entry& entry) const;
    void put(Entry& entry, const TokenAnswer& answer);
    net::awaitable<Result<StoredToken>> find(const Login& login);
    static net::awaitable<Result<Taken>> ask(
        TokenSource& self, std::shared_ptr<Entry> entry, Login login
    );
    static net::awaitable<Result<TokenAnswer>> ask_with(
        TokenSource& self, Login login, std::string refresh
    );
    net::awaitable<void> keep_rotated(
        std::shared_ptr<Entry> entry, const Login& login, const std::string& refresh
    );

    Parts parts_;
    TokenStore store_;
    mutable std::mutex guard_;
    std::map<std::string, std::shared_ptr<Entry>> entries_;  // by StoredToken::key
};

// "siding backfill accounts authorize ann --side source"
std::string authorize_command(const Login& login);

}  // namespace siding::backfill
