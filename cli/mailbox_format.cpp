#include "cli/mailbox_format.hpp"

#include "base/bytes.hpp"

#include <fmt/format.h>

namespace siding::cli {

std::string_view format_name(MailboxFormat format) {
    switch (format) {
    case MailboxFormat::eml:
        return "eml";
    case MailboxFormat::maildir:
        return "maildir";
    case MailboxFormat::mbox:
        return "mbox";
    }
    return "";
}

Result<MailboxFormat> parse_mailbox_format(std::string_view name) {
    for (const auto format : {MailboxFormat::eml, MailboxFormat::maildir, MailboxFormat::mbox}) {
        if (name == format_name(format)) {
            return format;
        }
    }
    return Error{
        Errc::invalid_argument,
        fmt::format("'{}' is not a format; write eml, maildir or mbox", escape(name))};
}

}  // namespace siding::cli
