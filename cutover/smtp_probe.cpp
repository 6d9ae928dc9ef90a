#include "cutover/smtp_probe.hpp"

#include "base/bytes.hpp"
#include "net/connect.hpp"
#include "net/network_error.hpp"
#include "net/proxy_protocol.hpp"
#include "net/tls_client.hpp"

#include <boost/system/errc.hpp>

#include <array>
#include <utility>

namespace siding::cutover {
namespace {

using Reach = SmtpView::Reach;

bool is_no_route(const Error& error) {
    namespace errc = boost::system::errc;
    return error.code == errc::network_unreachable || error.code == errc::host_unreachable ||
           error.code == errc::address_not_available ||
           error.code == errc::address_family_not_supported;
}

Reach reach_of(const Error& error) {
    if (is_no_route(error)) {
        return Reach::no_route;
    }
    if (error.code == boost::system::errc::connection_refused) {
        return Reach::refused;
    }
    return net::is_timeout(error) ? Reach::timed_out : Reach::failed;
}

std::string upper(std::string_view text) {
    std::string result = escape(text, 512);
    for (char& c : result) {
        c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    return result;
}

Error not_ready(const std::string& stage, const smtp::Reply& reply) {
    return {Errc::unavailable, "it answers " + stage + " with \"" + reply.text() + "\""};
}

}  // namespace

SmtpProbe::SmtpProbe(net::Endpoint address, SmtpProbeOptions options)
    : options_{std::move(options)} {
    view_.address = std::move(address);
}

SmtpProbe::~SmtpProbe() = default;

net::awaitable<std::unique_ptr<SmtpProbe>> SmtpProbe::open(
    net::Endpoint address, SmtpProbeOptions options
) {
    std::unique_ptr<SmtpProbe> probe{new SmtpProbe{std::move(address), std::move(options)}};
    const auto begun = std::chrono::steady_clock::now();
    co_await probe->run();
    probe->view_.took = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - begun
    );
    co_return probe;
}

net::awaitable<void> SmtpProbe::run() {
    net::ConnectOptions connecting;
    connecting.timeout = options_.timeout;
    connecting.source_addresses = options_.source_addresses;
    std::vector<net::Endpoint> targets{view_.address};
    auto connected = co_await net::connect(std::move(targets), std::move(connecting));
    if (connected.has_error()) {
        fail(connected.error());
        co_return;
    }
    stream_.emplace(std::move(*connected));
    if (options_.says_proxy) {
        const std::string header = net::format_proxy_v2(stream_->local(), stream_->peer());
        auto said = co_await stream_->write(header, options_.timeout);
        if (said.has_error()) {
            fail(said.error());
            co_return;
        }
    }
    if (options_.is_implicit_tls) {
        auto begun = co_await start_tls();
        if (begun.has_error()) {
            fail(begun.error());
            co_return;
        }
    }
    auto greeted = co_await greet();
    if (greeted.has_error()) {
        fail(greeted.error());
        co_return;
    }
    view_.reach = Reach::answered;
    if (!view_.offers_tls || !options_.wants_tls || options_.is_implicit_tls) {
        co_return;
    }
    auto answer = co_await say("STARTTLS");
    if (answer.has_error() || !answer->is_positive()) {
        view_.tls_problem = answer.has_error() ? answer.error().message() : answer->text();
        co_return;
    }
    auto begun = co_await start_tls();
    if (begun.has_error()) {
        view_.tls_problem = escape(begun.error().message());
        stream_.reset();
        co_return;
    }
    auto again = co_await ehlo(view_.tls_keywords);
    if (again.has_error()) {
        view_.tls_problem = escape(again.error().message());
        stream_.reset();
    }
}

net::awaitable<Result<void>> SmtpProbe::greet() {
    auto first = co_await read_reply();
    SIDING_CO_ASSIGN(const smtp::Reply greeting, std::move(first));
    view_.greeting = greeting.text();
    if (greeting.code != 220) {
        co_return not_ready("a new connection", greeting);
    }
    auto answer = co_await ehlo(view_.keywords);
    SIDING_CO_ASSIGN(const smtp::Reply hello, std::move(answer));
    if (hello.is_positive()) {
        view_.offers_tls = view_.extensions.has(smtp::Extension::starttls);
        co_return Result<void>{};
    }
    auto older = co_await say("HELO " + options_.hello);
    SIDING_CO_ASSIGN(const smtp::Reply helo, std::move(older));
    if (!helo.is_positive()) {
        co_return not_ready("EHLO and HELO", helo);
    }
    co_return Result<void>{};
}

net::awaitable<Result<smtp::Reply>> SmtpProbe::ehlo(std::vector<std::string>& keywords) {
    auto answer = co_await say("EHLO " + options_.hello);
    if (answer.has_error() || !answer->is_positive()) {
        co_return answer;
    }
    const std::string& first = answer->lines.front();
    view_.server_name = to_lower(escape(first.substr(0, first.find(' ')), 255));
    view_.extensions = smtp::parse_ehlo_reply(*answer);
    keywords.clear();
    for (std::size_t i = 1; i < answer->lines.size(); ++i) {
        keywords.push_back(upper(answer->lines[i]));
    }
    co_return answer;
}

net::awaitable<Result<void>> SmtpProbe::start_tls() {
    net::TlsClient::Options tls;
    tls.name = options_.name;
    SIDING_CO_ASSIGN(auto client, net::TlsClient::create(std::move(tls)));
    auto shaken = co_await stream_->start_tls(std::move(client), options_.timeout);
    SIDING_CO_TRY(std::move(shaken));
    view_.tls = stream_->tls();
    view_.chain = stream_->peer_chain();
    unread_.clear();
    co_return Result<void>{};
}

net::awaitable<Result<smtp::Reply>> SmtpProbe::say(std::string_view line) {
    const std::string command = std::string{line} + "\r\n";
    if (!stream_) {
        co_return Error{Errc::unavailable, "the connection is gone"};
    }
    auto sent = co_await stream_->write(command, options_.timeout);
    SIDING_CO_TRY(std::move(sent));
    auto reply = co_await read_reply();
    co_return reply;
}

net::awaitable<Result<smtp::Reply>> SmtpProbe::read_reply() {
    const auto end = std::chrono::steady_clock::now() + options_.timeout;
    std::array<char, 4096> room{};
    while (true) {
        const auto fed = parser_.feed(unread_);
        unread_.erase(0, fed.consumed);
        switch (fed.status) {
        case smtp::ReplyParser::Status::complete:
            co_return parser_.take();
        case smtp::ReplyParser::Status::malformed:
            co_return Error{
                Errc::unavailable,
                "it does not speak SMTP: \"" + escape(parser_.line(), 80) + "\""};
        case smtp::ReplyParser::Status::incomplete:
            break;
        }
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            end - std::chrono::steady_clock::now()
        );
        if (left.count() <= 0) {
            co_return net::make_timeout("no reply from " + view_.address.text());
        }
        auto count = co_await stream_->read_some(room, left);
        SIDING_CO_TRY(std::move(count));
        unread_.append(room.data(), *count);
    }
}

net::awaitable<void> SmtpProbe::close() {
    if (stream_) {
        auto ignored = co_await say("QUIT");
        static_cast<void>(ignored);
        stream_.reset();
    }
}

void SmtpProbe::fail(const Error& error) {
    view_.reach = reach_of(error);
    view_.problem = escape(error.message());
    stream_.reset();
}

net::awaitable<SmtpView> look_at_smtp(net::Endpoint address, SmtpProbeOptions options) {
    auto probe = co_await SmtpProbe::open(std::move(address), std::move(options));
    co_await probe->close();
    co_return probe->view();
}

}  // namespace siding::cutover
