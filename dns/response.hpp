// A whole answer of one DNS server: its flags, its three sections, and what EDNS says besides
// (NSID, extended errors, ECS). Pure; every length is checked against the octets that are there.
//
// An error code is part of an answer. What is no answer to this question is refused.
#pragma once

#include "base/result.hpp"
#include "dns/record.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace siding::dns {

struct Question {
    Question() = default;  // no aggregate: net/asio.hpp
    Question(std::string asked, RecordType wanted) : name{std::move(asked)}, type{wanted} {}

    std::string name;  // in any case, with or without its last dot; empty or ".": the root
    RecordType type = RecordType::mx;

    bool operator==(const Question&) const = default;
};

// RFC 8914.
struct ExtendedError {
    int code = 0;
    std::string text{};  // printable

    bool operator==(const ExtendedError&) const = default;
};

namespace rcode {
inline constexpr int no_error = 0;
inline constexpr int malformed_query = 1;  // FORMERR
inline constexpr int server_failure = 2;   // SERVFAIL
inline constexpr int no_such_name = 3;     // NXDOMAIN
inline constexpr int not_implemented = 4;  // NOTIMP
inline constexpr int refused = 5;          // REFUSED
inline constexpr int bad_version = 16;     // BADVERS, RFC 6891 §9
}  // namespace rcode

std::string format_rcode(int code);  // "SERVFAIL", "RCODE11"

struct Response {
    Response() = default;  // no aggregate: net/asio.hpp

    int rcode = 0;  // with the upper bits of EDNS
    bool authoritative = false;
    bool truncated = false;
    bool recursion_available = false;
    bool authenticated = false;
    bool has_edns = false;
    std::vector<ResourceRecord> answers;
    std::vector<ResourceRecord> authority;
    std::vector<ResourceRecord> additional;  // without OPT
    std::string nsid;                        // printable; hexadecimal where it is no text
    std::vector<ExtendedError> errors;
    int ecs_scope = 0;
    std::size_t octets = 0;  // of the message
    bool by_tcp = false;
};

// Errc::unavailable for what is malformed, no answer, or "answers another question". Of an answer
// that is cut off, only what is whole is kept. The id is not looked at.
Result<Response> parse_response(std::string_view octets, const Question& question);

// The records of the answer section; aliases are not followed.
std::vector<ResourceRecord> find(const Response& response, std::string_view owner, RecordType type);

// Records of one owner and type, in a form in which sets of two servers can be compared.
struct RrSet {
    std::vector<std::string> data{};  // format_rdata, sorted, each once; empty: there are none
    std::chrono::seconds ttl{0};      // the least

    bool empty() const { return data.empty(); }
    std::string text() const;  // "10 a.example; 20 b.example", "" for none
    bool operator==(const RrSet&) const = default;
};

RrSet make_rrset(const std::vector<ResourceRecord>& records);  // of one owner and type
RrSet rrset_of(const Response& response, std::string_view owner, RecordType type);

// The name that the answer's CNAMEs lead to from `owner`; `owner` itself where there are none.
std::string follow_aliases(const Response& response, std::string_view owner);

// RFC 2308 §5: for how long there is nothing, by the SOA of the authority section; zero without
// one.
std::chrono::seconds negative_ttl_of(const Response& response);

}  // namespace siding::dns
