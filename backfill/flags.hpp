// Flags of a source made fit for a destination: \Recent goes, system flags get their usual case,
// keywords keep theirs; what the destination cannot hold is mapped or left out, with a note.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace siding::backfill {

// PERMANENTFLAGS of the destination mailbox. A server that does not send it keeps every flag
// (RFC 9051 §7.1); one that sends "\*" takes new keywords.
class PermanentFlags {
public:
    PermanentFlags() = default;  // not sent
    explicit PermanentFlags(std::vector<std::string> names);

    bool takes(std::string_view flag) const;
    bool lists(std::string_view flag) const;  // by name
    bool takes_new_keywords() const { return takes_new_; }

private:
    std::vector<std::string> names_;
    bool is_known_ = false;
    bool takes_new_ = true;
};

struct FlagNote {
    std::string flag;     // as the source has it
    std::string becomes;  // empty: left out
    std::string why;
};

struct FitFlags {
    std::vector<std::string> flags;  // no duplicates whatever the case; source's order
    std::vector<FlagNote> notes;
};

FitFlags fit_flags(std::span<const std::string> source, const PermanentFlags& destination);

// The flags as the ledger keeps them: fit for any destination, sorted, no \Recent.
std::vector<std::string> normal_flags(std::span<const std::string> flags);

}  // namespace siding::backfill
