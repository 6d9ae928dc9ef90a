// What callers may ask about a failure of the network, so that Asio's codes stay inside net/.
#pragma once

#include "base/error.hpp"

#include <string>

namespace siding::net {

bool is_timeout(const Error& error);    // a deadline passed
bool is_cancelled(const Error& error);  // TaskGroup::cancel or abort
bool is_closed(const Error& error);     // the peer closed or reset the connection
bool is_unreached(const Error& error);  // nobody is there: refused, or no way to it

bool is_tls_failure(const Error& error);  // what OpenSSL refuses: of a handshake, or later

Error make_timeout(std::string what);
Error make_cancelled(std::string what);

// From errno, read on entry.
Error make_system_error(std::string what);

}  // namespace siding::net
