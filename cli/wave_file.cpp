#include "cli/wave_file.hpp"

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "relay/address_key.hpp"
#include "relay/recipient_import.hpp"
#include "relay/watched_file.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <utility>

namespace siding::cli {
namespace {

using config::RecipientMapFormat;

Result<relay::RecipientSet> parse_file(
    RecipientMapFormat format, const std::string& text, const std::string& column
) {
    switch (format) {
    case RecipientMapFormat::list:
        return relay::parse_recipient_list(text);
    case RecipientMapFormat::virtual_map:
    case RecipientMapFormat::relay_recipients:
        return relay::import_postfix_map(text);
    case RecipientMapFormat::aliases:
        return relay::import_aliases(text);
    case RecipientMapFormat::csv:
        return relay::import_csv(text, column);
    }
    SIDING_UNREACHABLE("RecipientMapFormat");
}

Error in_file(const std::filesystem::path& path, const Error& error) {
    return {Errc::invalid_argument, fmt::format("{}: {}", escape(path.string()), error.context)};
}

}  // namespace

Result<WaveFile> read_wave_file(
    const std::filesystem::path& path,
    RecipientMapFormat format,
    const std::string& column,
    const Domain& domain
) {
    const auto content = relay::read_whole_file(path.string());
    if (!content) {
        return in_file(path, content.error());
    }
    const auto parsed = parse_file(format, content->text, column);
    if (!parsed) {
        return in_file(path, parsed.error());
    }
    WaveFile file;
    parsed->for_each([&](std::string_view key) {
        const std::string_view own = relay::domain_of_key(key);
        if (own.empty()) {
            file.addresses.push_back(std::string{key} + domain.text());
        } else if (own == domain.text()) {
            file.addresses.emplace_back(key);
        } else {
            ++file.elsewhere;
        }
    });
    std::ranges::sort(file.addresses);
    for (std::string& address : file.addresses) {
        const auto at = address.rfind('@');
        if (at > 0) {  // a key holds the local part without its quotes
            address = relay::quote_local_part(address.substr(0, at)) + address.substr(at);
        }
    }
    if (file.addresses.empty()) {
        return Error{
            Errc::invalid_argument,
            fmt::format("{}: holds no address of {}", escape(path.string()), domain.text())};
    }
    return file;
}

Result<RecipientMapFormat> parse_file_format(std::string_view text) {
    constexpr std::array formats{
        std::pair{std::string_view{"list"}, RecipientMapFormat::list},
        std::pair{std::string_view{"virtual"}, RecipientMapFormat::virtual_map},
        std::pair{std::string_view{"aliases"}, RecipientMapFormat::aliases},
        std::pair{std::string_view{"relay_recipients"}, RecipientMapFormat::relay_recipients},
        std::pair{std::string_view{"csv"}, RecipientMapFormat::csv},
    };
    for (const auto& [name, format] : formats) {
        if (name == text) {
            return format;
        }
    }
    return Error{
        Errc::invalid_argument,
        fmt::format(
            "'{}' is not a format; write list, virtual, aliases, relay_recipients or csv",
            escape(text)
        )};
}

}  // namespace siding::cli
