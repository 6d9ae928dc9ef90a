#include "cli/commands.hpp"

namespace siding::cli {

Result<Exit> run(const Rehearse&, Context&) {
    return Error{Errc::unavailable, "rehearse is not part of this build"};
}

}  // namespace siding::cli
