// Result<T>: a value or an Error. The environment's failures travel this way; a peer's answer is a
// value (smtp/verdict.hpp) and our own bugs are SIDING_CHECK (base/check.hpp).
#pragma once

#include "base/error.hpp"

#include <boost/system/result.hpp>

#include <utility>

namespace siding {

template <typename T = void>
using Result = boost::system::result<T, Error>;

}  // namespace siding

#define SIDING_CONCAT_(a, b) a##b
#define SIDING_CONCAT(a, b) SIDING_CONCAT_(a, b)

#define SIDING_TRY_WITH_(give_back, result, ...) \
    auto result = (__VA_ARGS__);                 \
    if (result.has_error()) {                    \
        give_back std::move(result).error();     \
    }

#define SIDING_ASSIGN_WITH_(give_back, result, declaration, ...) \
    SIDING_TRY_WITH_(give_back, result, __VA_ARGS__)             \
    declaration = std::move(*result)

// SIDING_TRY(expression): gives the error of a Result back to the caller.
#define SIDING_TRY(...) SIDING_TRY_WITH_(return, SIDING_CONCAT(result_, __LINE__), __VA_ARGS__)
#define SIDING_CO_TRY(...) \
    SIDING_TRY_WITH_(co_return, SIDING_CONCAT(result_, __LINE__), __VA_ARGS__)

// SIDING_ASSIGN(auto x, expression): the same, and binds the value.
#define SIDING_ASSIGN(declaration, ...) \
    SIDING_ASSIGN_WITH_(return, SIDING_CONCAT(result_, __LINE__), declaration, __VA_ARGS__)
#define SIDING_CO_ASSIGN(declaration, ...) \
    SIDING_ASSIGN_WITH_(co_return, SIDING_CONCAT(result_, __LINE__), declaration, __VA_ARGS__)
