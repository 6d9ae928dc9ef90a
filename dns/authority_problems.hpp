// What is wrong with a domain's authoritative servers, in sentences. Pure.
#pragma once

#include "dns/authority.hpp"

#include <vector>

namespace siding::dns {

// From the view's servers and delegation.
std::vector<AuthorityProblem> find_problems(const AuthorityView& view);

}  // namespace siding::dns
