#include "backfill/imap_session.hpp"

#include "backfill/account_pace.hpp"
#include "backfill/imap_ear.hpp"
#include "backfill/limits.hpp"
#include "backfill/mailbox_name.hpp"
#include "backfill/token_login.hpp"
#include "base/bytes.hpp"
#include "base/log.hpp"
#include "net/connect.hpp"
#include "net/run_on.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

const Logger log{"backfill"};

Result<std::shared_ptr<net::TlsClient>> make_tls(const Login& login) {
    if (login.tls == config::ImapTls::off) {
        return std::shared_ptr<net::TlsClient>{};
    }
    net::TlsClient::Options options;
    options.name = login.address.host;
    options.fingerprints = login.fingerprints;
    options.verify = login.fingerprints.empty();
    options.ca_file = login.fingerprints.empty() ? login.ca_file : std::nullopt;
    return net::TlsClient::create(std::move(options));
}

// "5:*" has the last message in it even where its UID is below 5 (RFC 9051 §9 seq-range).
ImapSet from(std::uint64_t first, ImapSet set) {
    return first > 1 ? set.minus(ImapSet{1, first - 1}) : set;
}

struct Prepared {
    std::string secret;
    std::shared_ptr<net::TlsClient> tls;
};

Result<Prepared> prepare(const Login& login) {
    Prepared prepared;
    SIDING_ASSIGN(prepared.secret, login.secret.read());
    SIDING_ASSIGN(prepared.tls, make_tls(login));
    return prepared;
}

}  // namespace

ImapSession::ImapSession(net::Stream stream, std::string name)
    : connection_{std::move(stream), std::move(name)} {
    connection_.listen(this);
}

ImapSession::~ImapSession() = default;

awaitable<Result<std::unique_ptr<ImapSession>>> ImapSession::open(
    Login login, Host host, std::optional<Trouble>& trouble
) {
    if (login.needs_token()) {
        auto with_token = co_await open_with_token(std::move(login), host, trouble);
        co_return with_token;
    }
    net::HostPort address{login.address.host, login.address.port};
    net::ConnectOptions options;
    auto stream = co_await net::connect(address, options);
    if (!stream) {
        co_return with_context(std::move(stream).error(), address.text());
    }
    auto session = co_await begin(std::move(*stream), std::move(login), host, trouble);
    co_return session;
}

awaitable<Result<std::unique_ptr<ImapSession>>> ImapSession::begin(
    net::Stream stream, Login login, Host host, std::optional<Trouble>& trouble
) {
    auto read = [&login] { return prepare(login); };
    SIDING_CO_ASSIGN(Prepared prepared, co_await net::run_on(host.blocking, read));
    const net::HostPort address{login.address.host, login.address.port};
    std::unique_ptr<ImapSession> session{new ImapSession{std::move(stream), address.text()}};
    const bool is_compression_wanted = login.compress;
    ImapLoginNeeds needs;
    needs.login = std::move(login);
    needs.secret = std::move(prepared.secret);
    needs.tls = std::move(prepared.tls);
    const auto let_in =
        co_await log_in(session->connection_, session->capabilities_, trouble, needs);
    if (!let_in) {
        co_return refused(let_in.error(), needs.login, host, trouble);
    }
    if (host.pace != nullptr) {
        session->counted_ = host.pace->on_let_in(needs.login);
    }
    using Literals = ImapConnection::Literals;
    const ImapCapabilities& offered = session->capabilities_;
    session->connection_.set_literals(
        offered.literal_plus()    ? Literals::at_once
        : offered.literal_minus() ? Literals::small_at_once
                                  : Literals::synchronizing
    );
    if (is_compression_wanted && offered.compress()) {
        SIDING_CO_TRY(co_await session->compress());
    }
    if (offered.has("UTF8=ONLY")) {
        SIDING_CO_TRY(co_await session->enable_utf8());
    }
    if (needs.login.side == Side::source && offered.qresync()) {
        ImapCommand enable{"ENABLE"};
        enable.raw("QRESYNC");
        SIDING_CO_TRY(co_await session->connection_.start(std::move(enable)));
    }
    if (offered.namespaces()) {  // its answer is here before that of any later command
        ImapCommand namespaces{"NAMESPACE"};
        SIDING_CO_TRY(co_await session->connection_.start(std::move(namespaces)));
    }
    co_return session;
}

// What was refused because of the number of connections may be tried again.
Error ImapSession::refused(
    const Error& error, const Login& login, const Host& host, std::optional<Trouble>& trouble
) {
    if (host.pace == nullptr || !trouble) {
        return error;
    }
    trouble = host.pace->on_login_refused(login, *trouble, error.context);
    const bool is_number = trouble == Trouble::too_many_connections;
    return is_number ? Error{Errc::unavailable, error.context} : error;
}

// RFC 4978. A server that says no to it goes on as before.
awaitable<Result<void>> ImapSession::compress() {
    SIDING_CO_ASSIGN(const bool is_compressed, co_await connection_.compress());
    if (!is_compressed) {
        log.info("not_compressed", {{"server", connection_.name()}});
    }
    co_return Result<void>{};
}

// RFC 9755 §3, §6: with UTF8=ONLY nothing can be selected without it, and every name is UTF-8.
awaitable<Result<void>> ImapSession::enable_utf8() {
    ImapCommand command{"ENABLE"};
    command.raw("UTF8=ACCEPT");
    auto enabled = co_await run(std::move(command), ImapStage::other);
    if (!enabled) {
        co_return std::move(enabled).error();
    }
    is_utf8_ = true;
    co_return Result<void>{};
}

std::string ImapSession::decode_mailbox(std::string_view raw) const {
    return decode_mailbox_name(raw, is_utf8_);
}

void ImapSession::add_mailbox(ImapCommand& command, std::string_view name) const {
    command.mailbox(name, is_utf8_);
}

awaitable<Result<ImapResponse>> ImapSession::run(ImapCommand command, ImapStage stage) {
    SIDING_CO_ASSIGN(ImapResponse answer, co_await connection_.run(std::move(command)));
    co_return check(std::move(answer), stage);
}

awaitable<Result<std::optional<CopyUid>>> ImapSession::run_copy(ImapCommand command) {
    copied_.reset();
    SIDING_CO_TRY(co_await run(std::move(command), ImapStage::append));
    co_return std::exchange(copied_, std::nullopt);
}

Result<ImapResponse> ImapSession::check(ImapResponse answer, ImapStage stage) {
    if (answer.is_ok()) {
        return answer;
    }
    last_no_ = judge(answer, stage);
    trouble_ = last_no_->trouble;
    counted_.on_trouble(*last_no_, stage);
    const Errc code = last_no_->is_retryable ? Errc::unavailable : Errc::conflict;
    return Error{code, connection_.name() + ": " + last_no_->words};
}

awaitable<Result<ImapTag>> ImapSession::start_open(std::string name, Access access) {
    mailbox_.emplace();
    mailbox_->name = name;
    mailbox_->is_read_only = access == Access::read_only;
    ImapCommand command{mailbox_->is_read_only ? "EXAMINE" : "SELECT"};
    add_mailbox(command, name);
    SIDING_CO_ASSIGN(ImapTag tag, co_await connection_.start(std::move(command)));
    SIDING_CO_TRY(connection_.flush());
    co_return tag;
}

awaitable<Result<void>> ImapSession::finish_open(ImapTag tag) {
    SIDING_CO_ASSIGN(ImapResponse answer, co_await connection_.answer(std::move(tag)));
    const auto checked = check(std::move(answer), ImapStage::select);
    if (!checked) {
        mailbox_.reset();
        co_return checked.error();
    }
    mailbox_->is_open = true;
    co_return Result<void>{};
}

awaitable<Result<void>> ImapSession::examine(std::string name) {
    SIDING_CO_ASSIGN(ImapTag tag, co_await start_open(std::move(name), Access::read_only));
    auto opened = co_await finish_open(std::move(tag));
    co_return opened;
}

awaitable<Result<void>> ImapSession::select(std::string name) {
    SIDING_CO_ASSIGN(ImapTag tag, co_await start_open(std::move(name), Access::read_write));
    auto opened = co_await finish_open(std::move(tag));
    co_return opened;
}

// Servers are known whose SEARCH finds nothing (Mailutils' of "UID 1:*" for one), and a message
// that is not found would never be copied: SEARCH is asked where its answer is short (ESEARCH), and
// believed only as far as it agrees with what SELECT has said.
awaitable<Result<ImapSet>> ImapSession::uids(std::uint64_t first) {
    if (mailbox_->messages == 0) {
        co_return ImapSet{};
    }
    first = std::max<std::uint64_t>(first, 1);  // 0 is no UID
    // As many UIDs below UIDNEXT as messages: then it is all of them.
    const bool is_dense = mailbox_->uid_next == mailbox_->messages + 1 &&
                          mailbox_->messages <= limits::mailbox_messages_believed;
    if (is_dense && !mailbox_->has_grown) {
        const ImapSet all{1, mailbox_->messages};
        co_return from(first, all);
    }
    ImapSet found;
    if (capabilities_.esearch()) {
        SIDING_CO_ASSIGN(found, co_await search(first));
        const bool is_whole = first > 1 || found.count() == mailbox_->messages;
        const bool may_be_empty = mailbox_->uid_next > 0 && mailbox_->uid_next <= first;
        if (is_whole && (may_be_empty || !found.empty())) {
            co_return found;
        }
        found = {};
    }
    Each note = [&found](const FetchItem& item) {
        if (item.uid) {
            found.add(*item.uid);
        }
    };
    Ear ear{*this, [&note](const ImapResponse& response) {
                if (const auto item = fetch_item(response)) {
                    note(*item);
                }
            }};
    ImapCommand command{"UID FETCH"};
    command.raw(fmt::format("{}:*", first)).raw("(UID)");
    SIDING_CO_TRY(co_await run(std::move(command), ImapStage::fetch));
    co_return from(first, std::move(found));
}

awaitable<Result<ImapSet>> ImapSession::search(std::uint64_t first) {
    ImapSet found;
    Ear ear{*this, [&found](const ImapResponse& response) {
                if (const auto result = search_result(response)) {
                    found.add(result->all);
                }
            }};
    ImapCommand command{"UID SEARCH"};
    command.raw("RETURN (ALL)").raw(fmt::format("UID {}:*", first));
    SIDING_CO_TRY(co_await run(std::move(command), ImapStage::fetch));
    co_return from(first, std::move(found));
}

awaitable<Result<void>> ImapSession::fetch(ImapSet set, std::string items, Each each) {
    if (set.empty()) {
        co_return Result<void>{};
    }
    Ear ear{*this, [&](const ImapResponse& response) {
                if (const auto item = fetch_item(response)) {
                    each(*item);
                }
            }};
    std::vector<ImapTag> tags;
    for (const std::string& part : set.split()) {
        ImapCommand command{"UID FETCH"};
        command.set(part).raw(items);
        SIDING_CO_ASSIGN(ImapTag tag, co_await connection_.start(std::move(command)));
        tags.push_back(std::move(tag));
        if (tags.size() >= limits::fetches_under_way_max) {
            SIDING_CO_ASSIGN(ImapResponse answer, co_await connection_.answer(tags.front()));
            SIDING_CO_TRY(check(std::move(answer), ImapStage::fetch));
            tags.erase(tags.begin());
        }
    }
    for (const ImapTag& tag : tags) {
        SIDING_CO_ASSIGN(ImapResponse answer, co_await connection_.answer(tag));
        SIDING_CO_TRY(check(std::move(answer), ImapStage::fetch));
    }
    co_return Result<void>{};
}

awaitable<Result<ImapSession::Changes>> ImapSession::changes(
    std::uint64_t modseq, std::uint64_t last
) {
    Changes changes;
    if (last == 0) {
        co_return changes;
    }
    Ear ear{*this, [&changes](const ImapResponse& response) {
                if (const auto item = fetch_item(response)) {
                    if (item->uid && item->flags) {
                        changes.flags.add(*item->uid);
                    }
                } else if (const auto gone = vanished(response)) {
                    changes.vanished.add(gone->uids);
                }
            }};
    ImapCommand command{"UID FETCH"};
    command.set(fmt::format("1:{}", last)).raw("(UID FLAGS)");
    command.raw(fmt::format("(CHANGEDSINCE {}{})", modseq, has_qresync_ ? " VANISHED" : ""));
    SIDING_CO_TRY(co_await run(std::move(command), ImapStage::fetch));
    const ImapSet asked{1, last};
    changes.flags = changes.flags.both(asked);
    changes.vanished = changes.vanished.both(asked);
    co_return changes;
}

void ImapSession::on_response(const ImapResponse& response) {
    keep(response);
    if (response.condition == ImapCondition::bye) {
        counted_.on_trouble(judge(response, ImapStage::other), ImapStage::other);
    }
    if (attached_ != nullptr && response.kind == ImapResponse::Kind::untagged) {
        attached_->on_response(response);
    }
}

void ImapSession::keep(const ImapResponse& response) {
    if (words_.empty() && response.condition) {
        words_ = response.text;
    }
    if (auto offered = backfill::capabilities(response)) {
        capabilities_ = std::move(*offered);
    } else if (auto spaces = backfill::namespaces(response)) {
        namespaces_ = std::move(*spaces);
    } else if (const auto extensions = enabled(response)) {
        has_qresync_ = has_qresync_ || std::ranges::count(*extensions, "QRESYNC") > 0;
    } else if (const auto id = server_id(response)) {
        for (const auto& [field, value] : *id) {
            words_ += " " + value;
        }
    }
    if (auto copied = copy_uid(response)) {
        copied_ = std::move(*copied);
    }
    if (!mailbox_) {
        return;
    }
    if (response.is_data("EXISTS") && response.number) {
        mailbox_->has_grown =
            mailbox_->has_grown || (mailbox_->is_open && *response.number > mailbox_->messages);
        mailbox_->messages = *response.number;
    } else if (response.is_data("EXPUNGE") && mailbox_->messages > 0) {
        --mailbox_->messages;
    } else if (const auto gone = vanished(response)) {
        const std::uint64_t count = gone->is_earlier ? 0 : gone->uids.count();
        mailbox_->messages -= std::min(count, mailbox_->messages);
    } else if (auto validity = code_text(response, "UIDVALIDITY")) {
        mailbox_->uid_validity = std::move(*validity);
    } else if (const auto next = code_number(response, "UIDNEXT")) {
        mailbox_->uid_next = *next;
    } else if (const auto modseq = code_number(response, "HIGHESTMODSEQ")) {
        mailbox_->modseq = *modseq;
    } else if (auto flags = flag_list(response, "PERMANENTFLAGS")) {
        mailbox_->permanent_flags = std::move(*flags);
    }
}

void ImapSession::on_body_begin(const ImapResponse& unfinished, std::uint64_t octets) {
    if (attached_ != nullptr) {
        attached_->on_body_begin(unfinished, octets);
    }
}

void ImapSession::on_body_piece(std::string_view octets) {
    if (attached_ != nullptr) {
        attached_->on_body_piece(octets);
    }
}

bool ImapSession::wants_pause() const {
    return attached_ != nullptr && attached_->wants_pause();
}

awaitable<Result<void>> ImapSession::pause() {
    auto paused = co_await attached_->pause();
    co_return paused;
}

}  // namespace siding::backfill
