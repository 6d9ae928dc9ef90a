#include "net/network_error.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>

#include <cerrno>
#include <utility>

namespace siding::net {

namespace error = boost::asio::error;

bool is_timeout(const Error& failure) {
    return failure.code == error::timed_out;
}

bool is_cancelled(const Error& failure) {
    return failure.code == error::operation_aborted;
}

bool is_closed(const Error& failure) {
    return failure.code == error::eof || failure.code == error::connection_reset ||
           failure.code == error::connection_aborted || failure.code == error::broken_pipe ||
           failure.code == error::not_connected;
}

bool is_unreached(const Error& failure) {
    return failure.code == error::connection_refused || failure.code == error::host_unreachable ||
           failure.code == error::network_unreachable;
}

bool is_tls_failure(const Error& failure) {
    return failure.code.category() == error::get_ssl_category();
}

Error make_timeout(std::string what) {
    return {boost::system::error_code{error::timed_out}, std::move(what)};
}

Error make_cancelled(std::string what) {
    return {boost::system::error_code{error::operation_aborted}, std::move(what)};
}

Error make_system_error(std::string what) {
    const int number = errno;
    return {boost::system::error_code{number, boost::system::system_category()}, std::move(what)};
}

}  // namespace siding::net
