// Governor: what servers say against us, and what it makes of it.
#include "backfill/governor.hpp"
#include "base/bytes.hpp"
#include "base/log.hpp"

#include <algorithm>

namespace siding::backfill {
namespace {

using namespace std::chrono_literals;

const Logger log{"backfill"};

constexpr std::chrono::milliseconds known_wait = 1min;  // where the server names none
constexpr std::chrono::milliseconds unavailable_wait = 2s;
constexpr std::chrono::milliseconds wait_max = 1h;
constexpr std::chrono::milliseconds same_trouble = 10min;  // after the end of the last one
constexpr std::chrono::milliseconds others_too = 1min;

// "authenticated but not connected" of somebody who is logged in elsewhere means this; of somebody
// else it may be the password.
constexpr std::string_view microsoft_words = "authenticated but not connected";

// It counts the connections of each user, and says so.
bool is_about_user(std::string_view words) {
    const std::string text = to_lower(words);
    return text.find("userip") != std::string::npos || text.find("user+ip") != std::string::npos ||
           text.find("simultaneous connections") != std::string::npos ||
           text.find(microsoft_words) != std::string::npos;
}

}  // namespace

Trouble Governor::on_login_refused(const Place& place, Trouble trouble, std::string_view words) {
    const std::lock_guard lock{mutex_};
    if (trouble == Trouble::authentication &&
        to_lower(words).find(microsoft_words) != std::string::npos &&
        user_of(host_of(place), place).connections > 0) {
        trouble = Trouble::too_many_connections;
    }
    ImapResponse response;
    response.condition = ImapCondition::no;
    response.text = words;
    Judged judged = judge(response, ImapStage::login);
    judged.trouble = trouble;
    judged.words = words;  // escaped already
    react(place, judged, ImapStage::login);
    return trouble;
}

void Governor::on_trouble(const Place& place, const Judged& judged, ImapStage stage) {
    const std::lock_guard lock{mutex_};
    react(place, judged, stage);
}

// What a server cannot do at the moment with one message is no sign of too much work: only words
// about the amount are.
void Governor::react(const Place& place, const Judged& judged, ImapStage stage) {
    if (judged.trouble == Trouble::too_many_connections) {
        on_too_many(place, judged);
    } else if (judged.trouble == Trouble::throttled) {
        on_throttled(place, judged);
    } else if (judged.trouble == Trouble::unavailable && stage == ImapStage::login) {
        on_unavailable(place, judged.words);
    }
}

// One that still has connections goes on with them. Otherwise somebody else has them, and time must
// pass.
void Governor::on_too_many(const Place& place, const Judged& judged) {
    const WallTime now = clock_.now();
    Host& host = host_of(place);
    User& user = user_of(host, place);
    ++host.refusals;
    host.words = judged.words;
    if (user.connections > 0) {
        user.limit.on_too_many(user.connections, now);
    } else if (is_about_user(judged.words)) {
        keep_away(user.rest, judged.back_off.value_or(known_wait), judged.words);
    } else {
        host.limit.on_too_many(host.connections, now);
        if (host.connections == 0) {
            keep_away(host.rest, judged.back_off.value_or(known_wait), judged.words);
        }
    }
    log.info(
        "too_many_connections",
        {{"host", place.host},
         {"user", place.user},
         {"host_limit", host.limit.value()},
         {"user_limit", user.limit.value()},
         {"reason", judged.words}}
    );
}

// Servers count each user's work. Where several are told so at once, it is the server that has too
// much.
void Governor::on_throttled(const Place& place, const Judged& judged) {
    const WallTime now = clock_.now();
    Host& host = host_of(place);
    User& user = user_of(host, place);
    ++host.throttles;
    host.words = judged.words;
    user.limit.on_throttled(now);
    keep_away(user.rest, judged.back_off.value_or(known_wait), judged.words);
    if (!host.throttled_user.empty() && host.throttled_user != place.user &&
        now - host.throttled_at < others_too) {
        host.limit.on_throttled(now);
    }
    host.throttled_user = place.user;
    host.throttled_at = now;
    log.info(
        "throttled",
        {{"host", place.host},
         {"user", place.user},
         {"until", format_time(user.rest.until)},
         {"reason", judged.words}}
    );
}

void Governor::on_unavailable(const Place& place, std::string_view words) {
    Host& host = host_of(place);
    host.words = words;
    host.limit.on_throttled(clock_.now());
    keep_away(host.rest, unavailable_wait, words);
}

// As long as the server says; where it does not, longer each time that it has to say it again.
void Governor::keep_away(Resting& rest, std::chrono::milliseconds known, std::string_view words)
    const {
    const WallTime now = clock_.now();
    const auto named = named_back_off(words);
    if (named) {
        known = *named;
    } else if (rest.until > now) {
        return;  // another word about the same
    } else if (rest.until != WallTime{} && now - rest.until < same_trouble) {
        known = std::min(std::max(2 * rest.last, known), wait_max);
    }
    rest.last = known;
    rest.until = std::max(rest.until, now + known);
    rest.words = words;
}

}  // namespace siding::backfill
