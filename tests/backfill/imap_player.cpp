#include "tests/backfill/imap_player.hpp"

#include "backfill/imap_session.hpp"
#include "backfill/message_reader.hpp"
#include "base/bytes.hpp"
#include "net/unique_fd.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <array>
#include <cerrno>
#include <exception>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sstream>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

net::UniqueFd take(int fd) {
    if (fd < 0) {
        throw std::runtime_error{"no socket pair"};
    }
    return net::UniqueFd{fd};
}

class ImapPlayer final : public test::Player {
public:
    ImapPlayer() {
        std::array<int, 2> sockets{-1, -1};
        static_cast<void>(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()));
        ours_ = take(sockets[0]);
        server_ = take(sockets[1]);
        login_.address = {"imap.example", 143};
        login_.tls = config::ImapTls::off;
        login_.side = Side::destination;
        login_.user = "ann";
        login_.secret = Secret{Secret::Kind::text, "secret"};
    }
    ~ImapPlayer() override { hang_up(); }
    ImapPlayer(const ImapPlayer&) = delete;
    ImapPlayer& operator=(const ImapPlayer&) = delete;

    void feed(std::string_view octets) override {
        while (!octets.empty() && server_.valid()) {
            const auto sent = ::send(server_.get(), octets.data(), octets.size(), MSG_NOSIGNAL);
            if (sent <= 0) {
                return;  // we have closed it
            }
            octets.remove_prefix(static_cast<std::size_t>(sent));
        }
        settle();
    }

    void happen(std::string_view directive) override {
        if (is_at_work_) {
            throw std::runtime_error{"the last one is still at work: " + std::string{directive}};
        }
        std::istringstream words{std::string{directive}};
        std::string verb;
        words >> verb;
        if (verb == "open") {
            prepare_login(words);
            start(open(*this));
        } else if (verb == "folders") {
            start(folders(*this));
        } else if (verb == "examine" || verb == "select") {
            start(open_mailbox(*this, rest_of(words), verb == "select"));
        } else if (verb == "uids") {
            start(uids(*this, number_of(words)));
        } else if (verb == "changes") {
            const std::uint64_t modseq = number_of(words);
            start(changes(*this, modseq, number_of(words)));
        } else if (verb == "fetch") {
            std::string set;
            words >> set;
            start(fetch(*this, ImapSet::parse(set).value(), rest_of(words)));
        } else if (verb == "read") {
            start(read(*this, ImapSet::parse(rest_of(words)).value()));
        } else if (verb == "close") {
            start(close(*this));
        } else {
            throw std::runtime_error{"unknown directive: " + std::string{directive}};
        }
        settle();
    }

    std::string lose() override {
        hang_up();
        if (is_at_work_) {
            return "still waits for an answer";
        }
        return session_ && was_at_work_ && !session_->is_over() ? "takes the session for open" : "";
    }

private:
    static std::string rest_of(std::istream& words) {
        std::string rest;
        std::getline(words >> std::ws, rest);
        return rest;
    }
    static std::uint64_t number_of(std::istream& words) {
        std::uint64_t number = 0;
        words >> number;
        return number;
    }

    void prepare_login(std::istream& words) {
        for (std::string word; words >> word;) {
            if (word == "auth") {
                words >> word;
                login_.mechanism = parse_mechanism(word).value();
            } else if (word == "source") {
                login_.side = Side::source;
            } else if (word == "starttls") {
                login_.tls = config::ImapTls::starttls;
            } else {
                throw std::runtime_error{"unknown word: " + word};
            }
        }
    }

    void hang_up() {
        was_at_work_ = is_at_work_;
        server_ = {};
        settle();
    }

    void start(awaitable<void> body) {
        is_at_work_ = true;
        auto on_end = [this](const std::exception_ptr& failure) {
            is_at_work_ = false;
            if (failure) {
                std::rethrow_exception(failure);
            }
        };
        net::asio::co_spawn(loop_, std::move(body), std::move(on_end));
    }

    // Until nothing more happens by itself. What is found is told at the end, behind what we send:
    // so it does not matter in how many pieces the answers come.
    void settle() {
        loop_.restart();
        while (loop_.poll() > 0) {
        }
        while (server_.valid()) {
            std::array<char, 4096> room{};
            const auto got = ::recv(server_.get(), room.data(), room.size(), MSG_DONTWAIT);
            if (got > 0) {
                sent_.append(room.data(), static_cast<std::size_t>(got));
                continue;
            }
            if (got == 0 && !std::exchange(has_closed_, true)) {
                found_.emplace_back("! closes the connection");
            }
            break;
        }
        const std::size_t whole = sent_.rfind("\r\n");
        if (whole != std::string::npos) {
            emit_lines("C", sent_.substr(0, whole));
            sent_.erase(0, whole + 2);
        }
        if (!is_at_work_) {
            for (std::string& event : std::exchange(found_, {})) {
                emit(std::move(event));
            }
        }
    }

    void find(std::string event) { found_.push_back("! " + std::move(event)); }
    void fail(const Error& error) { find("failed: " + error.message()); }

    static awaitable<void> open(ImapPlayer& self) {
        auto made = net::Stream::create(self.loop_.get_executor(), std::move(self.ours_));
        net::Stream stream = std::move(made).value();
        Login login = self.login_;
        ImapSession::Host host;
        host.blocking = self.loop_.get_executor();
        std::optional<Trouble> trouble;
        auto begun =
            co_await ImapSession::begin(std::move(stream), std::move(login), host, trouble);
        if (!begun) {
            const std::string what = trouble ? std::string{name(*trouble)} : "not judged";
            self.find(fmt::format("failed ({}): {}", what, begun.error().message()));
            co_return;
        }
        self.session_ = std::move(*begun);
        self.find("let in");
    }

    static awaitable<void> folders(ImapPlayer& self) {
        std::vector<FolderState> states;
        const auto side = co_await self.session_->folders(states);
        if (!side) {
            co_return self.fail(side.error());
        }
        for (const FolderState& state : states) {
            self.find(fmt::format(
                "{}: {} messages{}{}",
                escape(state.folder.name),
                state.folder.messages,
                state.is_selectable ? "" : ", not to be selected",
                state.folder.is_subscribed ? ", subscribed" : ""
            ));
        }
        self.find(fmt::format("{} folders", states.size()));
    }

    static awaitable<void> open_mailbox(ImapPlayer& self, std::string name, bool may_write) {
        Result<void> opened;
        if (may_write) {
            opened = co_await self.session_->select(std::move(name));
        } else {
            opened = co_await self.session_->examine(std::move(name));
        }
        if (!opened) {
            co_return self.fail(opened.error());
        }
        self.tell_mailbox();
    }

    void tell_mailbox() {
        const OpenMailbox& mailbox = *session_->mailbox();
        find(fmt::format(
            "{}: {} messages, UIDVALIDITY {}, UIDNEXT {}, MODSEQ {}",
            escape(mailbox.name),
            mailbox.messages,
            mailbox.uid_validity,
            mailbox.uid_next,
            mailbox.modseq
        ));
    }

    static awaitable<void> uids(ImapPlayer& self, std::uint64_t first) {
        const auto found = co_await self.session_->uids(first);
        if (!found) {
            co_return self.fail(found.error());
        }
        self.find("UIDs " + found->text());
    }

    static awaitable<void> changes(ImapPlayer& self, std::uint64_t modseq, std::uint64_t last) {
        const auto found = co_await self.session_->changes(modseq, last);
        if (!found) {
            co_return self.fail(found.error());
        }
        self.find(fmt::format("flags {}, gone {}", found->flags.text(), found->vanished.text()));
        self.tell_mailbox();
    }

    static awaitable<void> fetch(ImapPlayer& self, ImapSet set, std::string items) {
        ImapSession::Each each = [&self](const FetchItem& item) {
            self.find(fmt::format(
                "UID {}: {}",
                item.uid.value_or(0),
                item.flags ? fmt::format("flags {}", fmt::join(*item.flags, " ")) : "no flags"
            ));
        };
        const auto fetched = co_await self.session_->fetch(std::move(set), std::move(items), each);
        if (!fetched) {
            co_return self.fail(fetched.error());
        }
        self.find("fetched");
    }

    static awaitable<void> read(ImapPlayer& self, ImapSet set) {
        MessageReader::Needs needs;
        needs.blocking = self.loop_.get_executor();
        needs.spool = std::filesystem::temp_directory_path();
        MessageReader reader{*self.session_, std::move(needs), set};
        for (;;) {
            const auto message = co_await reader.next();
            if (!message) {
                co_return self.fail(message.error());
            }
            if (!*message) {
                break;
            }
            const FetchedMessage& got = **message;
            self.find(fmt::format(
                "UID {} [{}] {}: {}",
                got.uid,
                fmt::join(got.flags, " "),
                got.internal_date,
                escape(got.body)
            ));
        }
        for (const auto& [uid, words] : reader.unread()) {
            self.find(fmt::format("UID {} cannot be read: {}", uid, words));
        }
        self.find("read");
    }

    static awaitable<void> close(ImapPlayer& self) {
        co_await self.session_->close();
        self.find("closed");
    }

    net::asio::io_context loop_{1};
    net::UniqueFd ours_;
    net::UniqueFd server_;
    Login login_;
    std::unique_ptr<ImapSession> session_;
    std::string sent_;                // an unfinished line of ours
    std::vector<std::string> found_;  // to be told behind what we send
    bool is_at_work_ = false;
    bool was_at_work_ = false;  // when the connection was lost
    bool has_closed_ = false;
};

}  // namespace

std::unique_ptr<test::Player> make_imap_player() {
    return std::make_unique<ImapPlayer>();
}

}  // namespace siding::backfill
