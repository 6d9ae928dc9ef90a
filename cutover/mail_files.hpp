// An operator's own mail for a rehearsal: a directory with a message in each file, a Maildir, or an
// mbox. Only reads. Line ends become CRLF, as every program does that hands such a file to SMTP.
#pragma once

#include "cutover/rehearsal_mail.hpp"

#include <filesystem>
#include <memory>
#include <string_view>

namespace siding::cutover {

// Files that do not start like a message (a read-me, an index) are passed over.
// Errc::invalid_argument where there is nothing to read, or no mail in it.
Result<std::unique_ptr<MailSource>> open_mail(const std::filesystem::path& path);

// LF becomes CRLF, and the last line gets its end. A CR that stands alone stays.
std::string to_crlf(std::string_view octets);

// mboxrd: one '>' less in front of each line of '>'s and "From ".
std::string unquote_mbox(std::string_view octets);

}  // namespace siding::cutover
