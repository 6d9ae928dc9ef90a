// Rows of the schema: parts of a domain that move on their own. Stands behind the other keys of
// domains.*. Included by schema.cpp alone.
#pragma once

#include "config/schema.hpp"

#include <array>

namespace siding::config::rows {

inline constexpr std::array waves{
    Key{.path = "domains.*.copy",
        .type = KeyType::server,
        .example = "new",
        .reload = Reload::first_start,
        .doc = "Parallel run, with `phase: pass_old` or `pass_new`: the server that gets a copy of "
               "each message. `siding flip --copy` changes it."},
    Key{.path = "domains.*.waves",
        .type = KeyType::map,
        .example = "pilot",
        .optional = true,
        .doc = "Parts of the domain with phases of their own; everybody else is in the wave "
               "`default`. An address that is named beats a pattern; of several waves with the "
               "same right the first by name has it."},
    Key{.path = "domains.*.waves.*.file",
        .type = KeyType::files,
        .example = "[pilot.txt]",
        .doc = "Its recipients: text with one address on a line. Read again when it changes; "
               "queued mail follows."},
    Key{.path = "domains.*.waves.*.import",
        .type = KeyType::list,
        .optional = true,
        .doc = "Files of other systems, as under `recipients`."},
    Key{.path = "domains.*.waves.*.import[].file",
        .type = KeyType::file,
        .required = true,
        .example = "batches.csv",
        .doc = "The file. Read again when it changes."},
    Key{.path = "domains.*.waves.*.import[].format",
        .type = KeyType::choice,
        .choices = "list|virtual|aliases|relay_recipients|csv",
        .required = true,
        .example = "csv",
        .doc = "As under `recipients`."},
    Key{.path = "domains.*.waves.*.import[].column",
        .type = KeyType::text,
        .example = "EmailAddress",
        .doc = "csv: where the addresses are, as the name in the first line or as a number from "
               "1."},
    Key{.path = "domains.*.waves.*.pattern",
        .type = KeyType::patterns,
        .example = "[\"a*\", sales-*]",
        .doc = "Its recipients by what stands in front of the @: * is any text, ? one character."},
    Key{.path = "domains.*.waves.*.phase",
        .type = KeyType::choice,
        .choices = "prep|pass_old|hold|release|pass_new|retired",
        .example = "hold",
        .reload = Reload::first_start,
        .doc = "The phase to begin in. Without it: the one that `default` is in by then."},
    Key{.path = "domains.*.waves.*.copy",
        .type = KeyType::server,
        .example = "new",
        .reload = Reload::first_start,
        .doc = "As domains.*.copy, for this wave alone."},
};

}  // namespace siding::config::rows
