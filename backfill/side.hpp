// Where something belongs in an account: to all of it, or to one of its two servers.
#pragma once

#include <string_view>

namespace siding::backfill {

enum class Side { account, source, destination };

constexpr std::string_view to_text(Side side) {
    switch (side) {
    case Side::account:
        return "account";
    case Side::source:
        return "source";
    case Side::destination:
        return "destination";
    }
    return "account";
}

}  // namespace siding::backfill
