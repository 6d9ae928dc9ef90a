// Recursive resolvers that stand for the world's caches, by operator. One host sees one of an
// operator's sites only; that an operator does not answer says nothing about the others.
#pragma once

#include "base/result.hpp"
#include "net/endpoint.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace siding::dns {

struct PanelOperator {
    std::string name{};
    std::string note{};
    std::vector<net::HostPort> addresses{};
    bool is_system = false;  // this host's own resolvers

    bool operator==(const PanelOperator&) const = default;
};

// 23 public operators.
const std::vector<PanelOperator>& default_panel();

// A line each: "Name: 192.0.2.1, 2001:db8::1, 127.0.0.1:5353  # note". Empty lines and those that
// start with # are passed over. Errc::invalid_argument with the number of the line.
Result<std::vector<PanelOperator>> parse_panel(std::string_view text);
std::string format_panel(const std::vector<PanelOperator>& operators);

// The servers of a resolv.conf as one operator; none where there are none.
std::vector<PanelOperator> parse_resolv_conf(std::string_view text);
// Of /etc/resolv.conf.
std::vector<PanelOperator> system_panel();

}  // namespace siding::dns
