#include "queue/envelope.hpp"

#include "base/bytes.hpp"

namespace siding::queue {

std::string EnvelopeRecipient::key() const {
    return to_lower(address);
}

}  // namespace siding::queue
