// An environment's failure: a code that programs decide by, and a text that people read.
#pragma once

#include <boost/assert/source_location.hpp>
#include <boost/system/error_code.hpp>

#include <string>

namespace siding {

enum class Errc {
    invalid_argument = 1,  // the input itself is wrong; trying again gives the same answer
    not_found,
    already_exists,
    conflict,  // legal input, but not in the present state (an illegal phase move, a lost race)
    limit_exceeded,   // one of our own bounds
    unavailable,      // try again later: peer down, queue draining, deadline passed
    storage_failure,  // the disk or the store; never followed by a 250 from this process
    corrupt,          // stored octets do not match their checksum
    internal,
};

const boost::system::error_category& siding_category() noexcept;
boost::system::error_code make_error_code(Errc code) noexcept;

struct [[nodiscard]] Error {
    boost::system::error_code code;
    std::string context;  // one sentence for a person: what was tried, on what, what to do

    Error() = default;  // Boost.System asks for it; means "no error"
    Error(boost::system::error_code c, std::string text) : code{c}, context{std::move(text)} {}
    Error(Errc c, std::string text) : Error{make_error_code(c), std::move(text)} {}

    bool is(Errc other) const noexcept { return code == make_error_code(other); }
    std::string message() const;
};

// Puts "what: " in front of the context; called once, where the fact is known.
Error with_context(Error error, const std::string& what);

// Found by Boost.System when .value() is called on an error; always our bug.
[[noreturn]] void throw_exception_from_error(
    const Error& error, const boost::source_location& where
);

}  // namespace siding

template <>
struct boost::system::is_error_code_enum<siding::Errc> : std::true_type {};
