// The verbs of the command line, group by group: their flags, and how these become an action.
#pragma once

#include "base/clock.hpp"
#include "cli/actions.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace CLI {
class App;
}

namespace siding::cli {

using ActionMaker = std::function<Result<Action>()>;

// CLI11's tree, and for each verb that does something what makes its action once the flags are
// read. The flags' texts live in the makers.
struct Verbs {
    CLI::App& root;
    WallTime now;  // what "2h ago" counts from
    std::map<const CLI::App*, ActionMaker> makers;

    // Both live as long as the tree.
    CLI::App& add(CLI::App& parent, const std::string& name, const std::string& what);
    CLI::App& add(
        CLI::App& parent, const std::string& name, const std::string& what, ActionMaker maker
    );
};

void add_look_verbs(Verbs& verbs);      // status, phase, sessions, recipients …, trace, audit
void add_wave_verbs(Verbs& verbs);      // flip, rollback, flips, wave …
void add_queue_verbs(Verbs& verbs);     // queue …
void add_parked_verbs(Verbs& verbs);    // parked, remap …, replay, copies
void add_release_verbs(Verbs& verbs);   // release …, releases
void add_dns_verbs(Verbs& verbs);       // dns …
void add_backfill_verbs(Verbs& verbs);  // backfill …
void add_archive_verbs(Verbs& verbs);   // archive …
void add_local_verbs(Verbs& verbs);     // config …, rehearse
void add_doctor_verbs(Verbs& verbs);    // doctor, outage-cost
void add_run_verb(Verbs& verbs, CLI::App& backfill);
void add_back_verb(Verbs& verbs, CLI::App& backfill);
void add_retry_verb(Verbs& verbs, CLI::App& backfill);
void add_authorize_verb(Verbs& verbs, CLI::App& accounts);
// dns snapshot, dns diff
void add_dns_snapshot_verbs(Verbs& verbs, CLI::App& dns);
// backfill verify, accounts check, manifest …, assess
void add_verify_verb(Verbs& verbs, CLI::App& backfill);
void add_check_verb(Verbs& verbs, CLI::App& accounts);
void add_manifest_verbs(Verbs& verbs, CLI::App& backfill);
void add_assess_verb(Verbs& verbs, CLI::App& backfill);

// One line for the operator.
Error usage_error(std::string text);

// CLI11 fills it while parsing, the maker reads it afterwards: both hold it.
template <typename T>
std::shared_ptr<T> make_flags() {
    return std::make_shared<T>();
}

}  // namespace siding::cli
