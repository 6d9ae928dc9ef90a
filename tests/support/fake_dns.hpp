// A DNS server for tests: gives the answers that it was told to, over UDP and TCP on one free port
// of 127.0.0.1, on the test's own loop. What it was told nothing about does not exist.
#pragma once

#include "net/asio.hpp"
#include "net/endpoint.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace siding::test {

struct DnsRecord {
    std::string owner;
    std::uint16_t type = 0;
    std::uint32_t ttl = 300;
    std::string data{};
};

std::string dns_name(std::string_view name);  // on the wire, not compressed
DnsRecord dns_address(std::string owner, const std::string& address, std::uint32_t ttl = 300);
DnsRecord dns_mx(std::string owner, std::uint16_t preference, std::string_view host);
DnsRecord dns_cname(std::string owner, std::string_view target, std::uint32_t ttl = 300);
DnsRecord dns_tlsa(std::string owner, std::string_view octets);
DnsRecord dns_soa(std::string owner, std::uint32_t minimum);
DnsRecord dns_ns(std::string owner, std::string_view host, std::uint32_t ttl = 300);
// EDNS: options by code, and the upper bits of the error code.
DnsRecord dns_opt(
    const std::vector<std::pair<std::uint16_t, std::string>>& options, unsigned upper_rcode = 0
);

struct DnsReply {
    unsigned rcode = 0;
    bool is_authenticated = false;
    bool is_dropped = false;     // no answer at all
    bool is_cut_off = false;     // over UDP: empty, with TC
    bool is_to_another = false;  // question
    std::vector<DnsRecord> answers{};
    std::vector<DnsRecord> authority{};
    std::string octets{};  // instead of the sections, behind the question
    bool is_authoritative = false;
    std::vector<DnsRecord> additional{};
    bool lacks_question = false;
    bool has_wrong_id = false;
    bool refuses_edns = false;  // FORMERR to a query with more than a question
    bool is_deaf_to_tcp = false;
};

// A whole message; `query` is the client's.
std::string make_dns_reply(std::string_view query, const DnsReply& reply);
std::string make_dns_query(std::string_view name, std::uint16_t type);

class FakeDns {
public:
    // On a port that is free, or all on one port of several addresses of the loopback network.
    explicit FakeDns(
        net::asio::any_io_executor executor, std::string host = "127.0.0.1", std::uint16_t port = 0
    );
    ~FakeDns();
    FakeDns(const FakeDns&) = delete;
    FakeDns& operator=(const FakeDns&) = delete;

    net::HostPort address() const;
    // Queries without the AD bit get no signed answer, as with a real one.
    void set(const std::string& name, std::uint16_t type, DnsReply reply);
    void add(DnsRecord record, bool is_authenticated = false);
    std::size_t questions() const;
    std::size_t questions(const std::string& name, std::uint16_t type) const;
    std::size_t questions_over_tcp() const;
    std::vector<std::uint16_t> client_ports() const;  // over UDP, in the order of the questions
    std::string last_query() const;

private:
    struct Body;
    std::shared_ptr<Body> body_;
};

}  // namespace siding::test
