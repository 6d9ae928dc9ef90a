// Messages of the mailbox that is open on a session, whole, one after the other: two FETCH commands
// are under way, and nothing is read ahead of next(). BODY.PEEK[]: no flag changes by it. Pieces of
// a large message go to disk while they come.
//
// While it lives it is what the session attaches. UIDs that the server does not give end up in
// unread().
#pragma once

#include "backfill/fetched_message.hpp"
#include "backfill/imap_session.hpp"

#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace siding::backfill {

class AccountPace;

class MessageReader final : private ImapListener {
public:
    struct Needs {
        net::asio::any_io_executor blocking;
        std::filesystem::path spool;  // directory
        bool email_ids = false;       // FetchedMessage::email_id, where the server has them
        AccountPace* pace = nullptr;  // octets come in as it lets them
    };

    MessageReader(ImapSession& session, Needs needs, const ImapSet& uids);
    ~MessageReader() override;
    MessageReader(const MessageReader&) = delete;
    MessageReader& operator=(const MessageReader&) = delete;

    // The next message, or nothing at the end. In the order in which the server gives them, which
    // within a FETCH is by UID with all servers that we know. The error is the connection's.
    net::awaitable<Result<std::optional<FetchedMessage>>> next();

    // Behind the end: UIDs that were asked for alone in the end and refused, with the server's
    // words. One that is in neither was not given, without a word: expunged meanwhile, or kept
    // back.
    const std::map<std::uint64_t, std::string>& unread() const { return unread_; }
    const ImapSet& seen() const { return seen_; }

private:
    struct Asked {
        ImapTag tag;
        ImapSet uids;
        bool is_alone = false;  // one UID, for the second time
    };

    net::awaitable<Result<void>> ask_more();
    Result<void> settle(const Asked& asked, ImapResponse answer);
    void finish(FetchItem item, const FetchItem::Section& section);
    net::awaitable<Result<void>> spill(FetchedMessage& message);
    bool has_large_piece() const;
    net::awaitable<void> carry(std::uint64_t octets);

    void on_response(const ImapResponse& response) override;
    void on_body_begin(const ImapResponse& unfinished, std::uint64_t octets) override;
    void on_body_piece(std::string_view octets) override;
    bool wants_pause() const override;
    net::awaitable<Result<void>> pause() override;

    ImapSession& session_;
    Needs needs_;
    std::string items_;
    std::deque<ImapSet> parts_;
    std::deque<std::uint64_t> alone_;
    std::deque<Asked> asked_;
    ImapSet seen_;
    std::map<std::uint64_t, std::string> unread_;
    struct Ready {
        FetchedMessage message;
        bool is_large = false;
        std::uint64_t uncarried = 0;  // octets that the line may not have carried yet
    };
    std::deque<Ready> ready_;

    // The body that comes in.
    std::optional<FetchedMessage> incoming_;
    std::unique_ptr<MessageDigester> digester_;
    bool is_large_ = false;        // its body is what is not on disk yet
    std::uint64_t uncarried_ = 0;  // of it; as in Ready
};

}  // namespace siding::backfill
