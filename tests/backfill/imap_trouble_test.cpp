// What servers say, word for word, and what becomes of it.
#include "backfill/imap_trouble.hpp"

#include "tests/backfill/imap_text.hpp"

#include <gtest/gtest.h>

#include <array>

namespace siding::backfill {
namespace {

using namespace std::chrono_literals;
using enum Trouble;
using Stage = ImapStage;

struct Row {
    const char* line;
    Stage stage;
    Trouble expected;
    bool is_retryable = false;
};

TEST(ImapTrouble, Sentences) {
    const Row rows[] = {
        // Microsoft 365, Exchange
        {"a1 NO LOGIN failed.", Stage::login, authentication},
        {"a1 NO AUTHENTICATE failed.", Stage::login, authentication},
        {"a1 BAD User is authenticated but not connected.", Stage::select, authentication},
        {"a1 BAD Request is throttled. Suggested Backoff Time: 299894 milliseconds",
         Stage::fetch,
         throttled,
         true},
        {"a1 BAD Command Argument Error. 11", Stage::append, bad_message},
        {"a1 BAD Command Argument Error. 11", Stage::fetch, other},
        {"* BYE Session invalidated - AccessTokenExpired", Stage::append, expired_token, true},
        {"a1 NO Folder name is reserved.", Stage::create, bad_name},
        {"a1 NO Mailbox already exists.", Stage::create, already_exists},
        {"* BYE Connection is closed. 13", Stage::fetch, Trouble::bye, true},
        {"a1 NO Server Unavailable. 15", Stage::login, unavailable, true},
        // Google
        {"a1 NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)",
         Stage::login,
         authentication},
        {"a1 NO [ALERT] Please log in via your web browser: https://x",
         Stage::login,
         authentication},
        {"a1 NO [ALERT] Application-specific password required: https://x",
         Stage::login,
         authentication},
        {"a1 NO [ALERT] Too many simultaneous connections. (Failure)",
         Stage::login,
         too_many_connections,
         true},
        {"* BYE [ALERT] Account exceeded command or bandwidth limits. (Failure)",
         Stage::fetch,
         throttled,
         true},
        {"a1 NO [OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)",
         Stage::fetch,
         throttled,
         true},
        {"a1 NO [OVERQUOTA] Over quota", Stage::append, over_quota},
        {"* BYE Invalid character in literal", Stage::append, bad_message},
        {"a1 NO [CANNOT] Folder contains excess whitespace (Failure)", Stage::create, bad_name},
        {"a1 NO [NONEXISTENT] Unknown Mailbox: [Gmail] (Failure)", Stage::select, no_such_mailbox},
        {"* BYE Session expired, please login again.", Stage::fetch, Trouble::bye, true},
        {"a1 NO [THROTTLED] slow down", Stage::fetch, throttled, true},
        // Yahoo
        {"a1 NO [LIMIT] UID FETCH Rate limit hit.", Stage::fetch, throttled, true},
        {"a1 NO [UNAVAILABLE] UID FETCH Server error - Please try again later",
         Stage::fetch,
         unavailable,
         true},
        {"a1 BAD [CLIENTBUG] Additional arguments found after last expected argument",
         Stage::append,
         bad_message},
        {"a1 NO [AUTHENTICATIONFAILED] LOGIN Invalid credentials", Stage::login, authentication},
        {"a1 NO [LIMIT] too much", Stage::login, too_many_connections, true},
        // Dovecot
        {"a1 NO [AUTHENTICATIONFAILED] Authentication failed.", Stage::login, authentication},
        {"a1 NO [UNAVAILABLE] Temporary authentication failure. [h:2026]",
         Stage::login,
         unavailable,
         true},
        {"a1 NO [PRIVACYREQUIRED] Plaintext authentication disallowed on non-secure connections.",
         Stage::login,
         authorization},
        {"* BYE Maximum number of connections from user+IP exceeded "
         "(mail_max_userip_connections=10)",
         Stage::login,
         too_many_connections,
         true},
        {"a1 NO [OVERQUOTA] Quota exceeded (mailbox for user is full)", Stage::append, over_quota},
        {"a1 NO [TRYCREATE] Mailbox doesn't exist: x", Stage::append, no_such_mailbox},
        {"a1 NO Mailbox doesn't allow inferior mailboxes", Stage::create, bad_name},
        {"a1 NO [CANNOT] Invalid mailbox name: Name must not have '/' characters",
         Stage::create,
         bad_name},
        {"a1 NO [ALREADYEXISTS] Mailbox already exists", Stage::create, already_exists},
        {"a1 NO [INUSE] Timeout while waiting for lock", Stage::append, in_use, true},
        {"a1 NO [SERVERBUG] Internal error occurred. Refer to server log for more information.",
         Stage::append,
         server_bug,
         true},
        {"a1 BAD Invalid system flag \\FORWARDED", Stage::append, bad_flag},
        {"a1 NO [NOPERM] Permission denied", Stage::append, authorization},
        {"a1 BAD Literal size too large", Stage::append, too_big},
        {"* BYE Disconnected for inactivity.", Stage::other, Trouble::bye, true},
        // Cyrus
        {"a1 NO Message contains NUL characters", Stage::append, bad_message},
        {"a1 NO Message contains bare newlines", Stage::append, bad_message},
        {"a1 NO Message contains non-ASCII characters in headers", Stage::append, bad_message},
        {"a1 NO Message contains invalid header", Stage::append, bad_message},
        {"a1 NO Over quota", Stage::append, over_quota},
        {"a1 NO Mailbox does not exist", Stage::select, no_such_mailbox},
        {"a1 NO Permission denied", Stage::create, authorization},
        {"a1 NO Too many user flags in mailbox", Stage::store, bad_flag},
        {"a1 NO [LIMIT] no more", Stage::store, bad_flag},
        {"a1 NO [TOOBIG] Message size exceeds fixed limit", Stage::append, too_big},
        {"a1 NO System I/O error", Stage::append, server_bug, true},
        {"a1 NO Login only available under a layer", Stage::login, authorization},
        {"a1 NO Invalid mailbox name", Stage::create, bad_name},
        // Courier
        {"a1 NO Login failed.", Stage::login, authentication},
        {"a1 NO [ALERT] You exceeded your mail quota.", Stage::append, over_quota},
        {"* BYE [ALERT] Maximum connection limit reached for 127.0.0.1",
         Stage::login,
         too_many_connections,
         true},
        {"a1 NO Unable to open this mailbox.", Stage::select, no_such_mailbox},
        // others
        {"a1 NO SELECT Unsafe Login. Please contact kefu@188.com for help",
         Stage::select,
         authorization},
        {"a1 NO account is locked, try again later", Stage::login, authentication},
        {"a1 NO", Stage::login, authentication},
        {"a1 NO", Stage::append, other},
        {"a1 BAD", Stage::login, other},
        {"* BYE", Stage::login, Trouble::bye, true},
        {"a1 NO [CORRUPTION] bad index", Stage::select, server_bug, false},
        {"a1 NO [EXPUNGEISSUED] gone", Stage::fetch, other, true},
        {"a1 NO [EXPIRED] change it", Stage::login, authentication},
        {"a1 NO [CANNOT] no", Stage::append, bad_message},
        {"a1 NO [CANNOT] no", Stage::select, other},
        {"a1 NO [READ-ONLY] no", Stage::store, read_only},
    };
    for (const Row& row : rows) {
        const Judged judged = judge(read_one(std::string{row.line} + "\r\n"), row.stage);
        EXPECT_EQ(name(judged.trouble), name(row.expected)) << row.line;
        EXPECT_EQ(judged.is_retryable, row.is_retryable) << row.line;
    }
}

Judged fetched(const std::string& line) {
    return judge(read_one(line + "\r\n"), Stage::fetch);
}

TEST(ImapTrouble, BackOff) {
    const std::string asked = "a1 BAD Request is throttled. Suggested Backoff Time: ";
    EXPECT_EQ(fetched(asked + "299894 milliseconds").back_off, 299894ms);
    EXPECT_EQ(fetched(asked + "20 seconds").back_off, 20s);
    EXPECT_EQ(fetched(asked + "4294967295 milliseconds").back_off, 1h);
    EXPECT_EQ(fetched(asked + "4294967295 seconds").back_off, 1h);
    EXPECT_EQ(fetched(asked + "99999999999 seconds").back_off, 1min);
    EXPECT_EQ(fetched(asked + "soon").back_off, 1min);
    EXPECT_EQ(fetched("a1 NO no").back_off, std::nullopt);
}

TEST(ImapTrouble, Words) {
    EXPECT_EQ(fetched("a1 NO [ALERT] a\x01 b").words, "[ALERT] a\\x01 b");
    EXPECT_EQ(fetched("a1 NO no").words, "no");
    EXPECT_LT(fetched("a1 NO " + std::string(5000, 'x')).words.size(), 300U);
}

}  // namespace
}  // namespace siding::backfill
