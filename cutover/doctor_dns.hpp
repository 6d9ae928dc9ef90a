// The checks of a domain's zone (D01 to D16), and how they write zone files. doctor_dns_table.cpp
// is the table; each other file has the checks of one subject.
#pragma once

#include "cutover/doctor_facts.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace siding::cutover {

// doctor_dns_servers.cpp: the authoritative servers
net::awaitable<CheckOutcome> check_delegation(const DoctorFacts& facts);  // D01
net::awaitable<CheckOutcome> check_same_mx(const DoctorFacts& facts);     // D02

// doctor_dns_mx.cpp, doctor_dns_mx_hosts.cpp: the MX records
net::awaitable<CheckOutcome> check_mx_hosts(const DoctorFacts& facts);       // D03
net::awaitable<CheckOutcome> check_null_mx(const DoctorFacts& facts);        // D04
net::awaitable<CheckOutcome> check_leftover_mx(const DoctorFacts& facts);    // D05
net::awaitable<CheckOutcome> check_has_mx(const DoctorFacts& facts);         // D06
net::awaitable<CheckOutcome> check_mx_ipv6(const DoctorFacts& facts);        // D07
net::awaitable<CheckOutcome> check_double_suffix(const DoctorFacts& facts);  // D08

// doctor_dns_times.cpp
net::awaitable<CheckOutcome> check_mx_ttl(const DoctorFacts& facts);        // D09
net::awaitable<CheckOutcome> check_other_ttls(const DoctorFacts& facts);    // D10
net::awaitable<CheckOutcome> check_negative_ttl(const DoctorFacts& facts);  // D11

// doctor_dns_security.cpp
net::awaitable<CheckOutcome> check_dnssec(const DoctorFacts& facts);  // D12

// doctor_dns_scope.cpp: what belongs to it
net::awaitable<CheckOutcome> check_split_horizon(const DoctorFacts& facts);  // D13
net::awaitable<CheckOutcome> check_wildcards(const DoctorFacts& facts);      // D14
net::awaitable<CheckOutcome> check_registration(const DoctorFacts& facts);   // D15
net::awaitable<CheckOutcome> check_other_domains(const DoctorFacts& facts);  // D16

// What the checks share.

// "example.com.  300  IN  MX  10 mx.example.net.", a line to paste. `data` has its dots.
std::string zone_line(
    std::string_view owner, std::chrono::seconds ttl, std::string_view type, std::string_view data
);
// "v=…" as a string of a zone file, in pieces of 255 octets.
std::string zone_text(std::string_view text);

std::string join(const std::vector<std::string>& items, std::string_view separator);

// MX hosts that are served now, without the null MX; in the order of their preference.
std::vector<std::string> served_hosts(const DoctorFacts& facts);
// "10 mx1.example.net, 20 mx2.example.net"
std::string describe_mx(const std::vector<dns::Mx>& records);
// The TTL to write: that of the MX records, else 300.
std::chrono::seconds usual_ttl(const DoctorFacts& facts);
// Why what is served is not known.
CheckOutcome without_mx(const DoctorFacts& facts);

}  // namespace siding::cutover
