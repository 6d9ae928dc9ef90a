// How messages are written to files.
#pragma once

#include "base/result.hpp"

#include <string_view>

namespace siding::cli {

enum class MailboxFormat { eml, maildir, mbox };

std::string_view format_name(MailboxFormat format);
// Errc::invalid_argument: one line for the operator.
Result<MailboxFormat> parse_mailbox_format(std::string_view name);

}  // namespace siding::cli
