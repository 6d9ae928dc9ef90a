#include "cutover/doctor_check.hpp"

#include <algorithm>
#include <array>

namespace siding::cutover {
namespace {

constexpr std::array phase_names{
    std::pair{DoctorPhase::prep, std::string_view{"prep"}},
    std::pair{DoctorPhase::pre_switch, std::string_view{"pre-switch"}},
    std::pair{DoctorPhase::hold, std::string_view{"hold"}},
    std::pair{DoctorPhase::release, std::string_view{"release"}},
    std::pair{DoctorPhase::post, std::string_view{"post"}},
};

}  // namespace

std::string_view format_severity(Severity severity) {
    switch (severity) {
    case Severity::info:
        return "info";
    case Severity::warning:
        return "warning";
    case Severity::critical:
        return "critical";
    }
    return {};
}

std::string_view format_check_status(CheckStatus status) {
    switch (status) {
    case CheckStatus::ok:
        return "ok";
    case CheckStatus::failed:
        return "failed";
    case CheckStatus::not_checked:
        return "not_checked";
    }
    return {};
}

std::string_view format_doctor_phase(DoctorPhase phase) {
    return phase_names[static_cast<std::size_t>(phase)].second;
}

std::optional<DoctorPhase> parse_doctor_phase(std::string_view text) {
    for (const auto& [phase, name] : phase_names) {
        if (name == text) {
            return phase;
        }
    }
    return std::nullopt;
}

CheckOutcome passed(std::string evidence) {
    CheckOutcome outcome;
    outcome.evidence = std::move(evidence);
    return outcome;
}

CheckOutcome failed(std::string evidence, std::string breaks, std::string fix) {
    CheckOutcome outcome = passed(std::move(evidence));
    outcome.status = CheckStatus::failed;
    outcome.breaks = std::move(breaks);
    outcome.fix = std::move(fix);
    return outcome;
}

CheckOutcome failed_as(
    Severity severity, std::string evidence, std::string breaks, std::string fix
) {
    CheckOutcome outcome = failed(std::move(evidence), std::move(breaks), std::move(fix));
    outcome.severity = severity;
    return outcome;
}

CheckOutcome not_checked(std::string why) {
    CheckOutcome outcome;
    outcome.status = CheckStatus::not_checked;
    outcome.why_not = std::move(why);
    return outcome;
}

CheckOutcome hindered(std::string why) {
    CheckOutcome outcome = not_checked(std::move(why));
    outcome.is_hindered = true;
    return outcome;
}

CheckOutcome by_hand(std::string what) {
    CheckOutcome outcome = not_checked("no program can see this from here");
    outcome.fix = std::move(what);
    return outcome;
}

bool Check::applies_in(std::optional<DoctorPhase> phase) const {
    return !phase || phases.empty() || std::ranges::find(phases, *phase) != phases.end();
}

void Checks::add(
    std::string id, std::string title, Severity severity, Phases phases, Check::Function function
) {
    all_.push_back({std::move(id), std::move(title), severity, std::move(phases), function});
}

void Checks::add_by_hand(
    std::string id, std::string title, Severity severity, Phases phases, Check::Function function
) {
    add(std::move(id), std::move(title), severity, std::move(phases), function);
    all_.back().is_by_hand = true;
}

void Checks::sort() {
    std::ranges::stable_sort(all_, {}, &Check::id);
}

Checks all_checks() {
    Checks checks;
    add_dns_checks(checks);
    add_policy_checks(checks);
    add_host_checks(checks);
    checks.sort();
    return checks;
}

CheckResult make_result(const Check& check, CheckOutcome outcome) {
    CheckResult result;
    result.id = check.id;
    result.title = check.title;
    result.severity = outcome.severity.value_or(check.severity);
    result.status = outcome.status;
    result.evidence = std::move(outcome.evidence);
    result.breaks = std::move(outcome.breaks);
    result.fix = std::move(outcome.fix);
    result.why_not = std::move(outcome.why_not);
    result.is_hindered = outcome.is_hindered;
    result.is_by_hand = check.is_by_hand;
    return result;
}

}  // namespace siding::cutover
