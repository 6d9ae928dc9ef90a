#include "backfill/accounts_columns.hpp"

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "config/suggest.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <string>
#include <vector>

namespace siding::backfill {
namespace {

struct Word {
    std::string_view word;
    Field field;
};

// The first word of a field is its name here.
constexpr std::array account_words{
    Word{"name", Field::name},
    Word{"account", Field::name},
    Word{"email", Field::email},
    Word{"emailaddress", Field::email},  // Microsoft's migration files
    Word{"email_address", Field::email},
    Word{"mail", Field::email},
    Word{"destination_folder", Field::folder},
    Word{"subfolder2", Field::folder},  // imapsync
    Word{"plan", Field::plan},
    Word{"map", Field::map},
    Word{"skip", Field::skip},
    Word{"only", Field::only},
};

constexpr std::array side_words{
    Word{"host", Field::host},
    Word{"server", Field::host},
    Word{"hostname", Field::host},
    Word{"port", Field::port},
    Word{"tls", Field::tls},
    Word{"security", Field::tls},
    Word{"encryption", Field::tls},
    Word{"ca_file", Field::ca_file},
    Word{"fingerprints", Field::fingerprints},
    Word{"fingerprint", Field::fingerprints},
    Word{"auth", Field::auth},
    Word{"authmech", Field::auth},
    Word{"mechanism", Field::auth},
    Word{"user", Field::user},
    Word{"username", Field::user},
    Word{"login", Field::user},
    Word{"admin", Field::admin},
    Word{"authuser", Field::admin},
    Word{"master", Field::admin},
    Word{"authzid", Field::authzid},
    Word{"proxyauth", Field::proxyauth},
    Word{"secret", Field::secret},
    Word{"password", Field::secret},
    Word{"pass", Field::secret},
    Word{"secret_file", Field::secret_file},
    Word{"password_file", Field::secret_file},
    Word{"passfile", Field::secret_file},
    Word{"secret_env", Field::secret_env},
    Word{"password_env", Field::secret_env},
    Word{"secret_credential", Field::secret_credential},
    Word{"credential", Field::secret_credential},
    Word{"token_endpoint", Field::token_endpoint},
    Word{"token_client_id", Field::token_client_id},
    Word{"token_client_secret_file", Field::token_client_secret_file},
    Word{"token_scope", Field::token_scope},
    Word{"token_device_endpoint", Field::token_device_endpoint},
    Word{"token_ca_file", Field::token_ca_file},
    Word{"prefix", Field::prefix},
};

// Without a side, as Microsoft's files have them.
constexpr std::array source_words{
    Word{"username", Field::user},
    Word{"password", Field::secret},
    Word{"userroot", Field::prefix},
};

struct SidePrefix {
    std::string_view prefix;
    Side side;
};

constexpr std::array side_prefixes{
    SidePrefix{"source_", Side::source},
    SidePrefix{"src_", Side::source},
    SidePrefix{"old_", Side::source},
    SidePrefix{"destination_", Side::destination},
    SidePrefix{"dest_", Side::destination},
    SidePrefix{"dst_", Side::destination},
    SidePrefix{"new_", Side::destination},
    SidePrefix{"target_", Side::destination},
};

std::string normal(std::string_view header) {
    const auto first = header.find_first_not_of(" \t");
    if (first == std::string_view::npos) {
        return "";
    }
    std::string word = to_lower(header.substr(first, header.find_last_not_of(" \t") + 1 - first));
    std::ranges::replace(word, ' ', '_');
    std::ranges::replace(word, '-', '_');
    return word;
}

template <std::size_t Size>
std::optional<Field> find(const std::array<Word, Size>& words, std::string_view word) {
    const auto found = std::ranges::find(words, word, &Word::word);
    return found == words.end() ? std::nullopt : std::optional{found->field};
}

struct Sided {
    Side side = Side::account;
    std::string_view word;
};

// "source_host" and "host1" to their side and "host".
std::optional<Sided> split_side(std::string_view word) {
    for (const SidePrefix& prefix : side_prefixes) {
        if (word.starts_with(prefix.prefix)) {
            return Sided{prefix.side, word.substr(prefix.prefix.size())};
        }
    }
    if (word.ends_with('1') || word.ends_with('2')) {
        const Side side = word.ends_with('1') ? Side::source : Side::destination;
        word.remove_suffix(word.ends_with("_1") || word.ends_with("_2") ? 2 : 1);
        return Sided{side, word};
    }
    return std::nullopt;
}

template <std::size_t Size>
std::string_view word_of(const std::array<Word, Size>& words, Field field) {
    const auto found = std::ranges::find(words, field, &Word::field);
    SIDING_CHECK(found != words.end(), "a column without a name");
    return found->word;
}

}  // namespace

std::optional<Column> column_of(std::string_view header) {
    const std::string word = normal(header);
    if (const auto field = find(account_words, word)) {
        return Column{Side::account, *field};
    }
    if (const auto field = find(source_words, word)) {
        return Column{Side::source, *field};
    }
    if (const auto sided = split_side(word)) {
        if (const auto field = find(side_words, sided->word)) {
            return Column{sided->side, *field};
        }
    }
    return std::nullopt;
}

std::string format_column(Column column) {
    if (column.side == Side::account) {
        return std::string{word_of(account_words, column.field)};
    }
    return fmt::format("{}_{}", to_text(column.side), word_of(side_words, column.field));
}

std::optional<std::string> column_near(std::string_view header) {
    std::vector<std::string> names;
    for (const Word& word : account_words) {
        names.push_back(format_column({Side::account, word.field}));
    }
    for (const Word& word : side_words) {
        names.push_back(format_column({Side::source, word.field}));
        names.push_back(format_column({Side::destination, word.field}));
    }
    const std::vector<std::string_view> words{names.begin(), names.end()};
    const auto near = config::suggest(normal(header), words);
    return near ? std::optional{std::string{*near}} : std::nullopt;
}

bool names_a_side(std::string_view header) {
    const std::string word = normal(header);
    return std::ranges::any_of(side_prefixes, [&](const SidePrefix& prefix) {
        return word.starts_with(prefix.prefix);
    });
}

}  // namespace siding::backfill
