// The plain format, for whatever a script can print: a mail a line, in columns with white space or
// commas between them:
//
//   TIME CLIENT-ADDRESS CLIENT-NAME SENDER RECIPIENT…
//   2026-11-21T14:07:30Z 192.0.2.1 mail.example.net joe@example.net ann@example.com
//
// A dash for a name that is not known, <> for a bounce's sender, # begins a comment.
#pragma once

#include "cutover/sender_log.hpp"

#include <string_view>
#include <vector>

namespace siding::cutover {

class PlainLog final : public SenderLog {
public:
    bool take(std::string_view line, std::vector<LoggedMail>& mails) override;
    void finish(std::vector<LoggedMail>&) override {}
};

}  // namespace siding::cutover
