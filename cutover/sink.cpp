#include "cutover/sink.hpp"

#include "base/limits.hpp"
#include "net/listener.hpp"
#include "smtp/server_dialogue.hpp"

#include <chrono>
#include <variant>

namespace siding::cutover {
namespace {

using net::awaitable;
using std::chrono_literals::operator""s;

constexpr std::size_t tasks_max = 1024;
constexpr auto idle_timeout = 120s;
constexpr auto write_timeout = 30s;

class SinkSession {
public:
    SinkSession(net::Stream stream, const Sink::Options& options)
        : options_{options},
          stream_{std::move(stream)},
          buffer_{limits::read_buffer_octets, limits::command_line_octets_max},
          dialogue_{make_options(options)} {}

    awaitable<void> run();

private:
    static smtp::ServerOptions make_options(const Sink::Options& options) {
        smtp::ServerOptions made;
        made.hostname = options.hostname;
        made.recipients_max = 100'000;
        made.message_octets_max = options.message_octets_max;
        return made;
    }

    awaitable<Result<void>> flush();
    awaitable<Result<smtp::Step>> perform(const smtp::Action& action);
    awaitable<Result<smtp::Step>> read_command();
    awaitable<Result<smtp::Step>> receive_data();
    smtp::Step take(const smtp::Envelope& envelope);

    const Sink::Options& options_;
    net::Stream stream_;
    net::ReadBuffer buffer_;
    smtp::ServerDialogue dialogue_;
    std::string output_;
    std::string body_;
};

awaitable<void> SinkSession::run() {
    smtp::Step step = dialogue_.greet();
    for (;;) {
        output_ += step.output;
        if (std::holds_alternative<smtp::action::Close>(step.action)) {
            static_cast<void>(co_await flush());
            co_return;
        }
        auto next = co_await perform(step.action);
        if (!next) {
            co_return;
        }
        step = std::move(*next);
    }
}

awaitable<Result<void>> SinkSession::flush() {
    const std::string pending = std::exchange(output_, {});
    if (pending.empty()) {
        co_return Result<void>{};
    }
    co_return co_await stream_.write(pending, write_timeout);
}

awaitable<Result<smtp::Step>> SinkSession::perform(const smtp::Action& action) {
    if (std::holds_alternative<smtp::action::ReadCommand>(action)) {
        co_return co_await read_command();
    }
    if (std::holds_alternative<smtp::action::ReceiveData>(action)) {
        co_return co_await receive_data();
    }
    if (const auto* commit = std::get_if<smtp::action::Commit>(&action)) {
        co_return take(commit->envelope);
    }
    co_return dialogue_.on_accepted();
}

awaitable<Result<smtp::Step>> SinkSession::read_command() {
    auto line = buffer_.next_line();
    if (!line) {
        SIDING_CO_TRY(co_await flush());
        SIDING_CO_ASSIGN(line, co_await stream_.read_line(buffer_, idle_timeout));
    }
    if (line->too_long) {
        co_return dialogue_.on_line_too_long();
    }
    co_return dialogue_.on_line(line->text);
}

awaitable<Result<smtp::Step>> SinkSession::receive_data() {
    SIDING_CO_TRY(co_await flush());
    body_.clear();
    smtp::DataDecoder decoder;
    for (bool done = false; !done;) {
        if (buffer_.empty()) {
            SIDING_CO_TRY(co_await stream_.fill(buffer_, idle_timeout));
        }
        const auto fed = decoder.feed(buffer_.data(), body_);
        buffer_.consume(fed.consumed);
        done = fed.done;
    }
    co_return dialogue_.on_data_end({});
}

smtp::Step SinkSession::take(const smtp::Envelope& envelope) {
    Arrival arrival;
    arrival.reverse_path = envelope.reverse_path.text;
    for (const auto& recipient : envelope.recipients) {
        arrival.recipients.push_back(recipient.path.text);
    }
    arrival.octets = std::exchange(body_, {});
    options_.on_arrival(std::move(arrival));
    return dialogue_.on_answer({250, {2, 0, 0}, "Ok: taken"});
}

}  // namespace

Sink::Sink(net::asio::any_io_executor executor, Options options)
    : options_{std::move(options)}, tasks_{std::move(executor), "sink", tasks_max} {}

Result<void> Sink::start() {
    SIDING_ASSIGN(auto socket, net::listen_tcp(net::HostPort{"127.0.0.1", 0}));
    SIDING_ASSIGN(auto acceptor, net::Acceptor::create(tasks_.executor(), std::move(socket)));
    address_ = acceptor.local();
    return tasks_.spawn(serve(std::move(acceptor), *this));
}

awaitable<void> Sink::serve(net::Acceptor acceptor, Sink& self) {
    auto on_connection = [&self](net::Accepted accepted) {
        auto stream = std::move(accepted).open(self.tasks_.executor());
        if (stream) {
            // Full: the connection is closed, and the sender tries again.
            static_cast<void>(self.tasks_.spawn(run_session(std::move(*stream), self)));
        }
    };
    static_cast<void>(co_await acceptor.serve(std::move(on_connection)));
}

awaitable<void> Sink::run_session(net::Stream stream, Sink& self) {
    SinkSession session{std::move(stream), self.options_};
    co_await session.run();
}

awaitable<void> Sink::stop() {
    tasks_.abort();
    co_await tasks_.join();
}

}  // namespace siding::cutover
