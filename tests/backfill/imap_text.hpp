// What a parser read, as text: one line per event.
#pragma once

#include "backfill/imap_parser.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace siding::backfill {

// Atoms as they are, strings in quotes, "<12>" for a body that was handed out.
std::string show(const ImapValue& value);
std::string show(const ImapResponse& response);

// Everything the parser makes of octets given in pieces, each of which ends at one of `cuts`:
// responses, "body NAME: octets", "error …", and "skipped n" if lines were.
std::vector<std::string> read_all(std::string_view wire, const std::vector<std::size_t>& cuts = {});

// The only response in `wire`.
ImapResponse read_one(std::string_view wire);

}  // namespace siding::backfill
