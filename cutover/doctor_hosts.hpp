// The checks of mail servers and of this host, and what they share. doctor_hosts_table.cpp is the
// table; each other file has the checks of one subject.
#pragma once

#include "cutover/doctor_facts.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace siding::cutover {

// doctor_hosts_listener.cpp: our own listener, and ways to servers
net::awaitable<CheckOutcome> check_inbound_port(const DoctorFacts& facts);   // H01
net::awaitable<CheckOutcome> check_outbound_port(const DoctorFacts& facts);  // H02
net::awaitable<CheckOutcome> check_open_relay(const DoctorFacts& facts);     // H05
net::awaitable<CheckOutcome> check_loops(const DoctorFacts& facts);          // H12

// doctor_hosts_names.cpp: what others think of our addresses
net::awaitable<CheckOutcome> check_reverse_names(const DoctorFacts& facts);  // H03
net::awaitable<CheckOutcome> check_block_lists(const DoctorFacts& facts);    // H04
net::awaitable<CheckOutcome> check_client_names(const DoctorFacts& facts);   // H18

// doctor_hosts_recipients.cpp
net::awaitable<CheckOutcome> check_validation(const DoctorFacts& facts);      // H06
net::awaitable<CheckOutcome> check_greylisting(const DoctorFacts& facts);     // H13
net::awaitable<CheckOutcome> check_recipient_list(const DoctorFacts& facts);  // H22

// doctor_hosts_old.cpp: the old server, and what stands in front of it
net::awaitable<CheckOutcome> check_extensions(const DoctorFacts& facts);    // H08
net::awaitable<CheckOutcome> check_old_accepts(const DoctorFacts& facts);   // H14
net::awaitable<CheckOutcome> check_old_routing(const DoctorFacts& facts);   // H15
net::awaitable<CheckOutcome> check_masked_verbs(const DoctorFacts& facts);  // H17
net::awaitable<CheckOutcome> check_old_gateway(const DoctorFacts& facts);   // H21

// doctor_hosts_disk.cpp
net::awaitable<CheckOutcome> check_disk_space(const DoctorFacts& facts);  // H09
net::awaitable<CheckOutcome> check_disk_sync(const DoctorFacts& facts);   // H10

// doctor_hosts_machine.cpp
net::awaitable<CheckOutcome> check_bounces(const DoctorFacts& facts);     // H07
net::awaitable<CheckOutcome> check_clock(const DoctorFacts& facts);       // H11
net::awaitable<CheckOutcome> check_file_limit(const DoctorFacts& facts);  // H23

// doctor_hosts_tls.cpp
net::awaitable<CheckOutcome> check_hold_certificate(const DoctorFacts& facts);  // P03
net::awaitable<CheckOutcome> check_old_certificate(const DoctorFacts& facts);   // P06

// What the checks share.

// "mx1.example.net [192.0.2.1]:25"
std::string name_of(const HostView& host, const SmtpView& session);
// One line of each session: who answered, and what hindered the others.
std::string describe_sessions(const HostView& host);

// "- a\n- b", or just "a".
std::string as_list(const std::vector<std::string>& lines);

// The addresses at which our own listeners can be asked from this host.
std::vector<net::Endpoint> own_listeners(const config::Config& config);

// An address of the domain that nobody has.
std::string unlikely_address(std::string_view domain);

// What the old and new server answer to one RCPT, over a session of its own.
struct RcptAnswer {
    RcptAnswer() = default;  // no aggregate: net/asio.hpp

    std::string recipient;
    int code = 0;      // 0: none
    std::string text;  // the reply, or why there is none; one line
};

// One session, a MAIL and these RCPTs, RSET; no message. Stops at the first that gets no answer.
net::awaitable<std::vector<RcptAnswer>> ask_recipients(
    const DoctorFacts& facts,
    const HostView& host,
    std::vector<std::string> recipients,
    std::string_view sender
);

}  // namespace siding::cutover
