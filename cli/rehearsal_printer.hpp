// Shows a rehearsal: one line per act, redrawn while it runs where somebody watches, and the
// figures at the end.
#pragma once

#include "cli/terminal.hpp"
#include "cutover/rehearsal.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace siding::cli {

class RehearsalPrinter final : public cutover::RehearsalView {
public:
    explicit RehearsalPrinter(const Terminal& terminal) : terminal_{terminal} {}

    void on_opening(const Opening& opening) override;
    void on_step(std::string_view name) override;
    void on_progress(std::uint64_t done, std::uint64_t total) override;
    void on_step_end(std::string_view told, bool ok) override;

    void print(const cutover::RehearsalReport& report);

private:
    void draw(std::string_view text);
    void print_figures(const cutover::RehearsalReport& report);
    void print_problems(const cutover::RehearsalReport& report);

    const Terminal& terminal_;
    std::string step_;
    unsigned percent_ = 0;  // as drawn last
};

// For --json and nobody to watch.
class SilentRehearsal final : public cutover::RehearsalView {
public:
    void on_opening(const Opening&) override {}
    void on_step(std::string_view) override {}
    void on_progress(std::uint64_t, std::uint64_t) override {}
    void on_step_end(std::string_view, bool) override {}
};

// The document of `siding --json rehearse`.
std::string format_rehearsal(const cutover::RehearsalReport& report);

}  // namespace siding::cli
