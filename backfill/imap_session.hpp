// A logged-in connection to one server, the mailbox that is open on it, and the questions that the
// backfill asks: folders, states, UIDs. Used by one coroutine, on one io thread.
//
// A server's NO is an Error whose code says whether it may be tried again (Errc::unavailable) or
// not (Errc::conflict); trouble() says what it was about. Whatever ends the connection makes
// is_over() true.
#pragma once

#include "backfill/folder_plan.hpp"
#include "backfill/governor.hpp"
#include "backfill/imap_connection.hpp"
#include "backfill/imap_data.hpp"
#include "backfill/imap_login.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace siding::backfill {

class TokenSource;

// What SELECT or EXAMINE has said, kept up to date by what comes later.
struct OpenMailbox {
    std::string name;
    bool is_read_only = false;
    std::string uid_validity;  // empty: the server gives none
    std::uint64_t uid_next = 0;
    std::uint64_t messages = 0;
    std::uint64_t modseq = 0;  // 0: none are kept
    std::optional<std::vector<std::string>> permanent_flags;
    bool is_open = false;    // SELECT or EXAMINE is answered
    bool has_grown = false;  // since then: uid_next is of before
};

struct FolderState {
    Folder folder;
    bool is_selectable = true;
    StatusItem status;
};

class AccountPace;

class ImapSession final : private ImapListener {
public:
    // What all sessions of the process share; outlives them.
    struct Host {
        net::asio::any_io_executor blocking;  // for secrets and roots
        TokenSource* tokens = nullptr;        // for logins that needs_token()
        AccountPace* pace = nullptr;          // told of logins and of what servers refuse
    };

    // Connects and logs in. The error names the server; `trouble` is what a refusal was about.
    static net::awaitable<Result<std::unique_ptr<ImapSession>>> open(
        Login login, Host host, std::optional<Trouble>& trouble
    );
    // The same on a connection that is there already. Not for logins that needs_token().
    static net::awaitable<Result<std::unique_ptr<ImapSession>>> begin(
        net::Stream stream, Login login, Host host, std::optional<Trouble>& trouble
    );
    ~ImapSession() override;
    ImapSession(const ImapSession&) = delete;
    ImapSession& operator=(const ImapSession&) = delete;

    ImapConnection& connection() { return connection_; }
    const ImapCapabilities& capabilities() const { return capabilities_; }
    const std::optional<OpenMailbox>& mailbox() const { return mailbox_; }
    std::optional<Trouble> trouble() const { return trouble_; }
    const std::optional<Judged>& last_no() const { return last_no_; }
    bool is_over() const { return connection_.is_over(); }
    ServerKind kind() const { return server_kind_of(words_ + " " + capabilities_.text()); }
    const std::string& greeting() const { return words_; }

    // Names of mailboxes as this server writes and takes them (mailbox_name.hpp).
    std::string decode_mailbox(std::string_view raw) const;
    void add_mailbox(ImapCommand& command, std::string_view name) const;
    // ENABLE UTF8=ACCEPT is in force (RFC 6855): names are UTF-8, and so may be headers.
    bool is_utf8() const { return is_utf8_; }

    // ENABLE QRESYNC is in force (RFC 7162 §3.2.3): of sources that offer it.
    bool has_qresync() const { return has_qresync_; }

    // Hears every untagged response, besides the session itself; nullptr: nobody.
    void attach(ImapListener* listener) { attached_ = listener; }

    // Runs it and makes an Error of a NO or BAD.
    net::awaitable<Result<ImapResponse>> run(ImapCommand command, ImapStage stage);
    // UID COPY or UID MOVE, and what COPYUID says where it is said (RFC 4315 §3, RFC 6851 §4.3).
    net::awaitable<Result<std::optional<CopyUid>>> run_copy(ImapCommand command);
    // run() for an answer that has come.
    Result<ImapResponse> check(ImapResponse answer, ImapStage stage);

    net::awaitable<Result<FolderSide>> folders(std::vector<FolderState>& states);
    net::awaitable<Result<void>> examine(std::string name);
    net::awaitable<Result<void>> select(std::string name);
    // The same in two parts, so that both servers can be at work.
    enum class Access { read_only, read_write };
    net::awaitable<Result<ImapTag>> start_open(std::string name, Access access);
    net::awaitable<Result<void>> finish_open(ImapTag tag);
    // Makes what is not there, and subscribes to it where that is wanted; all at once.
    struct NewFolder {
        NewFolder() = default;  // no aggregate: net/asio.hpp

        std::string name;
        SpecialUse use = SpecialUse::none;
        bool create = false;
        bool subscribe = false;
    };
    net::awaitable<Result<void>> make(std::vector<NewFolder> folders);

    // UIDs of the open mailbox from `first` on.
    net::awaitable<Result<ImapSet>> uids(std::uint64_t first);
    // "UID FETCH set items", each FETCH response handed to `each`, split into lines of a length
    // that servers take. Not for bodies.
    using Each = std::function<void(const FetchItem&)>;
    net::awaitable<Result<void>> fetch(ImapSet set, std::string items, Each each);
    // What has happened to the UIDs up to `last` since a modification sequence (RFC 7162 §3.1.4.1,
    // §3.2.6); `vanished` only where has_qresync().
    struct Changes {
        ImapSet flags;
        ImapSet vanished;
    };
    net::awaitable<Result<Changes>> changes(std::uint64_t modseq, std::uint64_t last);

    net::awaitable<void> close() { return connection_.close(); }

private:
    static Error refused(
        const Error& error, const Login& login, const Host& host, std::optional<Trouble>& trouble
    );
    ImapSession(net::Stream stream, std::string name);

    net::awaitable<Result<void>> compress();
    net::awaitable<Result<void>> enable_utf8();
    net::awaitable<Result<void>> list(std::vector<FolderState>& states);
    net::awaitable<Result<void>> list_plain(std::vector<FolderState>& states);
    net::awaitable<Result<ImapSet>> search(std::uint64_t first);
    std::string status_items() const;

    void on_response(const ImapResponse& response) override;
    void on_body_begin(const ImapResponse& unfinished, std::uint64_t octets) override;
    void on_body_piece(std::string_view octets) override;
    bool wants_pause() const override;
    net::awaitable<Result<void>> pause() override;
    void keep(const ImapResponse& response);

    ImapConnection connection_;
    ImapCapabilities capabilities_;
    Namespaces namespaces_;
    std::string words_;     // greeting and ID: who the server is
    bool is_utf8_ = false;  // is_utf8()
    bool has_qresync_ = false;
    std::optional<OpenMailbox> mailbox_;
    std::optional<CopyUid> copied_;
    ImapListener* attached_ = nullptr;
    std::optional<Trouble> trouble_;
    std::optional<Judged> last_no_;
    Governor::Connection counted_;
};

}  // namespace siding::backfill
