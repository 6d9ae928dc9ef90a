// One message's life in plain sentences, from a document of GET /v1/trace: who sent it, where it
// waited and why, what each server said, the number it has there, and where it is now. Pure; the
// texts are as received, escape them before a terminal sees them.
#pragma once

#include "base/clock.hpp"
#include "cli/terminal.hpp"

#include <boost/json/object.hpp>

#include <string>
#include <vector>

namespace siding::cli {

struct StoryLine {
    WallTime at{};
    std::string text;
    Colour colour = Colour::none;
};

// In the order of time; what is true now comes last, at `now`. `servers`: their addresses by name.
std::vector<StoryLine> tell_story(
    const boost::json::object& message, const boost::json::object& servers, WallTime now
);

}  // namespace siding::cli
