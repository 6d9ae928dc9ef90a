// One connection to an IMAP server: commands go out, responses come in, both at the same time, so
// that neither end can wait for the other for ever. Knows tags, literals and continuations; what a
// command means is its caller's. Used by one coroutine, on one io thread.
//
// After an error the connection is over, and every later call gives the same error.
#pragma once

#include "backfill/imap_command.hpp"
#include "backfill/imap_listener.hpp"
#include "backfill/imap_parser.hpp"
#include "net/deflate.hpp"
#include "net/stream.hpp"
#include "net/tls_client.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace siding::backfill {

using ImapTag = std::string;

class ImapConnection {
public:
    // `name` stands in front of every error: "old imap.example:993".
    ImapConnection(net::Stream stream, std::string name);
    ~ImapConnection();
    ImapConnection(const ImapConnection&) = delete;
    ImapConnection& operator=(const ImapConnection&) = delete;

    // Nobody listens at first. The listener must outlive the connection or be replaced.
    void listen(ImapListener* listener) { listener_ = listener; }
    // RFC 7888: literals without waiting; up to 4096 octets with LITERAL-.
    enum class Literals { synchronizing, small_at_once, at_once };
    void set_literals(Literals literals) { literals_ = literals; }
    bool sends_literals_unasked() const { return literals_ == Literals::at_once; }
    void set_timeout(std::chrono::milliseconds timeout) { timeout_ = timeout; }

    net::awaitable<Result<void>> start_tls(std::shared_ptr<net::TlsClient> client);
    // The command (RFC 9051 §6.2.1), and TLS behind its OK. Errc::conflict where anything else
    // follows that in the clear: it was not said by the server that the certificate names.
    net::awaitable<Result<ImapResponse>> starttls(std::shared_ptr<net::TlsClient> client);

    // COMPRESS DEFLATE (RFC 4978), between commands. False: the server says no to it.
    net::awaitable<Result<bool>> compress();
    bool is_compressed() const { return deflater_ != nullptr; }

    // The first line of the server.
    net::awaitable<Result<ImapResponse>> greeting();

    // Says it and waits for its answer, OK or not.
    net::awaitable<Result<ImapResponse>> run(ImapCommand command);
    // Says it, and waits at most for what synchronizing literals ask for.
    net::awaitable<Result<ImapTag>> start(ImapCommand command);
    net::awaitable<Result<ImapResponse>> answer(ImapTag tag);
    bool is_answered(const ImapTag& tag) const { return answers_.contains(tag); }

    // A command piece by piece: open(), then put() and literal(), and close_command() at its end.
    ImapTag open(std::string_view text);
    void put(std::string_view octets);
    // Announces a literal. False: the server has answered instead of asking for it, and the command
    // is over.
    net::awaitable<Result<bool>> literal(ImapTag tag, std::uint64_t octets);
    void close_command();
    // Until at most so many octets are unwritten.
    net::awaitable<Result<void>> drain(std::size_t unwritten_max);

    // A continuation's text, of AUTHENTICATE and IDLE; nothing when `tag` was answered instead.
    net::awaitable<Result<std::optional<std::string>>> continuation(ImapTag tag);

    // Writes what can be written without waiting.
    Result<void> flush();
    // The connection is over, for this reason.
    Error abandon(std::string why);

    // Until the server has said something, or something was written.
    net::awaitable<Result<void>> step();
    // The same, and the passing of `timeout` is no error.
    net::awaitable<Result<void>> listen_for(std::chrono::milliseconds timeout);

    // LOGOUT, and the connection is over.
    net::awaitable<void> close();

    const std::string& name() const { return name_; }
    bool is_over() const { return failure_.has_value(); }
    const net::Stream& stream() const { return stream_; }
    // On the wire, under TLS.
    std::uint64_t octets_in() const { return octets_in_; }
    std::uint64_t octets_out() const { return octets_out_; }

private:
    net::awaitable<Result<void>> advance(std::chrono::milliseconds timeout);
    Result<bool> write_out();
    net::awaitable<Result<bool>> read_in();
    Result<std::string_view> read_some();
    Result<std::string_view> inflate_some();
    Result<void> take(std::string_view octets);
    void begin_deflate(std::string_view behind);
    void deflate_out();
    void hear(ImapResponse response);
    Error fail(Error error);
    std::size_t unwritten() const { return out_.size() - out_at_ + plain_.size(); }

    net::Stream stream_;
    std::string name_;
    ImapParser parser_;
    ImapListener* listener_ = nullptr;
    Literals literals_ = Literals::synchronizing;
    std::chrono::milliseconds timeout_;
    std::vector<char> room_;
    std::string out_;
    std::size_t out_at_ = 0;
    // With COMPRESS: what is put() waits in plain_ until out_ is written; what has come and is not
    // inflated yet is in packed_.
    std::unique_ptr<net::Deflater> deflater_;
    std::unique_ptr<net::Inflater> inflater_;
    std::string plain_;
    std::string packed_;
    std::size_t packed_at_ = 0;
    std::vector<char> inflated_;
    bool has_more_inflated_ = false;
    ImapTag compress_tag_;
    ImapTag tls_tag_;
    std::uint64_t tags_ = 0;
    std::set<ImapTag> open_;
    std::map<ImapTag, ImapResponse> answers_;
    std::vector<std::string> continuations_;
    std::optional<ImapResponse> greeting_;
    bool is_greeted_ = false;
    std::string bye_;
    std::optional<Error> failure_;
    std::uint64_t octets_in_ = 0;
    std::uint64_t octets_out_ = 0;
    unsigned turns_in_a_row_ = 0;
};

}  // namespace siding::backfill
