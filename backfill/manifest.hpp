// The manifest of an account: a text file that names every message with its digest, its place on
// both sides and its verdict, signed, so that a person and a script can read it years later
// (docs/backfill.md, "The manifest"). This half writes it, from the ledger, piece by piece.
//
// Each line of a message ends with a check over itself and the check before it: without the key
// nobody can change the whole, and whoever changes a line without thinking of that shows which.
#pragma once

#include "backfill/ledger.hpp"
#include "backfill/verification.hpp"
#include "base/digest.hpp"
#include "base/signature.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::backfill {

namespace manifest {

inline constexpr std::string_view first_line = "siding-manifest: 1";
inline constexpr std::string_view key_key = "public-key: ";
inline constexpr std::string_view total_key = "total ";
inline constexpr std::string_view columns_key = "columns: ";
inline constexpr std::string_view header_check_key = "header-check: ";
inline constexpr std::string_view end_key = "end-of-messages: ";
inline constexpr std::string_view digest_key = "sha256: ";
inline constexpr std::string_view signature_key = "signature: ";
inline constexpr std::size_t columns = 13;
inline constexpr std::size_t verdict_column = 9;
inline constexpr std::size_t check_octets = 16;

// 16 hexadecimal digits: of the header, `before` is empty.
std::string check_of(std::string_view before, std::string_view text);

// Controls, "%" and octets that are no UTF-8 as %XX; reversible where "%" is not left as it is.
enum class Percent { escaped, as_it_is };
std::string to_field(std::string_view text, Percent percent = Percent::escaped);

// What a row's line says: the verdict of the last comparison, or "not compared".
std::string verdict_of(const CopyRecord& row);

}  // namespace manifest

class ManifestWriter {
public:
    struct Head {
        std::string account;
        std::string source;  // "imap.old.example:993 as ann"
        std::string destination;
        std::string version;  // of Siding
        WallTime made_at{};
    };

    // The ledger outlives it. Every call blocks.
    ManifestWriter(const Ledger& ledger, AccountRecord account, Head head, SigningKey key);

    // Counts, once, before the first piece.
    Result<void> survey();
    // Nothing at the end. Errc::conflict: the ledger is not as it was when it was counted.
    Result<std::optional<std::string>> next();

private:
    struct Tally {
        std::uint64_t messages = 0;
        std::uint64_t octets = 0;
        std::uint64_t gone = 0;
        std::map<std::string, std::uint64_t> verdicts;

        void add(const CopyRecord& row);
        bool operator==(const Tally&) const = default;
    };

    std::string header() const;
    std::vector<std::string> notes() const;
    Result<std::string> page();
    std::string line(const MailboxRecord& mailbox, const CopyRecord& row);
    std::string end();

    const Ledger& ledger_;
    AccountRecord account_;
    Head head_;
    SigningKey key_;
    std::vector<MailboxRecord> mailboxes_;
    std::optional<Verification> verification_;
    Tally counted_;
    Tally written_;
    bool has_begun_ = false;
    bool has_ended_ = false;
    std::size_t mailbox_ = 0;  // that the next line is of
    std::uint64_t uid_ = 1;    // from which on
    std::string check_;
    Sha256 digest_;
};

}  // namespace siding::backfill
