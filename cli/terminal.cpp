#include "cli/terminal.hpp"

#include "config/units.hpp"

#include <cstdlib>
#include <fmt/format.h>
#include <iostream>
#include <sys/ioctl.h>
#include <unistd.h>

namespace siding::cli {
namespace {

std::string environment(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? "" : value;
}

std::size_t width_of(int descriptor) {
    if (const auto columns = config::parse_count(environment("COLUMNS"));
        columns.has_value() && *columns > 0) {
        return *columns;
    }
    winsize size{};
    if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        return size.ws_col;
    }
    return 80;
}

std::size_t height_of(int descriptor) {
    winsize size{};
    return ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_row : 0;
}

std::string_view code_of(Colour colour) {
    switch (colour) {
    case Colour::none:
        return "";
    case Colour::bold:
        return "1";
    case Colour::dim:
        return "2";
    case Colour::red:
        return "31";
    case Colour::green:
        return "32";
    case Colour::yellow:
        return "33";
    }
    return "";
}

}  // namespace

std::string Terminal::paint(std::string_view text, Colour colour) const {
    if (!colours || colour == Colour::none || text.empty()) {
        return std::string{text};
    }
    return fmt::format("\x1b[{}m{}\x1b[0m", code_of(colour), text);
}

Terminal standard_terminal() {
    const bool out_is_terminal = isatty(STDOUT_FILENO) == 1;
    const bool err_is_terminal = isatty(STDERR_FILENO) == 1;
    const bool plain = !environment("NO_COLOR").empty() || environment("TERM") == "dumb";
    return Terminal{
        .in = std::cin,
        .out = std::cout,
        .err = std::cerr,
        .width = out_is_terminal ? width_of(STDOUT_FILENO) : 0,
        .colours = out_is_terminal && !plain,
        .watched = out_is_terminal,
        .can_ask = isatty(STDIN_FILENO) == 1 && err_is_terminal,
        .err_watched = err_is_terminal,
        .height = out_is_terminal ? height_of(STDOUT_FILENO) : 0,
    };
}

}  // namespace siding::cli
