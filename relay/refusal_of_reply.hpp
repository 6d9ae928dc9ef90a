// The class of a refusal that the dialogue itself has spoken: by its codes, which are all that the
// dialogue gives out.
#pragma once

#include "relay/refusal_class.hpp"

#include <optional>
#include <string_view>

namespace siding::relay {

// `octets`: whole reply lines. Nothing for a reply that refuses nothing.
std::optional<RefusalClass> refusal_of_reply(std::string_view octets);

}  // namespace siding::relay
