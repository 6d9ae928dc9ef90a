// Reads a manifest and says whether it is as it was signed; where it is not, which lines were
// changed, as far as their checks show. Needs no daemon and no ledger. Pure, line by line.
#pragma once

#include "base/digest.hpp"
#include "base/signature.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::backfill {

struct ManifestFindings {
    std::vector<std::string> problems;  // the first problems_max
    std::uint64_t problem_count = 0;
    std::map<std::string, std::string> header;    // by key; of several of one key the first
    std::map<std::string, std::uint64_t> totals;  // by verdict, as its lines say
    std::vector<std::string> notes;
    std::uint64_t messages = 0;
    std::string signed_by;      // the key that it names
    bool is_key_given = false;  // and not only taken from the manifest itself

    static constexpr std::size_t problems_max = 20;

    bool is_good() const { return problem_count == 0; }
};

class ManifestReader {
public:
    // With a key it must be that one.
    explicit ManifestReader(std::optional<PublicKey> key);

    // Lines in their order, with their line end where they have one.
    void take(std::string_view line);
    ManifestFindings finish();  // once

private:
    enum class Part { header, messages, digest, signature, behind };

    void complain(std::string what);
    void complain_here(std::string_view what);
    void take_header(std::string_view line);
    void take_message(std::string_view line);
    void take_digest(std::string_view line);
    void take_signature(std::string_view line);
    void compare_totals();

    std::optional<PublicKey> key_;
    ManifestFindings found_;
    Part part_ = Part::header;
    std::uint64_t line_ = 0;
    std::string header_;
    std::string check_;
    Sha256 digest_;
    std::string signed_text_;
};

}  // namespace siding::backfill
