#include "backfill/manifest_check.hpp"

#include "backfill/manifest.hpp"
#include "base/base64.hpp"
#include "base/bytes.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <utility>

namespace siding::backfill {
namespace {

constexpr std::size_t header_octets_max = 1024 * 1024;

std::vector<std::string_view> split(std::string_view line) {
    std::vector<std::string_view> fields;
    for (;;) {
        const auto tab = line.find('\t');
        fields.push_back(line.substr(0, tab));
        if (tab == std::string_view::npos) {
            return fields;
        }
        line.remove_prefix(tab + 1);
    }
}

std::uint64_t number_of(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    return failure == std::errc{} && end == text.data() + text.size() ? number : UINT64_MAX;
}

}  // namespace

ManifestReader::ManifestReader(std::optional<PublicKey> key) : key_{std::move(key)} {
    found_.is_key_given = key_.has_value();
}

void ManifestReader::complain(std::string what) {
    ++found_.problem_count;
    if (found_.problems.size() < ManifestFindings::problems_max) {
        found_.problems.push_back(std::move(what));
    }
}

void ManifestReader::complain_here(std::string_view what) {
    complain(fmt::format("line {}: {}", line_, what));
}

void ManifestReader::take(std::string_view line) {
    ++line_;
    const bool is_whole = line.ends_with('\n');
    const std::string_view text = line.substr(0, line.size() - (is_whole ? 1 : 0));
    if (!is_whole) {
        complain_here("has no end of line: the file was cut off");
    } else if (text.ends_with('\r')) {
        complain_here("ends with CRLF: something has changed the line ends of the file");
    }
    if (part_ == Part::header || part_ == Part::messages) {
        digest_.update(line);
    }
    switch (part_) {
    case Part::header:
        take_header(text);
        return;
    case Part::messages:
        take_message(text);
        return;
    case Part::digest:
        signed_text_ = line;
        take_digest(text);
        return;
    case Part::signature:
        take_signature(text);
        return;
    case Part::behind:
        complain_here("stands behind the signature and is no part of the manifest");
        return;
    }
}

void ManifestReader::take_header(std::string_view line) {
    if (line_ == 1 && line != manifest::first_line) {
        complain_here("is not 'siding-manifest: 1': this is no manifest, or of another version");
    }
    if (line.starts_with(manifest::header_check_key)) {
        check_ = manifest::check_of("", header_);
        const std::string_view said = line.substr(manifest::header_check_key.size());
        if (said != check_) {
            complain(fmt::format("lines 1 to {}: the header was changed", line_));
        }
        check_ = said;
        part_ = Part::messages;
        return;
    }
    const bool is_message = line.find('\t') != std::string_view::npos;
    if (is_message && !line.starts_with(manifest::columns_key)) {
        complain_here("the check of the header is missing in front of it");
        check_ = manifest::check_of("", header_);
        part_ = Part::messages;
        take_message(line);
        return;
    }
    if (header_.size() + line.size() > header_octets_max) {
        return;  // no header of ours; the check will say so
    }
    header_.append(line).append("\n");
    const auto colon = line.find(": ");
    if (colon == std::string_view::npos) {
        return;
    }
    const std::string key{line.substr(0, colon)};
    const std::string value{line.substr(colon + 2)};
    if (key == "note") {
        found_.notes.push_back(value);
    }
    found_.header.emplace(key, value);
}

void ManifestReader::take_message(std::string_view line) {
    const bool is_message = line.find('\t') != std::string_view::npos;
    if (line.starts_with(manifest::end_key) && !is_message) {
        part_ = Part::digest;
        if (number_of(line.substr(manifest::end_key.size())) != found_.messages) {
            complain_here(fmt::format(
                "names another number than the {} messages in front of it", found_.messages
            ));
        }
        return;
    }
    ++found_.messages;
    const auto fields = split(line);
    const std::string_view said = fields.back();
    // The check that stands there counts for the next line: one change, one complaint.
    const std::string own =
        fields.size() < 2
            ? ""
            : manifest::check_of(check_, line.substr(0, line.size() - said.size() - 1));
    if (fields.size() != manifest::columns || said != own) {
        complain_here("was changed, or a line in front of it is missing, new or out of order");
    }
    check_ = said;
    if (fields.size() > manifest::verdict_column) {
        ++found_.totals[std::string{fields[manifest::verdict_column]}];
    }
}

void ManifestReader::take_digest(std::string_view line) {
    part_ = Part::signature;
    if (!line.starts_with(manifest::digest_key)) {
        complain_here("does not say the SHA-256 of what stands above it");
        return;
    }
    if (line.substr(manifest::digest_key.size()) != to_hex(digest_.finish())) {
        complain_here(
            found_.problem_count > 0
                ? "the SHA-256 of what stands above is another"
                : "the SHA-256 of what stands above is another, though every line has its check: "
                  "this line was changed, or somebody has made the checks anew"
        );
    }
}

void ManifestReader::take_signature(std::string_view line) {
    part_ = Part::behind;
    if (!line.starts_with(manifest::signature_key)) {
        complain_here("is no signature");
        return;
    }
    const auto named = found_.header.find("public-key");
    const auto own = named == found_.header.end()
                         ? Result<PublicKey>{Error{Errc::not_found, "it names no public key"}}
                         : PublicKey::parse(named->second);
    if (!own) {
        complain("the header: " + own.error().context);
    } else {
        found_.signed_by = own->text();
        if (key_ && *key_ != *own) {
            complain("the header names another public key than the one that was given");
        }
    }
    if (!key_ && !own) {
        return;
    }
    const PublicKey& key = key_ ? *key_ : *own;
    const auto signature = from_base64(line.substr(manifest::signature_key.size()));
    if (!signature || !key.verifies(signed_text_, *signature)) {
        complain_here("the signature is not that of this text and this key");
    }
}

void ManifestReader::compare_totals() {
    for (const auto& [key, value] : found_.header) {
        if (key.starts_with(manifest::total_key)) {
            const std::string verdict = key.substr(manifest::total_key.size());
            const auto counted = found_.totals.find(verdict);
            const std::uint64_t lines = counted == found_.totals.end() ? 0 : counted->second;
            if (number_of(value) != lines) {
                complain(
                    fmt::format("the header says {} '{}', and {} lines do", value, verdict, lines)
                );
            }
        }
    }
}

ManifestFindings ManifestReader::finish() {
    if (part_ != Part::behind) {
        complain("the end is missing: the file was cut off, or is no manifest");
    } else {
        compare_totals();
    }
    return std::move(found_);
}

}  // namespace siding::backfill
