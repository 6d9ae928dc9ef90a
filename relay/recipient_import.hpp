// Recipients out of maps that exist already: Postfix's virtual(5), relay_recipient_maps and
// aliases(5), whose left sides count, and CSV (RFC 4180). Pure. What refuses a file:
// relay/recipient_file.hpp.
#pragma once

#include "relay/recipient_file.hpp"

#include <string>
#include <string_view>

namespace siding::relay {

// `user@domain …`, `user …` (of every domain that reads the file), `@domain …`; a line that starts
// with white space goes on with the one above it. What follows the left side does not matter.
Result<RecipientSet> import_postfix_map(std::string_view text);

// `name: …`, `"a name": …`; names are of every domain that reads the file.
Result<RecipientSet> import_aliases(std::string_view text);

// One column: by its name in the first line, ignoring case, or by its number from 1. By number, a
// first line that holds no address there is a heading. Empty fields are passed over. A first line
// without a comma but with ';' or a tab is separated by that.
Result<RecipientSet> import_csv(std::string_view text, std::string_view column);

}  // namespace siding::relay
