#include "relay/refusal_of_reply.hpp"

#include <algorithm>
#include <array>

namespace siding::relay {
namespace {

struct Row {
    std::string_view start;  // of the reply line
    RefusalClass reason;
};

// The first that fits; the codes of docs/protocol-support.md.
constexpr std::array rows{
    Row{"421 4.4.2", RefusalClass::timeout},
    Row{"421 4.7.0", RefusalClass::too_many_commands},
    Row{"452 4.5.3", RefusalClass::too_many_recipients},
    Row{"530 5.7.0", RefusalClass::tls_required},
    Row{"550 5.5.2", RefusalClass::bare_newline},
    Row{"550 5.7.0", RefusalClass::bad_proxy},
    Row{"552 5.3.4", RefusalClass::too_large},
    Row{"554 5.4.6", RefusalClass::loop},
    Row{"553 5.6.7", RefusalClass::bad_sender},
    Row{"501 5.1.7", RefusalClass::bad_sender},
    Row{"5", RefusalClass::protocol_error},
};

}  // namespace

std::optional<RefusalClass> refusal_of_reply(std::string_view octets) {
    const auto row =
        std::ranges::find_if(rows, [&](const Row& one) { return octets.starts_with(one.start); });
    return row == rows.end() ? std::nullopt : std::optional{row->reason};
}

}  // namespace siding::relay
