// The seam between who wants to know whether a server takes a recipient and who asks it.
#pragma once

#include "net/asio.hpp"
#include "smtp/verdict.hpp"

#include <functional>
#include <string>
#include <vector>

namespace siding::relay {

// One verdict per recipient, in their order: `delivered` is a yes to RCPT, `permanent` with
// Stage::rcpt a no to RCPT; whatever kept the question from being answered is transient.
struct ProbeAnswer {
    ProbeAnswer() = default;  // no aggregate: net/asio.hpp
    explicit ProbeAnswer(std::vector<smtp::Verdict> v) : verdicts{std::move(v)} {}

    std::vector<smtp::Verdict> verdicts;
};

using Prober = std::function<net::awaitable<ProbeAnswer>(
    std::string server, std::string sender, std::vector<std::string> recipients
)>;

}  // namespace siding::relay
