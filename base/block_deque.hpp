// A deque of many small values, in blocks of a MiB: it grows without a copy of itself, and its
// blocks do not lie scattered among what lives shorter.
#pragma once

#include <boost/container/deque.hpp>
#include <boost/container/options.hpp>

namespace siding {

inline constexpr std::size_t deque_block_octets = 1024 * 1024;

template <typename T>
using BlockDeque = boost::container::deque<
    T,
    void,
    boost::container::deque_options_t<boost::container::block_bytes<deque_block_octets>>>;

}  // namespace siding
