// The device flow (RFC 8628): a user is shown an address and a code, says yes there with a browser
// of his own, and we get a refresh token for it. One at a time for each side of an account; it goes
// on by itself until it is granted, denied or too late. Codes that are worth something never leave
// this class; the one for the user is for whoever asked.
//
// Thread-safe.
#pragma once

#include "backfill/token_source.hpp"
#include "net/task_group.hpp"

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace siding::backfill {

struct Authorization {
    enum class State { waiting, done, denied, expired, failed };

    Authorization() = default;  // no aggregate: net/asio.hpp

    State state = State::waiting;
    std::string account;
    Side side = Side::source;
    std::string verification_uri;
    std::string verification_uri_complete;  // may be empty
    std::string user_code;
    WallTime expires_at;
    std::string words;  // why it has failed
};

std::string_view to_text(Authorization::State state);

// Which of his logins `side` means; Side::account: the only one that has a device endpoint.
// Errc::invalid_argument says what to do where there is none, or there are two.
Result<Login> login_to_authorize(const Account& account, Side side);

class DeviceFlows {
public:
    struct Parts {
        TokenSource& tokens;  // outlives it, as all of it
        net::asio::any_io_executor io;
        net::asio::any_io_executor blocking;
        const Clock& clock;
    };

    explicit DeviceFlows(Parts parts);

    // Asks for a code, and begins to wait for the user. One that is under way for the same login
    // ends.
    net::awaitable<Result<Authorization>> begin(Login login);
    // Errc::not_found: none was begun since the start.
    Result<Authorization> find(const Login& login) const;

    net::awaitable<void> stop();

private:
    struct Flow {
        Authorization shown;
        std::uint64_t number = 0;
    };
    // What one waits with.
    struct Wait {
        Wait() = default;  // no aggregate: net/asio.hpp

        Login login;
        DeviceCode code;
        std::uint64_t number = 0;
    };
    enum class Poll { again, slower, over };

    static std::pair<std::string, Side> key_of(const Login& login);
    static net::awaitable<void> wait(DeviceFlows& self, Wait what);
    net::awaitable<Poll> poll(const Wait& what, const std::string& client_secret);
    net::awaitable<Poll> take(const Wait& what, TokenAnswer answer);
    bool is_current(const Wait& what) const;
    void end(const Wait& what, Authorization::State state, const std::string& words = "");

    Parts parts_;
    net::TaskGroup tasks_;
    mutable std::mutex guard_;
    std::map<std::pair<std::string, Side>, Flow> flows_;
    std::uint64_t numbers_ = 0;
};

}  // namespace siding::backfill
