// The mail of a rehearsal, message by message: the bundled sample or an operator's own. Read when
// it is sent, so that a large mailbox needs no memory.
#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace siding::cutover {

struct RehearsalMail {
    std::string reverse_path;  // empty: <>
    std::size_t recipients = 1;
    std::string octets;  // every LF behind a CR, and CRLF at the end; a CR may stand alone
};

class MailSource {
public:
    virtual ~MailSource() = default;

    virtual std::size_t size() const = 0;
    // Thread-safe, may block; the same octets each time.
    virtual Result<RehearsalMail> load(std::size_t number) const = 0;

    virtual std::string description() const = 0;   // "bundled sample"
    virtual std::uint64_t octets() const = 0;      // of all, roughly
    virtual std::uint64_t octets_max() const = 0;  // of the largest, at least
};

}  // namespace siding::cutover
