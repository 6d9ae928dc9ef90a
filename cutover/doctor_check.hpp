// The doctor's checks as values: what a check is, what it found, and the table of all of them.
// Knows no network; doctor_facts.hpp says what a check may look at.
#pragma once

#include "net/asio.hpp"

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace siding::cutover {

struct DoctorFacts;

enum class Severity { info, warning, critical };

enum class CheckStatus { ok, failed, not_checked };

// Where in a cutover the operator stands. A check that does not matter there is left out.
enum class DoctorPhase { prep, pre_switch, hold, release, post };

std::string_view format_severity(Severity severity);       // "critical"
std::string_view format_check_status(CheckStatus status);  // "not_checked"
std::string_view format_doctor_phase(DoctorPhase phase);   // "pre-switch"
std::optional<DoctorPhase> parse_doctor_phase(std::string_view text);

// What a check gives back. Texts may have several lines.
struct CheckOutcome {
    CheckOutcome() = default;  // no aggregate: net/asio.hpp

    CheckStatus status = CheckStatus::ok;
    std::optional<Severity> severity;  // of this finding; nothing: the check's own
    std::string evidence;              // what was seen, with names, addresses and numbers
    std::string breaks;                // what breaks, and for whom
    std::string fix;                   // text to paste
    std::string why_not;               // not checked, because …
    bool is_hindered = false;          // it should have run, and something stood in its way
};

CheckOutcome passed(std::string evidence);
// In the order in which they are read.
CheckOutcome failed(std::string evidence, std::string breaks, std::string fix);
CheckOutcome failed_as(
    Severity severity, std::string evidence, std::string breaks, std::string fix
);
// It does not apply, or needs something that the operator has not given: a configuration file, a
// list of recipients.
CheckOutcome not_checked(std::string why);
// It should have run: DNS, a server, the file system did not let it. Never a clean bill of health.
CheckOutcome hindered(std::string why);
// No program can do it. `what` is what a person does instead.
CheckOutcome by_hand(std::string what);

struct Check {
    using Function = net::awaitable<CheckOutcome> (*)(const DoctorFacts& facts);

    std::string id;     // "D02"
    std::string title;  // the fact as it should be: "all servers of the zone give the same MX"
    Severity severity = Severity::critical;
    std::vector<DoctorPhase> phases;  // empty: all of them
    Function function = nullptr;
    bool is_by_hand = false;  // it always ends in by_hand()

    bool applies_in(std::optional<DoctorPhase> phase) const;
};

// A table of them.
class Checks {
public:
    using Phases = std::vector<DoctorPhase>;

    Checks() = default;
    Checks(std::initializer_list<Check> all) : all_{all} {}

    void add(
        std::string id,
        std::string title,
        Severity severity,
        Phases phases,
        Check::Function function
    );
    // One that always ends in by_hand().
    void add_by_hand(
        std::string id,
        std::string title,
        Severity severity,
        Phases phases,
        Check::Function function
    );
    void sort();  // by id

    auto begin() const { return all_.begin(); }
    auto end() const { return all_.end(); }

private:
    std::vector<Check> all_;
};

void add_dns_checks(Checks& checks);     // D01 to D16
void add_policy_checks(Checks& checks);  // P01 to P14 but P03 and P06
void add_host_checks(Checks& checks);    // H01 to H21, P03, P06

// The whole table, by id.
Checks all_checks();

// One line of a report.
struct CheckResult {
    CheckResult() = default;  // no aggregate: net/asio.hpp

    std::string id;
    std::string title;
    Severity severity = Severity::info;
    CheckStatus status = CheckStatus::not_checked;
    std::string evidence;
    std::string breaks;
    std::string fix;
    std::string why_not;
    bool is_hindered = false;
    bool is_by_hand = false;
};

CheckResult make_result(const Check& check, CheckOutcome outcome);

}  // namespace siding::cutover
