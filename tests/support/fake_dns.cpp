#include "tests/support/fake_dns.hpp"

#include "base/bytes.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <arpa/inet.h>
#include <array>
#include <cstring>
#include <netinet/in.h>

namespace siding::test {
namespace {

namespace asio = net::asio;
using asio::ip::tcp;
using asio::ip::udp;
using boost::system::error_code;
using Key = std::pair<std::string, std::uint16_t>;

std::string be16(std::size_t number) {
    return {static_cast<char>(number >> 8 & 0xFF), static_cast<char>(number & 0xFF)};
}

std::string be32(std::uint32_t number) {
    return be16(number >> 16) + be16(number & 0xFFFF);
}

std::string format(const DnsRecord& record) {
    return dns_name(record.owner) + be16(record.type) + be16(1) + be32(record.ttl) +
           be16(record.data.size()) + record.data;
}

Key question_of(std::string_view query) {
    std::string name;
    std::size_t at = 12;
    while (at < query.size() && query[at] != '\0') {
        const auto size = static_cast<unsigned char>(query[at]);
        name += (name.empty() ? "" : ".") + std::string{query.substr(at + 1, size)};
        at += 1U + size;
    }
    if (at + 2 >= query.size()) {
        return {};
    }
    const auto high = static_cast<unsigned char>(query[at + 1]);
    const auto low = static_cast<unsigned char>(query[at + 2]);
    return {to_lower(name), static_cast<std::uint16_t>(high << 8 | low)};
}

}  // namespace

std::string dns_name(std::string_view name) {
    std::string octets;
    while (!name.empty()) {
        const auto label = name.substr(0, name.find('.'));
        octets += static_cast<char>(label.size());
        octets += label;
        name.remove_prefix(std::min(name.size(), label.size() + 1));
    }
    return octets + '\0';
}

DnsRecord dns_address(std::string owner, const std::string& address, std::uint32_t ttl) {
    std::array<char, sizeof(in6_addr)> octets{};
    const bool is_ipv6 = address.find(':') != std::string::npos;
    ::inet_pton(is_ipv6 ? AF_INET6 : AF_INET, address.c_str(), octets.data());
    const std::uint16_t type = is_ipv6 ? 28 : 1;
    return {std::move(owner), type, ttl, std::string{octets.data(), is_ipv6 ? 16U : 4U}};
}

DnsRecord dns_mx(std::string owner, std::uint16_t preference, std::string_view host) {
    return {std::move(owner), 15, 300, be16(preference) + dns_name(host)};
}

DnsRecord dns_cname(std::string owner, std::string_view target, std::uint32_t ttl) {
    return {std::move(owner), 5, ttl, dns_name(target)};
}

DnsRecord dns_tlsa(std::string owner, std::string_view octets) {
    return {std::move(owner), 52, 300, std::string{octets}};
}

DnsRecord dns_soa(std::string owner, std::uint32_t minimum) {
    const std::string data = dns_name("ns.example") + dns_name("hostmaster.example") + be32(1) +
                             be32(2) + be32(3) + be32(4) + be32(minimum);
    return {std::move(owner), 6, 3600, data};
}

std::string make_dns_query(std::string_view name, std::uint16_t type) {
    const std::string flags{"\x01\x20", 2};  // RD, AD
    return be16(0x1234) + flags + be16(1) + be16(0) + be16(0) + be16(0) + dns_name(name) +
           be16(type) + be16(1);
}

DnsRecord dns_ns(std::string owner, std::string_view host, std::uint32_t ttl) {
    return {std::move(owner), 2, ttl, dns_name(host)};
}

DnsRecord dns_opt(
    const std::vector<std::pair<std::uint16_t, std::string>>& options, unsigned upper_rcode
) {
    std::string data;
    for (const auto& [code, octets] : options) {
        data += be16(code) + be16(octets.size()) + octets;
    }
    return {"", 41, static_cast<std::uint32_t>(upper_rcode) << 24, data};
}

std::string make_dns_reply(std::string_view query, const DnsReply& reply) {
    const auto [name, type] = question_of(query);
    const bool wants_ad = (static_cast<unsigned char>(query[3]) & 0x20) != 0;
    const bool is_authenticated = reply.is_authenticated && wants_ad;
    const bool has_extra = query.substr(10, 2) != std::string_view{"\0\0", 2};
    const bool is_refusing = reply.refuses_edns && has_extra;
    const unsigned flags =
        0x8180U | (reply.is_cut_off ? 0x0200U : 0U) | (is_authenticated ? 0x0020U : 0U) |
        (reply.is_authoritative ? 0x0400U : 0U) | (is_refusing ? 1U : reply.rcode);
    const bool is_empty = reply.is_cut_off || is_refusing;
    std::string octets{query.substr(0, 2)};
    if (reply.has_wrong_id) {
        octets[0] = static_cast<char>(static_cast<unsigned char>(octets[0]) ^ 0x55U);
    }
    octets += be16(flags) + be16(reply.lacks_question ? 0 : 1) +
              be16(is_empty ? 0 : reply.answers.size()) +
              be16(is_empty ? 0 : reply.authority.size()) +
              be16(is_empty ? 0 : reply.additional.size());
    if (!reply.lacks_question) {
        octets += dns_name(reply.is_to_another ? "other.example" : name) + be16(type) + be16(1);
    }
    if (is_empty) {
        return octets;
    }
    for (const DnsRecord& record : reply.answers) {
        octets += format(record);
    }
    for (const DnsRecord& record : reply.authority) {
        octets += format(record);
    }
    for (const DnsRecord& record : reply.additional) {
        octets += format(record);
    }
    return octets + reply.octets;
}

struct FakeDns::Body : std::enable_shared_from_this<FakeDns::Body> {
    Body(asio::any_io_executor executor, const std::string& host, std::uint16_t wanted)
        : datagrams{executor}, acceptor{executor} {
        const auto loopback = asio::ip::make_address_v4(host);
        error_code code;
        do {  // until both protocols have the same port
            datagrams = udp::socket{executor, udp::endpoint{loopback, wanted}};
            const auto port = datagrams.local_endpoint().port();
            acceptor = tcp::acceptor{executor};
            acceptor.open(tcp::v4());
            acceptor.set_option(tcp::acceptor::reuse_address{wanted != 0});
            acceptor.bind(tcp::endpoint{loopback, port}, code);
        } while (code);
        acceptor.listen();
    }

    DnsReply answer(std::string_view query, bool is_tcp) {
        const Key key = question_of(query);
        ++asked[key];
        last_query = query;
        over_tcp += is_tcp ? 1U : 0U;
        const auto known = replies.find(key);
        if (known == replies.end()) {
            return {.rcode = 3};
        }
        DnsReply reply = known->second;
        reply.is_cut_off = reply.is_cut_off && !is_tcp;
        return reply;
    }

    void receive() {
        auto on_query = [self = shared_from_this()](error_code code, std::size_t size) {
            if (code) {
                return;
            }
            const std::string_view query{self->room.data(), size};
            self->client_ports.push_back(self->peer.port());
            const DnsReply reply = self->answer(query, false);
            if (!reply.is_dropped) {
                const std::string octets = make_dns_reply(query, reply);
                error_code ignored;
                self->datagrams.send_to(asio::buffer(octets), self->peer, 0, ignored);
            }
            self->receive();
        };
        datagrams.async_receive_from(asio::buffer(room), peer, std::move(on_query));
    }

    void accept() {
        acceptor.async_accept([self = shared_from_this()](error_code code, tcp::socket socket) {
            if (!code) {
                self->serve(std::make_shared<tcp::socket>(std::move(socket)));
                self->accept();
            }
        });
    }

    void serve(std::shared_ptr<tcp::socket> socket) {
        const auto query = std::make_shared<std::string>(2, '\0');
        auto on_size = [self = shared_from_this(), socket, query](error_code code, std::size_t) {
            if (code) {
                return;
            }
            const auto high = static_cast<unsigned char>((*query)[0]);
            const auto low = static_cast<unsigned char>((*query)[1]);
            query->resize(static_cast<std::size_t>(high << 8 | low));
            auto on_query = [self, socket, query](error_code failure, std::size_t) {
                if (failure) {
                    return;
                }
                const DnsReply reply = self->answer(*query, true);
                if (reply.is_deaf_to_tcp) {
                    self->silent.push_back(socket);
                    return;
                }
                const std::string octets = make_dns_reply(*query, reply);
                error_code ignored;
                asio::write(*socket, asio::buffer(be16(octets.size()) + octets), ignored);
                self->serve(socket);
            };
            asio::async_read(*socket, asio::buffer(*query), std::move(on_query));
        };
        asio::async_read(*socket, asio::buffer(*query), std::move(on_size));
    }

    udp::socket datagrams;
    tcp::acceptor acceptor;
    std::map<Key, DnsReply> replies;
    std::map<Key, std::size_t> asked;
    std::size_t over_tcp = 0;
    std::vector<std::uint16_t> client_ports;
    std::string last_query;
    std::vector<std::shared_ptr<tcp::socket>> silent;  // connections that hear nothing
    std::array<char, 4096> room{};
    udp::endpoint peer;
};

FakeDns::FakeDns(asio::any_io_executor executor, std::string host, std::uint16_t port)
    : body_{std::make_shared<Body>(std::move(executor), host, port)} {
    body_->receive();
    body_->accept();
}

FakeDns::~FakeDns() {
    error_code ignored;
    body_->datagrams.close(ignored);
    body_->acceptor.close(ignored);
}

net::HostPort FakeDns::address() const {
    const auto own = body_->datagrams.local_endpoint();
    return {own.address().to_string(), own.port()};
}

void FakeDns::set(const std::string& name, std::uint16_t type, DnsReply reply) {
    body_->replies.insert_or_assign({name, type}, std::move(reply));
}

void FakeDns::add(DnsRecord record, bool is_authenticated) {
    DnsReply& reply = body_->replies[{record.owner, record.type}];
    reply.is_authenticated = is_authenticated;
    reply.answers.push_back(std::move(record));
}

std::size_t FakeDns::questions() const {
    std::size_t count = 0;
    for (const auto& [key, asked] : body_->asked) {
        count += asked;
    }
    return count;
}

std::size_t FakeDns::questions(const std::string& name, std::uint16_t type) const {
    const auto found = body_->asked.find({name, type});
    return found == body_->asked.end() ? 0 : found->second;
}

std::vector<std::uint16_t> FakeDns::client_ports() const {
    return body_->client_ports;
}

std::string FakeDns::last_query() const {
    return body_->last_query;
}

std::size_t FakeDns::questions_over_tcp() const {
    return body_->over_tcp;
}

}  // namespace siding::test
