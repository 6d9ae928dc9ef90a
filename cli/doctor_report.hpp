// What the doctor found, for people and as JSON.
#pragma once

#include "cli/exit.hpp"
#include "cli/terminal.hpp"
#include "cutover/doctor_check.hpp"

#include <boost/json/object.hpp>

#include <string>
#include <vector>

namespace siding::cli {

struct Examination {
    std::string domain;
    std::vector<cutover::CheckResult> results;
    std::string problem;  // it could not be examined at all
};

// Critical findings first, then warnings; then what could not be checked though it should have
// been. With `all` also what only the operator can check, or has given too little for, and what is
// well.
void print_examination(const Examination& examination, bool all, const Terminal& terminal);

boost::json::object examinations_json(const std::vector<Examination>& examinations);

// `critical` for a critical finding; `warnings` for others, and where a check was hindered: what
// could not be seen is not clean.
Exit exit_of(const std::vector<Examination>& examinations);

}  // namespace siding::cli
