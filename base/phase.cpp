#include "base/phase.hpp"

#include "base/bytes.hpp"
#include "base/check.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace siding {
namespace {

using enum Phase;

constexpr std::array phases{prep, pass_old, hold, release, pass_new, retired};

constexpr std::array from_prep{pass_old, hold, pass_new};
constexpr std::array from_pass_old{hold, pass_new};
constexpr std::array from_hold{release, pass_old};
constexpr std::array from_release{hold, pass_new};
constexpr std::array from_pass_new{hold, pass_old, retired};

}  // namespace

std::span<const Phase> all_phases() {
    return phases;
}

Result<Phase> parse_phase(std::string_view text) {
    for (const Phase phase : phases) {
        if (text == format_phase(phase)) {
            return phase;
        }
    }
    return Error{
        Errc::invalid_argument,
        fmt::format(
            "'{}' is not a phase; write prep, pass_old, hold, release, pass_new or retired",
            escape(text)
        )};
}

std::string_view format_phase(Phase phase) {
    switch (phase) {
    case prep:
        return "prep";
    case pass_old:
        return "pass_old";
    case hold:
        return "hold";
    case release:
        return "release";
    case pass_new:
        return "pass_new";
    case retired:
        return "retired";
    }
    SIDING_UNREACHABLE("phase");
}

std::span<const Phase> legal_moves(Phase from) {
    switch (from) {
    case prep:
        return from_prep;
    case pass_old:
        return from_pass_old;
    case hold:
        return from_hold;
    case release:
        return from_release;
    case pass_new:
        return from_pass_new;
    case retired:
        return {};
    }
    SIDING_UNREACHABLE("phase");
}

bool is_legal_move(Phase from, Phase to) {
    return std::ranges::find(legal_moves(from), to) != legal_moves(from).end();
}

std::optional<std::string_view> server_of(Phase phase) {
    switch (phase) {
    case pass_old:
        return "old";
    case release:
    case pass_new:
        return "new";
    case prep:
    case hold:
    case retired:
        return std::nullopt;
    }
    SIDING_UNREACHABLE("phase");
}

}  // namespace siding
