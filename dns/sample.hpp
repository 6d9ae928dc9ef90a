// What came of one question to one DNS server. A plain value.
#pragma once

#include "base/clock.hpp"
#include "dns/response.hpp"
#include "net/endpoint.hpp"

#include <chrono>
#include <string>

namespace siding::dns {

struct Sample {
    enum class Kind { answered, timed_out, unreachable, malformed };

    Sample() = default;  // no aggregate: net/asio.hpp

    net::HostPort server;
    Question question;  // its name as plain_name has it
    WallTime at{};      // of the answer, or when we gave up
    std::chrono::milliseconds rtt{0};
    Kind kind = Kind::timed_out;
    std::string problem;        // in words, where there is no answer: "no answer in 2 s"
    bool has_no_route = false;  // unreachable, because this host has none to that network
    Response response;          // when answered

    bool is_answered() const { return kind == Kind::answered; }
};

}  // namespace siding::dns
