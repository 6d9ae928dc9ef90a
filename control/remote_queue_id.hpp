// The name that a server gave a message when it took it, read out of its reply: what its postmaster
// can look for in his log. Pure.
#pragma once

#include <string>
#include <string_view>

namespace siding::control {

// "4XyZ12AbC" of "250 2.0.0 Ok: queued as 4XyZ12AbC". Knows Postfix, Exim, Sendmail, OpenSMTPD,
// Exchange, Gmail, qmail and Siding; empty where the reply holds nothing of the kind.
std::string find_remote_queue_id(std::string_view reply);

}  // namespace siding::control
