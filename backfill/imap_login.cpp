#include "backfill/imap_login.hpp"

#include "backfill/scram.hpp"
#include "backfill/token_answer.hpp"
#include "base/base64.hpp"
#include "base/bytes.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <random>
#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

// RFC 5801 §4: saslname.
std::string format_sasl_name(std::string_view name) {
    std::string text;
    for (const char c : name) {
        text += c == ',' ? "=2C" : c == '=' ? "=3D" : std::string(1, c);
    }
    return text;
}

// The status in an error challenge of XOAUTH2 ("401") or OAUTHBEARER ("invalid_token", RFC 7628
// §3.2.2); empty where there is none.
std::string read_error_status(const std::string& challenge) {
    const auto text = from_base64(challenge);
    boost::json::error_code code;
    const boost::json::value value = text ? boost::json::parse(*text, code) : boost::json::value{};
    const boost::json::object* object = code ? nullptr : value.if_object();
    const boost::json::value* status = object == nullptr ? nullptr : object->if_contains("status");
    const boost::json::string* word = status == nullptr ? nullptr : status->if_string();
    return word == nullptr ? "" : std::string{word->data(), word->size()};
}

std::string make_nonce() {
    std::random_device device;
    std::string octets;
    for (int i = 0; i < 6; ++i) {
        const auto word = device();
        octets.append(reinterpret_cast<const char*>(&word), sizeof(word));
    }
    return to_base64(octets);  // no comma in it
}

class LogIn {
public:
    LogIn(
        ImapConnection& connection,
        ImapCapabilities& capabilities,
        std::optional<Trouble>& trouble,
        const ImapLoginNeeds& needs
    )
        : connection_{connection},
          capabilities_{capabilities},
          trouble_{trouble},
          login_{needs.login},
          secret_{needs.secret},
          tls_{needs.tls} {}

    awaitable<Result<void>> run();

private:
    awaitable<Result<void>> encrypt();
    awaitable<Result<void>> ask_capabilities();
    awaitable<Result<void>> identify();
    Result<Mechanism> choose() const;
    Result<Mechanism> choose_for_token() const;
    bool offers(std::string_view mechanism) const;
    awaitable<Result<void>> by_login();
    awaitable<Result<void>> by_one_message(std::string mechanism, std::string message);
    awaitable<Result<void>> by_scram();
    awaitable<Result<ImapResponse>> exchange(std::string mechanism, std::string first);
    awaitable<Result<void>> take_over();
    Result<void> accept(const ImapResponse& answer);

    bool are_told_ = false;     // the capabilities behind the login
    std::string sent_;          // secrets as they went over the line
    std::string error_status_;  // of XOAUTH2 and OAUTHBEARER
    ImapConnection& connection_;
    ImapCapabilities& capabilities_;
    std::optional<Trouble>& trouble_;
    const Login& login_;
    const std::string& secret_;
    std::shared_ptr<net::TlsClient> tls_;
};

awaitable<Result<void>> LogIn::run() {
    if (login_.tls == config::ImapTls::implicit) {
        SIDING_CO_TRY(co_await connection_.start_tls(tls_));
    }
    SIDING_CO_ASSIGN(const ImapResponse hello, co_await connection_.greeting());
    if (hello.condition == ImapCondition::preauth) {
        co_return Error{
            Errc::conflict, "the server has logged us in unasked, as somebody; that is not used"};
    }
    if (hello.condition != ImapCondition::ok) {
        trouble_ = judge(hello, ImapStage::login).trouble;
        co_return Error{Errc::unavailable, "greeting: " + escape(hello.text)};
    }
    if (!hello.is_code("CAPABILITY")) {
        SIDING_CO_TRY(co_await ask_capabilities());
    }
    if (login_.tls == config::ImapTls::starttls) {
        SIDING_CO_TRY(co_await encrypt());
    }
    SIDING_CO_TRY(co_await identify());
    SIDING_CO_ASSIGN(const Mechanism mechanism, choose());
    const std::string nul(1, '\0');
    Result<void> done;
    switch (mechanism) {
    case Mechanism::automatic:  // choose() has made one of it
    case Mechanism::login:
        done = co_await by_login();
        break;
    case Mechanism::plain: {  // RFC 4616
        const std::string authzid = login_.proxyauth ? "" : login_.authzid;
        std::string message = authzid + nul + login_.user + nul + secret_;
        done = co_await by_one_message("PLAIN", std::move(message));
        break;
    }
    case Mechanism::scram_sha_256:
        done = co_await by_scram();
        break;
    case Mechanism::xoauth2: {
        std::string message =
            "user=" + login_.user + "\x01" + "auth=Bearer " + secret_ + "\x01\x01";
        done = co_await by_one_message("XOAUTH2", std::move(message));
        break;
    }
    case Mechanism::oauthbearer: {  // RFC 7628 §3.1
        const bool is_for_another = !login_.authzid.empty() && !login_.proxyauth;
        const std::string& whose = is_for_another ? login_.authzid : login_.user;
        std::string message =
            "n,a=" + format_sasl_name(whose) + ",\x01" + "auth=Bearer " + secret_ + "\x01\x01";
        done = co_await by_one_message("OAUTHBEARER", std::move(message));
        break;
    }
    }
    SIDING_CO_TRY(std::move(done));
    if (login_.proxyauth && !login_.authzid.empty()) {
        SIDING_CO_TRY(co_await take_over());
    }
    // RFC 9051 §6.1.1: the login may change them, and whoever has not told them is asked.
    if (!are_told_) {
        SIDING_CO_TRY(co_await ask_capabilities());
    }
    co_return Result<void>{};
}

// RFC 9051 §6.2.1: what was said in the clear does not count any more.
awaitable<Result<void>> LogIn::encrypt() {
    if (!capabilities_.has("STARTTLS")) {
        co_return Error{
            Errc::invalid_argument,
            fmt::format(
                "{} offers no STARTTLS; with `tls: implicit` and its port for IMAPS, or `tls: off` "
                "for a line that nobody else can read, it could be used",
                connection_.name()
            )};
    }
    SIDING_CO_ASSIGN(const ImapResponse answer, co_await connection_.starttls(tls_));
    if (!answer.is_ok()) {
        co_return Error{Errc::unavailable, "STARTTLS: " + escape(answer.text)};
    }
    capabilities_ = ImapCapabilities{};
    auto asked = co_await ask_capabilities();
    co_return asked;
}

awaitable<Result<void>> LogIn::ask_capabilities() {
    ImapCommand command{"CAPABILITY"};
    SIDING_CO_ASSIGN(const ImapResponse answer, co_await connection_.run(std::move(command)));
    if (!answer.is_ok()) {
        co_return Error{Errc::unavailable, "CAPABILITY: " + escape(answer.text)};
    }
    co_return Result<void>{};
}

// Some servers let nobody in who has not said who they are.
awaitable<Result<void>> LogIn::identify() {
    if (capabilities_.has("ID")) {
        ImapCommand command{"ID"};
        command.raw("(\"name\" \"Siding\")");
        SIDING_CO_TRY(co_await connection_.start(std::move(command)));
    }
    co_return Result<void>{};
}

bool LogIn::offers(std::string_view mechanism) const {
    const auto& offered = capabilities_.auth_mechanisms();
    return std::ranges::find(offered, mechanism) != offered.end();
}

Result<Mechanism> LogIn::choose() const {
    const bool is_plain_text = !connection_.stream().is_tls();
    if (login_.mechanism == Mechanism::login && capabilities_.login_disabled()) {
        return Error{// RFC 9051 §6.2.3
                     Errc::invalid_argument,
                     fmt::format(
                         "{} takes no LOGIN{}",
                         connection_.name(),
                         is_plain_text ? " without TLS" : "; another `auth` may do"
                     )};
    }
    if (login_.mechanism != Mechanism::automatic) {
        return login_.mechanism;
    }
    if (login_.secret.kind == Secret::Kind::token) {
        return choose_for_token();
    }
    // Logging in for somebody else is what servers understand with PLAIN alone: by an authzid, and
    // by Dovecot's "user*master".
    const bool is_for_another = !login_.authzid.empty() && !login_.proxyauth;
    const bool is_master = login_.user.find('*') != std::string::npos;
    if (offers("SCRAM-SHA-256") && is_plain_text && !is_for_another && !is_master) {
        return Mechanism::scram_sha_256;
    }
    if (offers("PLAIN")) {
        return Mechanism::plain;
    }
    if (is_for_another) {
        return Error{
            Errc::invalid_argument,
            connection_.name() + " offers no AUTH=PLAIN, which the authzid needs"};
    }
    if (!capabilities_.login_disabled()) {
        return Mechanism::login;
    }
    if (offers("SCRAM-SHA-256")) {
        return Mechanism::scram_sha_256;
    }
    return Error{
        Errc::invalid_argument,
        fmt::format(
            "{} offers no way to log in that we have{}",
            connection_.name(),
            is_plain_text ? "; it may with TLS" : ""
        )};
}

// Google and Microsoft have XOAUTH2 in use longer, and some servers offer the other in name only.
Result<Mechanism> LogIn::choose_for_token() const {
    const bool is_for_another = !login_.authzid.empty() && !login_.proxyauth;
    if (offers("XOAUTH2") && !is_for_another) {
        return Mechanism::xoauth2;
    }
    if (offers("OAUTHBEARER")) {
        return Mechanism::oauthbearer;
    }
    return Error{
        Errc::invalid_argument,
        connection_.name() + " offers neither XOAUTH2 nor OAUTHBEARER, which take access tokens"};
}

awaitable<Result<void>> LogIn::by_login() {
    ImapCommand command{"LOGIN"};
    command.string(login_.user).secret(secret_);
    SIDING_CO_ASSIGN(const ImapResponse answer, co_await connection_.run(std::move(command)));
    co_return accept(answer);
}

// The first message goes with the command where the server lets it (RFC 4959).
awaitable<Result<ImapResponse>> LogIn::exchange(std::string mechanism, std::string first) {
    const bool at_once = capabilities_.sasl_ir();
    sent_ = to_base64(first);
    std::string text = "AUTHENTICATE " + mechanism;
    if (at_once) {
        text += " " + to_base64(first);
    }
    const ImapTag tag = connection_.open(text);
    connection_.close_command();
    if (!at_once) {
        SIDING_CO_ASSIGN(const auto asked, co_await connection_.continuation(tag));
        if (asked) {
            connection_.put(to_base64(first));
            connection_.close_command();
        }
    }
    SIDING_CO_ASSIGN(const auto challenge, co_await connection_.continuation(tag));
    if (!challenge) {
        auto answer = co_await connection_.answer(tag);
        co_return answer;
    }
    ImapResponse more;
    more.kind = ImapResponse::Kind::continuation;
    more.tag = tag;
    more.text = *challenge;
    co_return more;
}

awaitable<Result<void>> LogIn::by_one_message(std::string mechanism, std::string message) {
    SIDING_CO_ASSIGN(ImapResponse answer, co_await exchange(mechanism, std::move(message)));
    if (answer.kind == ImapResponse::Kind::continuation) {
        // The error is in a challenge, and the NO comes behind an answer to it: an empty one with
        // XOAUTH2, ^A with OAUTHBEARER (RFC 7628 §3.2.3).
        const ImapTag tag = answer.tag;
        error_status_ = read_error_status(answer.text);
        connection_.put(mechanism == "OAUTHBEARER" ? "AQ==" : "");
        connection_.close_command();
        SIDING_CO_ASSIGN(answer, co_await connection_.answer(tag));
    }
    co_return accept(answer);
}

awaitable<Result<void>> LogIn::by_scram() {
    const std::string authzid = login_.proxyauth ? "" : login_.authzid;
    ScramClient scram{login_.user, secret_, authzid, make_nonce()};
    SIDING_CO_ASSIGN(ImapResponse answer, co_await exchange("SCRAM-SHA-256", scram.first()));
    if (answer.kind != ImapResponse::Kind::continuation) {
        co_return accept(answer);
    }
    const ImapTag tag = answer.tag;
    SIDING_CO_ASSIGN(const std::string challenge, from_base64(answer.text));
    SIDING_CO_ASSIGN(const std::string proof, scram.on_server_first(challenge));
    connection_.put(to_base64(proof));
    connection_.close_command();
    SIDING_CO_ASSIGN(const auto last, co_await connection_.continuation(tag));
    if (last) {
        SIDING_CO_ASSIGN(const std::string signature, from_base64(*last));
        SIDING_CO_TRY(scram.on_server_final(signature));
        connection_.put("");
        connection_.close_command();
    }
    SIDING_CO_ASSIGN(answer, co_await connection_.answer(tag));
    if (answer.is_ok() && !last) {
        co_return Error{Errc::conflict, "the server has not shown that it knows the password"};
    }
    co_return accept(answer);
}

// An administrator becomes a user (Sun, Oracle and others).
awaitable<Result<void>> LogIn::take_over() {
    ImapCommand command{"PROXYAUTH"};
    command.string(login_.authzid);
    SIDING_CO_ASSIGN(const ImapResponse answer, co_await connection_.run(std::move(command)));
    co_return accept(answer);
}

Result<void> LogIn::accept(const ImapResponse& answer) {
    if (answer.is_ok()) {
        are_told_ = answer.is_code("CAPABILITY");
        return {};
    }
    ImapResponse shown = answer;
    shown.text = without_secrets(std::move(shown.text), {secret_, sent_});
    const Judged judged = judge(shown, ImapStage::login);
    trouble_ = judged.trouble;
    bool is_retryable = judged.is_retryable;
    std::string words = judged.words;
    if (!error_status_.empty()) {
        words += " (status " + escape(without_secrets(error_status_, {secret_, sent_}), 64) + ")";
    }
    // RFC 6750 §3.1; "401" is Google's and Microsoft's.
    if (error_status_ == "401" || error_status_ == "invalid_token") {
        trouble_ = Trouble::expired_token;
        is_retryable = false;
    }
    return Error{
        is_retryable ? Errc::unavailable : Errc::conflict,
        fmt::format("{}: login of {}: {}", connection_.name(), escape(login_.user), words)};
}

}  // namespace

awaitable<Result<void>> log_in(
    ImapConnection& connection,
    ImapCapabilities& capabilities,
    std::optional<Trouble>& trouble,
    const ImapLoginNeeds& needs
) {
    LogIn log_in{connection, capabilities, trouble, needs};
    auto done = co_await log_in.run();
    co_return done;
}

}  // namespace siding::backfill
