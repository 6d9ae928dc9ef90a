#include "backfill/token_device.hpp"

#include "backfill/limits.hpp"
#include "backfill/token_endpoint.hpp"
#include "base/bytes.hpp"
#include "base/log.hpp"
#include "net/run_on.hpp"
#include "net/shielded.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <fmt/format.h>

namespace siding::backfill {
namespace {

using net::awaitable;
using State = Authorization::State;

const Logger log{"backfill"};

// Of the source first; neither where both have one.
const Login* only_one(const Account& account) {
    const auto has = [](const Login& login) {
        return login.needs_token() && !login.tokens->device_endpoint.empty();
    };
    const bool is_source = has(account.source);
    if (is_source == has(account.destination)) {
        return nullptr;
    }
    return is_source ? &account.source : &account.destination;
}

}  // namespace

std::string_view to_text(State state) {
    switch (state) {
    case State::waiting:
        return "waiting";
    case State::done:
        return "done";
    case State::denied:
        return "denied";
    case State::expired:
        return "expired";
    case State::failed:
        return "failed";
    }
    return "failed";
}

Result<Login> login_to_authorize(const Account& account, Side side) {
    const Login* login = side == Side::source        ? &account.source
                         : side == Side::destination ? &account.destination
                                                     : only_one(account);
    if (login == nullptr && account.source.needs_token() && account.destination.needs_token() &&
        !account.source.tokens->device_endpoint.empty()) {
        return Error{
            Errc::invalid_argument,
            fmt::format(
                "{} can be authorized on both sides; say which one: --side source or --side "
                "destination",
                escape(account.name)
            )};
    }
    if (login == nullptr || !login->needs_token() || login->tokens->device_endpoint.empty()) {
        return Error{
            Errc::invalid_argument,
            fmt::format(
                "{}{} has no device endpoint; tokens.device_endpoint in the configuration or the "
                "column token_device_endpoint of the accounts file names it",
                escape(account.name),
                login == nullptr ? "" : fmt::format(" ({})", to_text(side))
            )};
    }
    return *login;
}

DeviceFlows::DeviceFlows(Parts parts)
    : parts_{std::move(parts)}, tasks_{parts_.io, "authorize", limits::device_flows_max} {}

std::pair<std::string, Side> DeviceFlows::key_of(const Login& login) {
    return {login.account, login.side};
}

awaitable<Result<Authorization>> DeviceFlows::begin(Login login) {
    const config::TokenSource& tokens = *login.tokens;
    auto read = [&tokens] { return read_client_secret(tokens); };
    SIDING_CO_ASSIGN(const std::string secret, co_await net::run_on(parts_.blocking, read));
    // RFC 8628 §3.1: a confidential client shows who it is here, too.
    std::string form = format_form(
        {{"client_id", tokens.client_id}, {"client_secret", secret}, {"scope", tokens.scope}}
    );
    SIDING_CO_ASSIGN(
        const net::HttpReply reply,
        co_await ask_endpoint(tokens.device_endpoint, tokens, std::move(form), parts_.blocking)
    );
    const Secrets sent{secret};
    DeviceReply answer = read_device_reply(reply, sent);
    if (const auto* refusal = std::get_if<TokenRefusal>(&answer)) {
        co_return Error{
            refusal->is_retryable ? Errc::unavailable : Errc::conflict,
            fmt::format("no code for {}: {}", escape(login.account), refusal->words)};
    }
    Wait what;
    what.login = std::move(login);
    what.code = std::get<DeviceCode>(std::move(answer));
    Authorization shown;
    shown.account = what.login.account;
    shown.side = what.login.side;
    shown.verification_uri = what.code.verification_uri;
    shown.verification_uri_complete = what.code.verification_uri_complete;
    shown.user_code = what.code.user_code;
    shown.expires_at = parts_.clock.now() + what.code.lifetime;
    {
        const std::lock_guard lock{guard_};
        what.number = ++numbers_;
        flows_[key_of(what.login)] = Flow{shown, what.number};
    }
    log.info("authorization_begun", {{"account", shown.account}, {"side", to_text(shown.side)}});
    auto waiting = wait(*this, std::move(what));
    SIDING_CO_TRY(tasks_.spawn(std::move(waiting)));
    co_return shown;
}

Result<Authorization> DeviceFlows::find(const Login& login) const {
    const std::lock_guard lock{guard_};
    const auto found = flows_.find(key_of(login));
    if (found == flows_.end()) {
        return Error{
            Errc::not_found,
            fmt::format("nobody has begun to authorize {}", escape(login.account))};
    }
    return found->second.shown;
}

bool DeviceFlows::is_current(const Wait& what) const {
    const std::lock_guard lock{guard_};
    const auto found = flows_.find(key_of(what.login));
    return found != flows_.end() && found->second.number == what.number;
}

void DeviceFlows::end(const Wait& what, State state, const std::string& words) {
    log.info(
        "authorization_ended",
        {{"account", what.login.account},
         {"side", to_text(what.login.side)},
         {"state", to_text(state)},
         {"reason", words}}
    );
    const std::lock_guard lock{guard_};
    Flow& flow = flows_[key_of(what.login)];
    if (flow.number == what.number) {
        flow.shown.state = state;
        flow.shown.words = words;
        flow.shown.user_code.clear();
        flow.shown.verification_uri_complete.clear();
    }
}

awaitable<void> DeviceFlows::wait(DeviceFlows& self, Wait what) {
    auto executor = co_await net::asio::this_coro::executor;
    net::asio::steady_timer timer{executor};
    const auto end = std::chrono::steady_clock::now() + what.code.lifetime;
    std::chrono::seconds interval = what.code.interval;
    auto read = [&what] { return read_client_secret(*what.login.tokens); };
    const auto client_secret = co_await net::run_on(self.parts_.blocking, read);
    if (!client_secret) {
        self.end(what, State::failed, client_secret.error().message());
        co_return;
    }
    for (;;) {
        timer.expires_after(interval);
        const auto [code] = co_await timer.async_wait(net::use_result);
        if (code || !self.is_current(what)) {
            co_return;
        }
        if (std::chrono::steady_clock::now() >= end) {
            self.end(what, State::expired, "nobody has typed the code in in time");
            co_return;
        }
        auto polling = net::shielded(self.poll(what, *client_secret));
        switch (co_await std::move(polling)) {
        case Poll::again:
            break;
        case Poll::slower:
            interval = std::min<std::chrono::seconds>(
                interval + limits::device_slow_down, limits::device_interval_max
            );
            break;
        case Poll::over:
            co_return;
        }
    }
}

// RFC 8628 §3.4, §3.5.
awaitable<DeviceFlows::Poll> DeviceFlows::poll(const Wait& what, const std::string& client_secret) {
    const config::TokenSource& tokens = *what.login.tokens;
    std::string form = format_form(
        {{"grant_type", "urn:ietf:params:oauth:grant-type:device_code"},
         {"device_code", what.code.device_code},
         {"client_id", tokens.client_id},
         {"client_secret", client_secret}}
    );
    auto asked = co_await ask_endpoint(tokens.endpoint, tokens, std::move(form), parts_.blocking);
    if (!asked) {
        if (asked.error().is(Errc::unavailable)) {
            co_return Poll::slower;
        }
        end(what, State::failed, asked.error().message());
        co_return Poll::over;
    }
    const Secrets sent{what.code.device_code, client_secret};
    TokenReply reply = read_token_reply(*asked, sent);
    if (auto* answer = std::get_if<TokenAnswer>(&reply)) {
        auto taken = co_await take(what, std::move(*answer));
        co_return taken;
    }
    const auto& refusal = std::get<TokenRefusal>(reply);
    if (refusal.code == "authorization_pending") {
        co_return Poll::again;
    }
    if (refusal.code == "slow_down" || refusal.is_retryable) {
        co_return Poll::slower;
    }
    if (refusal.code == "access_denied" || refusal.code == "authorization_declined") {
        end(what, State::denied, refusal.words);
    } else if (refusal.code == "expired_token") {
        end(what, State::expired, "nobody has typed the code in in time");
    } else {
        end(what, State::failed, refusal.words);
    }
    co_return Poll::over;
}

awaitable<DeviceFlows::Poll> DeviceFlows::take(const Wait& what, TokenAnswer answer) {
    if (answer.refresh_token.empty()) {
        end(what,
            State::failed,
            "the endpoint gave no refresh token; many give one only for the scope offline_access");
        co_return Poll::over;
    }
    const auto kept = co_await parts_.tokens.keep(what.login, std::move(answer));
    if (kept) {
        end(what, State::done);
    } else {
        end(what, State::failed, kept.error().message());
    }
    co_return Poll::over;
}

awaitable<void> DeviceFlows::stop() {
    tasks_.cancel();
    co_await tasks_.join();
}

}  // namespace siding::backfill
