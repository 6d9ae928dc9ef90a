#include "dns/exchange.hpp"

#include "dns/query.hpp"

#include <cerrno>
#include <random>
#include <system_error>
#include <utility>

namespace siding::dns {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

// RFC 5452 §4.3: nobody must be able to guess it.
std::uint16_t make_id() {
    static thread_local std::random_device random;
    return static_cast<std::uint16_t>(random());
}

// What is said of an address family that this host does not have, or has to its next router only.
// Of IPv4 "no route to host" means the one host.
bool means_no_route(int number, const net::HostPort& server) {
    const bool is_ipv6 = server.host.find(':') != std::string::npos;
    return number == ENETUNREACH || number == EADDRNOTAVAIL || number == EAFNOSUPPORT ||
           (is_ipv6 && number == EHOSTUNREACH);
}

std::string in_words(milliseconds time) {
    const auto whole = duration_cast<std::chrono::seconds>(time);
    return time == whole ? std::to_string(whole.count()) + " s"
                         : std::to_string(time.count()) + " ms";
}

// "read: Connection refused" is of no use; "connection refused" is.
std::string error_words(int number) {
    std::string words = std::system_category().message(number);
    if (!words.empty() && words[0] >= 'A' && words[0] <= 'Z') {
        words[0] = static_cast<char>(words[0] - 'A' + 'a');
    }
    return words;
}

}  // namespace

Exchange::Exchange(net::asio::any_io_executor executor, const Clock& clock, Order order, Done done)
    : executor_{std::move(executor)},
      clock_{clock},
      order_{std::move(order)},
      done_{std::move(done)},
      by_tcp_{order_.how.transport == Transport::tcp} {
    sample_.server = order_.server;
    sample_.question = Question{plain_name(order_.question.name), order_.question.type};
}

void Exchange::start() {
    sent_at_ = std::chrono::steady_clock::now();
    send();
}

void Exchange::send() {
    const std::uint16_t id = make_id();
    const QueryFlags flags{order_.how.recurse, order_.how.checking_disabled, with_edns_};
    const auto query = make_query(id, sample_.question, flags);
    if (!query) {
        finish(Sample::Kind::malformed, query.error().context);
        return;
    }
    ++tries_;
    auto made =
        AresChannel::create_probe(executor_, order_.server, order_.how.timeout, by_tcp_, id);
    if (!made) {
        const bool is_ours = made.error().is(Errc::invalid_argument);
        finish(is_ours ? Sample::Kind::malformed : Sample::Kind::unreachable, made.error().context);
        return;
    }
    sent_at_ = std::chrono::steady_clock::now();
    const auto channel = *made;  // stays until c-ares has returned, whatever happens meanwhile
    channel_ = channel;
    auto on_end = [weak = weak_from_this()](auto failure, std::string_view octets) {
        if (const auto self = weak.lock()) {
            self->on_reply(failure, octets);
        }
    };
    channel->send_query(*query, std::move(on_end));
}

void Exchange::on_reply(std::optional<AresChannel::Failure> failure, std::string_view octets) {
    if (!failure) {
        on_octets(octets);
        return;
    }
    const int number = channel_->seen().error_number();
    switch (*failure) {
    case AresChannel::Failure::timed_out:
        on_silence();
        return;
    case AresChannel::Failure::unreachable:
        sample_.has_no_route = means_no_route(number, order_.server);
        finish(
            Sample::Kind::unreachable,
            number == 0 ? "the connection was closed without an answer" : error_words(number)
        );
        return;
    case AresChannel::Failure::other:
        finish(Sample::Kind::malformed, "not an answer in the form of DNS");
        return;
    }
}

// RFC 6891 §7: an old server calls a query with EDNS malformed.
bool Exchange::retry_plain(int code) {
    if (!with_edns_ || (code != rcode::malformed_query && code != rcode::not_implemented)) {
        return false;
    }
    with_edns_ = false;
    send();
    return true;
}

void Exchange::on_octets(std::string_view octets) {
    auto response = parse_response(octets, sample_.question);
    // More than we have said that we take, and not marked as cut off: c-ares has cut it.
    const bool is_too_long = !response && !by_tcp_ && octets.size() >= udp_octets_max;
    if (is_too_long && order_.how.transport == Transport::udp_then_tcp) {
        was_cut_off_ = by_tcp_ = true;
        send();
        return;
    }
    if (!response) {
        finish(Sample::Kind::malformed, response.error().context);
        return;
    }
    if (retry_plain(response->rcode)) {
        return;
    }
    if (response->truncated && !by_tcp_ && order_.how.transport == Transport::udp_then_tcp) {
        was_cut_off_ = by_tcp_ = true;
        send();
        return;
    }
    sample_.response = std::move(*response);
    sample_.response.by_tcp = by_tcp_;
    finish(Sample::Kind::answered, {});
}

void Exchange::on_silence() {
    const std::string datagram = channel_->seen().last_datagram();
    const unsigned wrong_ids = channel_->seen().wrong_ids();
    if (!datagram.empty()) {
        // With our id, but c-ares would not have it: it has no question, or another.
        const auto read = parse_response(datagram, sample_.question);
        if (!read) {
            finish(Sample::Kind::malformed, read.error().context);
        } else if (!retry_plain(read->rcode)) {
            finish(Sample::Kind::malformed, "an answer without a question");
        }
        return;
    }
    if (!by_tcp_ && tries_ < order_.how.tries) {
        send();
        return;
    }
    std::string problem = "no answer in " + in_words(order_.how.timeout);
    if (wrong_ids > 0) {
        problem += "; " + std::to_string(wrong_ids) + " with a wrong id, which may be forged";
    }
    finish(Sample::Kind::timed_out, std::move(problem));
}

void Exchange::finish(Sample::Kind kind, std::string problem) {
    if (was_cut_off_ && kind != Sample::Kind::answered) {
        problem = "cut off over UDP, and over TCP: " + problem;
    }
    sample_.kind = kind;
    sample_.problem = std::move(problem);
    sample_.at = clock_.now();
    sample_.rtt = duration_cast<milliseconds>(std::chrono::steady_clock::now() - sent_at_);
    channel_.reset();
    const Done done = std::exchange(done_, nullptr);
    done(std::move(sample_));
}

}  // namespace siding::dns
