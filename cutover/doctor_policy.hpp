// The checks of what a domain says about its mail: MTA-STS, DANE, SPF, DKIM, DMARC, reports; and of
// what the destination must know of us. doctor_policy_table.cpp is the table; each other file has
// the checks of one subject. P03 and P06 are in doctor_hosts_tls.cpp.
#pragma once

#include "cutover/doctor_facts.hpp"

#include <string>
#include <vector>

namespace siding::cutover {

// doctor_policy_sts.cpp
net::awaitable<CheckOutcome> check_sts_policy(const DoctorFacts& facts);  // P01
net::awaitable<CheckOutcome> check_sts_host(const DoctorFacts& facts);    // P02

// doctor_policy_dane.cpp
net::awaitable<CheckOutcome> check_dane(const DoctorFacts& facts);  // P04

// doctor_policy_records.cpp
net::awaitable<CheckOutcome> check_tls_reports(const DoctorFacts& facts);  // P05
net::awaitable<CheckOutcome> check_dkim(const DoctorFacts& facts);         // P08
net::awaitable<CheckOutcome> check_dmarc(const DoctorFacts& facts);        // P09

// doctor_policy_spf.cpp
net::awaitable<CheckOutcome> check_spf(const DoctorFacts& facts);  // P07

// doctor_policy_transit.cpp: what happens to others' mail on its way through us
net::awaitable<CheckOutcome> check_destination_trust(const DoctorFacts& facts);  // P10
net::awaitable<CheckOutcome> check_untouched(const DoctorFacts& facts);          // P11
net::awaitable<CheckOutcome> check_dkim_expiry(const DoctorFacts& facts);        // P12
net::awaitable<CheckOutcome> check_arc(const DoctorFacts& facts);                // P13
net::awaitable<CheckOutcome> check_at_risk(const DoctorFacts& facts);            // P14

// What the checks share.

// Joined strings of each TXT record at that name.
net::awaitable<Result<std::vector<std::string>>> texts_at(
    const DoctorFacts& facts, std::string name
);
// The profile of the server "new"; generic without a configuration.
config::Profile new_profile(const DoctorFacts& facts);
// Where we come from when we deliver: the sources of the configuration, else the addresses of the
// hold host.
std::vector<std::string> own_addresses(const DoctorFacts& facts);

}  // namespace siding::cutover
