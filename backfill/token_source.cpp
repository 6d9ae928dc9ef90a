#include "backfill/token_source.hpp"

#include "backfill/limits.hpp"
#include "backfill/token_endpoint.hpp"
#include "base/bytes.hpp"
#include "base/log.hpp"
#include "net/run_on.hpp"
#include "net/shielded.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;
using std::chrono::milliseconds;

const Logger log{"backfill"};

std::string name_of(const Login& login) {
    return fmt::format("{} ({})", escape(login.account), to_text(login.side));
}

// What a person can do about it.
std::string advice(const TokenRefusal& refusal, const Login& login, bool has_refresh) {
    if (refusal.code == "invalid_grant" && has_refresh) {
        if (!login.tokens->device_endpoint.empty()) {
            return "authorize again: " + authorize_command(login);
        }
        return "it needs a new refresh token in " + format_secret(login.secret);
    }
    if (refusal.code == "invalid_client" || refusal.code == "unauthorized_client") {
        return fmt::format(
            "client_id {} or its secret is not what is registered there",
            escape(login.tokens->client_id)
        );
    }
    if (refusal.code == "invalid_scope") {
        return fmt::format("the scope is \"{}\"", escape(login.tokens->scope));
    }
    return "";
}

Error explain(const TokenRefusal& refusal, const Login& login, bool has_refresh) {
    std::string words = fmt::format("no access token for {}: {}", name_of(login), refusal.words);
    const std::string more = advice(refusal, login, has_refresh);
    if (!more.empty()) {
        words += "; " + more;
    }
    return {refusal.is_retryable ? Errc::unavailable : Errc::conflict, std::move(words)};
}

}  // namespace

std::string authorize_command(const Login& login) {
    return fmt::format(
        "siding backfill accounts authorize {} --side {}",
        escape(login.account),
        to_text(login.side)
    );
}

struct TokenSource::Entry {
    net::AsyncMutex turn;
    // The rest under guard_.
    std::string on_disk;  // the refresh token as find() gave it
    std::string refresh;  // the newest one: another than `on_disk` where that could not be written
    std::string token;    // empty: none
    WallTime got_at;
    WallTime good_until;
    std::uint64_t failures = 0;
    std::optional<Error> failure;
};

TokenSource::TokenSource(Parts parts) : parts_{std::move(parts)}, store_{parts_.directory} {}

TokenSource::~TokenSource() = default;

// Somebody may have put another refresh token there: what the old one gave counts no more.
std::shared_ptr<TokenSource::Entry> TokenSource::entry_of(const StoredToken& stored) {
    auto& entry = entries_[stored.key];
    if (!entry) {
        entry = std::make_shared<Entry>();
        entry->on_disk = stored.refresh;
        entry->refresh = stored.refresh;
    }
    if (entry->on_disk != stored.refresh) {
        entry->on_disk = stored.refresh;
        entry->refresh = stored.refresh;
        entry->token.clear();
    }
    return entry;
}

bool TokenSource::is_usable(const Entry& entry) const {
    const WallTime now = parts_.clock.now();
    return !entry.token.empty() && now >= entry.got_at && now < entry.good_until;
}

void TokenSource::put(Entry& entry, const TokenAnswer& answer) {
    // One that lives for a minute is used for most of it.
    const milliseconds lifetime = answer.lifetime;
    const milliseconds margin = std::min<milliseconds>(limits::token_margin_max, lifetime / 5);
    entry.token = answer.access_token;
    entry.got_at = parts_.clock.now();
    entry.good_until = entry.got_at + lifetime - margin;
    entry.failure.reset();
}

awaitable<Result<StoredToken>> TokenSource::find(const Login& login) {
    auto look = [this, &login] { return store_.find(login); };
    auto found = co_await net::run_on(parts_.blocking, look);
    if (!found && found.error().is(Errc::not_found) && !login.tokens->device_endpoint.empty()) {
        co_return Error{
            Errc::conflict,
            fmt::format(
                "{}; to get a refresh token: {}", found.error().message(), authorize_command(login)
            )};
    }
    co_return found;
}

awaitable<Result<TokenSource::Taken>> TokenSource::take(Login login) {
    SIDING_CO_ASSIGN(StoredToken stored, co_await find(login));
    std::shared_ptr<Entry> entry;
    std::uint64_t failures = 0;
    Taken taken;
    taken.key = stored.key;
    {
        const std::lock_guard lock{guard_};
        entry = entry_of(stored);
        failures = entry->failures;
        if (is_usable(*entry)) {
            taken.token = entry->token;
            co_return taken;
        }
    }
    SIDING_CO_ASSIGN(const net::AsyncMutex::Lock turn, co_await entry->turn.lock());
    // It may have been got, or refused, by whoever had his turn before.
    SIDING_CO_ASSIGN(stored, co_await find(login));
    {
        const std::lock_guard lock{guard_};
        if (stored.key == taken.key) {
            static_cast<void>(entry_of(stored));
        }
        if (is_usable(*entry)) {
            taken.token = entry->token;
            co_return taken;
        }
        if (entry->failures != failures && entry->failure) {
            co_return *entry->failure;
        }
    }
    // An answer that is lost may have a refresh token in it without which nothing goes on.
    auto asking = net::shielded(ask(*this, entry, std::move(login)));
    auto asked = co_await std::move(asking);
    if (asked) {
        asked->key = taken.key;
    }
    co_return asked;
}

awaitable<Result<TokenSource::Taken>> TokenSource::ask(
    TokenSource& self, std::shared_ptr<Entry> entry, Login login
) {
    std::string refresh;
    {
        const std::lock_guard lock{self.guard_};
        refresh = entry->refresh;
    }
    auto answer = co_await ask_with(self, login, refresh);
    if (!answer) {
        const std::lock_guard lock{self.guard_};
        ++entry->failures;
        entry->failure = answer.error();
        co_return answer.error();
    }
    if (!answer->refresh_token.empty() && !refresh.empty() && answer->refresh_token != refresh) {
        co_await self.keep_rotated(entry, login, answer->refresh_token);
    }
    log.info(
        "token_got",
        {{"account", login.account},
         {"side", to_text(login.side)},
         {"grant", refresh.empty() ? "client_credentials" : "refresh_token"},
         {"seconds", answer->lifetime.count()}}
    );
    Taken taken;
    taken.token = answer->access_token;
    taken.is_fresh = true;
    const std::lock_guard lock{self.guard_};
    self.put(*entry, *answer);
    co_return taken;
}

awaitable<Result<TokenAnswer>> TokenSource::ask_with(
    TokenSource& self, Login login, std::string refresh
) {
    const config::TokenSource& tokens = *login.tokens;
    auto read = [&tokens] { return read_client_secret(tokens); };
    auto client_secret = co_await net::run_on(self.parts_.blocking, read);
    if (!client_secret) {
        co_return with_context(std::move(client_secret).error(), "the client's secret");
    }
    std::string form = format_form(
        {{"grant_type", refresh.empty() ? "client_credentials" : "refresh_token"},
         {"refresh_token", refresh},
         {"client_id", tokens.client_id},
         {"client_secret", *client_secret},
         {"scope", tokens.scope}}
    );
    auto asked =
        co_await ask_endpoint(tokens.endpoint, tokens, std::move(form), self.parts_.blocking);
    if (!asked) {
        co_return with_context(std::move(asked).error(), "no access token for " + name_of(login));
    }
    const Secrets sent{refresh, *client_secret};
    TokenReply reply = read_token_reply(*asked, sent);
    if (const auto* refusal = std::get_if<TokenRefusal>(&reply)) {
        co_return explain(*refusal, login, !refresh.empty());
    }
    co_return std::get<TokenAnswer>(std::move(reply));
}

awaitable<void> TokenSource::keep_rotated(
    std::shared_ptr<Entry> entry, const Login& login, const std::string& refresh
) {
    auto write = [this, &login, &refresh]() -> Result<StoredToken> {
        SIDING_TRY(store_.keep(login, refresh));
        return store_.find(login);
    };
    const auto kept = co_await net::run_on(parts_.blocking, write);
    if (!kept) {
        log.error(
            "refresh_token_not_kept",
            {{"account", login.account}, {"side", to_text(login.side)}, {"reason", kept.error()}}
        );
    }
    const std::lock_guard lock{guard_};
    entry->refresh = refresh;
    entry->on_disk = kept ? kept->refresh : entry->on_disk;
}

void TokenSource::drop(const Taken& taken) {
    const std::lock_guard lock{guard_};
    const auto found = entries_.find(taken.key);
    if (found != entries_.end() && found->second->token == taken.token) {
        found->second->token.clear();
    }
}

awaitable<Result<void>> TokenSource::keep(Login login, TokenAnswer answer) {
    auto write = [this, &login, &answer]() -> Result<StoredToken> {
        SIDING_TRY(store_.keep(login, answer.refresh_token));
        return store_.find(login);
    };
    SIDING_CO_ASSIGN(const StoredToken stored, co_await net::run_on(parts_.blocking, write));
    const std::lock_guard lock{guard_};
    put(*entry_of(stored), answer);
    co_return Result<void>{};
}

}  // namespace siding::backfill
