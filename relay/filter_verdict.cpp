#include "relay/filter_verdict.hpp"

namespace siding::relay {

smtp::Reply reply_to(const FilterVerdict& verdict) {
    if (verdict.action == FilterVerdict::Action::reject) {
        return {554, {5, 7, 1}, verdict.reply_text};
    }
    return {451, {4, 7, 1}, verdict.reply_text};
}

}  // namespace siding::relay
