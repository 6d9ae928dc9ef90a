#include "backfill/accounts_login.hpp"

#include "backfill/token_endpoint.hpp"
#include "base/bytes.hpp"
#include "config/units.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace siding::backfill {
namespace {

constexpr std::uint16_t imaps_port = 993;  // RFC 8314 §7.1
constexpr std::uint16_t imap_port = 143;

std::optional<std::string> read_fingerprint(std::string_view text) {
    constexpr std::size_t digits = 64;
    std::string fingerprint = to_lower(text);
    std::erase(fingerprint, ':');
    const bool good = fingerprint.size() == digits && std::ranges::all_of(fingerprint, [](char c) {
                          return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                      });
    return good ? std::optional{std::move(fingerprint)} : std::nullopt;
}

std::optional<config::ImapTls> read_tls_word(std::string_view text) {
    const std::string word = to_lower(text);
    if (word == "implicit" || word == "ssl" || word == "imaps") {
        return config::ImapTls::implicit;
    }
    if (word == "starttls") {
        return config::ImapTls::starttls;
    }
    return word == "off" ? std::optional{config::ImapTls::off} : std::nullopt;
}

std::optional<bool> read_flag(std::string_view text) {
    const std::string word = to_lower(text);
    if (word == "true" || word == "yes" || word == "1") {
        return true;
    }
    return word == "false" || word == "no" || word == "0" ? std::optional{false} : std::nullopt;
}

bool is_variable(std::string_view text) {
    return !(text.front() >= '0' && text.front() <= '9') && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_';
    });
}

bool is_credential(std::string_view text) {
    constexpr std::size_t name_max = 255;
    return text.size() <= name_max && text.front() != '.' && text.find('/') == text.npos;
}

class LoginReader {
public:
    LoginReader(RowCells& cells, Side side, const config::ImapServer& server)
        : cells_{cells}, side_{side}, server_{server} {}

    Login read() {
        login_.side = side_;
        read_address();
        read_port();
        read_tls();
        read_trust();
        read_user();
        read_auth();
        read_tokens();
        read_secret();
        login_.compress = server_.compress;
        login_.prefix =
            has(Field::prefix) ? std::optional{cells_.text(at(Field::prefix))} : std::nullopt;
        return std::move(login_);
    }

private:
    Column at(Field field) const { return {side_, field}; }
    const CsvField* find(Field field) const { return cells_.find(at(field)); }
    bool has(Field field) const { return find(field) != nullptr; }
    void refuse(Field field, std::string_view what) { cells_.refuse(at(field), what); }

    void read_address();
    void read_port();
    void read_tls();
    void read_trust();
    void read_user();
    void read_auth();
    void read_url(Field field, std::string& url);
    void read_tokens();
    void read_secret();
    void read_one_secret(Field field);

    RowCells& cells_;
    Side side_;
    const config::ImapServer& server_;
    Login login_;
    bool has_port_ = false;
};

void LoginReader::read_address() {
    const CsvField* cell = find(Field::host);
    if (cell == nullptr && !server_.address) {
        refuse(Field::host, "is missing, here and in the configuration");
    } else if (cell == nullptr) {
        login_.address = *server_.address;
        const bool usual = login_.address.port == imaps_port || login_.address.port == imap_port;
        has_port_ = !usual || !has(Field::tls);
    } else {
        const bool bare_six =
            config::is_ip_address(cell->text) && cell->text.find(':') != std::string::npos;
        const auto host = config::parse_endpoint(
            bare_six ? fmt::format("[{}]", cell->text) : cell->text, std::uint16_t{0}
        );
        if (!host) {
            refuse(
                Field::host,
                "is no host; allowed: a name or an address, and a port, such as imap.example.com, "
                "192.0.2.1:993 or [2001:db8::1]:993"
            );
            return;
        }
        login_.address = *host;
        has_port_ = host->port != 0;
    }
}

void LoginReader::read_port() {
    const CsvField* cell = find(Field::port);
    if (cell == nullptr) {
        return;
    }
    const auto port = config::parse_count(cell->text);
    if (!port || *port == 0 || *port > 65535) {
        refuse(Field::port, "is no port; allowed: 1 to 65535");
    } else if (has_port_ && has(Field::host) && login_.address.port != *port) {
        refuse(Field::port, "is another one than the host's; write one of them");
    } else {
        login_.address.port = static_cast<std::uint16_t>(*port);
        has_port_ = true;
    }
}

// A port says which TLS is meant, and TLS says which port.
void LoginReader::read_tls() {
    login_.tls = server_.tls;
    const bool implicit = login_.tls == config::ImapTls::implicit;
    if (const CsvField* cell = find(Field::tls)) {
        const auto tls = read_tls_word(cell->text);
        login_.tls = tls.value_or(login_.tls);
        if (!tls) {
            refuse(Field::tls, "is not accepted; allowed: implicit, starttls or off");
        }
    } else if (has_port_ && login_.address.port == imap_port && implicit) {
        login_.tls = config::ImapTls::starttls;
    }
    if (!has_port_) {
        login_.address.port = login_.tls == config::ImapTls::implicit ? imaps_port : imap_port;
    }
}

void LoginReader::read_trust() {
    login_.ca_file = server_.ca_file;
    login_.fingerprints = server_.fingerprints;
    if (has(Field::ca_file) && has(Field::fingerprints)) {
        refuse(Field::ca_file, "does not count beside fingerprints; write one of them");
    } else if (has(Field::ca_file)) {
        login_.ca_file = cells_.path(at(Field::ca_file));
        login_.fingerprints.clear();
    } else if (has(Field::fingerprints)) {
        login_.ca_file.reset();
        login_.fingerprints.clear();
        for (const std::string& part : split_bars(cells_.text(at(Field::fingerprints)))) {
            auto fingerprint = read_fingerprint(part);
            if (!fingerprint) {
                refuse(
                    Field::fingerprints,
                    "is no SHA-256 fingerprint of 64 digits, or several with | between"
                );
                return;
            }
            login_.fingerprints.push_back(std::move(*fingerprint));
        }
    }
}

void LoginReader::read_user() {
    login_.user = cells_.text(at(Field::user));
    login_.authzid = cells_.text(at(Field::authzid));
    if (has(Field::admin) && has(Field::authzid)) {
        refuse(
            Field::authzid,
            fmt::format(
                "stands beside {}, which says the same; write one of them",
                format_column(at(Field::admin))
            )
        );
    }
}

void LoginReader::read_auth() {
    if (const CsvField* cell = find(Field::auth)) {
        const auto mechanism = parse_mechanism(cell->text);
        login_.mechanism = mechanism.value_or(Mechanism::automatic);
        if (!mechanism) {
            refuse(
                Field::auth,
                "is not accepted; allowed: auto, plain, login, scram-sha-256, xoauth2 or "
                "oauthbearer"
            );
        }
    }
    if (const CsvField* cell = find(Field::proxyauth)) {
        const auto flag = read_flag(cell->text);
        login_.proxyauth = flag.value_or(false);
        if (!flag) {
            refuse(Field::proxyauth, "is not accepted; allowed: true or false");
        }
    }
}

void LoginReader::read_url(Field field, std::string& url) {
    if (const CsvField* cell = find(field)) {
        url = cell->text;
        if (!parse_token_url(cell->text)) {
            refuse(
                field,
                "is not accepted; allowed: https://host/path, or http:// with a loopback address"
            );
        }
    }
}

void LoginReader::read_tokens() {
    login_.tokens = server_.tokens;
    constexpr std::array fields{
        Field::token_endpoint,
        Field::token_client_id,
        Field::token_client_secret_file,
        Field::token_scope,
        Field::token_device_endpoint,
        Field::token_ca_file};
    if (std::ranges::none_of(fields, [this](Field field) { return has(field); })) {
        return;
    }
    config::TokenSource tokens = login_.tokens.value_or(config::TokenSource{});
    read_url(Field::token_endpoint, tokens.endpoint);
    read_url(Field::token_device_endpoint, tokens.device_endpoint);
    if (const CsvField* cell = find(Field::token_client_id)) {
        tokens.client_id = cell->text;
    }
    if (const auto file = cells_.path(at(Field::token_client_secret_file))) {
        tokens.client_secret_file = file;
    }
    if (const CsvField* cell = find(Field::token_scope)) {
        tokens.scope = cell->text;
    }
    if (const auto file = cells_.path(at(Field::token_ca_file))) {
        tokens.ca_file = file;
    }
    for (const auto& [field, value] :
         {std::pair{Field::token_endpoint, &tokens.endpoint},
          std::pair{Field::token_client_id, &tokens.client_id}}) {
        if (value->empty()) {
            refuse(field, "is missing; the other columns of tokens need it");
        }
    }
    login_.tokens = std::move(tokens);
}

void LoginReader::read_secret() {
    std::vector<Field> given;
    for (const Field field :
         {Field::secret, Field::secret_file, Field::secret_env, Field::secret_credential}) {
        if (has(field)) {
            given.push_back(field);
        }
    }
    const bool may_be_none = login_.needs_token();
    if (given.size() > 1) {
        refuse(given.back(), "is a second secret for this login; write one of them");
    } else if (given.size() == 1) {
        read_one_secret(given.front());
    } else if (!may_be_none) {
        refuse(
            Field::secret,
            fmt::format(
                "is missing; {0}, {0}_file, {0}_env or {0}_credential says how to log in",
                format_column(at(Field::secret))
            )
        );
    }
}

void LoginReader::read_one_secret(Field field) {
    const CsvField& cell = *find(field);
    if (field == Field::secret) {
        login_.secret = {Secret::Kind::text, cell.text};
        const bool blank = cell.text.front() == ' ' || cell.text.back() == ' ';
        if (blank && !cell.is_quoted) {
            cells_.warn(at(field), "has a blank at one end, which is part of it");
        }
    } else if (field == Field::secret_file) {
        login_.secret = {Secret::Kind::file, cells_.path(at(field)).value_or("")};
    } else if (field == Field::secret_env) {
        login_.secret = {Secret::Kind::environment, cell.text};
        if (!is_variable(cell.text)) {
            refuse(field, "is no name of an environment variable");
        }
    } else {
        login_.secret = {Secret::Kind::credential, cell.text};
        if (!is_credential(cell.text)) {
            refuse(field, "is no name of a systemd credential");
        }
    }
}

}  // namespace

Login read_login(RowCells& cells, Side side, const config::ImapServer& server) {
    return LoginReader{cells, side, server}.read();
}

void check_login(RowCells& cells, Side side, const Login& login) {
    if (login.user.empty()) {
        cells.refuse({side, Field::user}, "is missing");
    }
    if (login.proxyauth && login.authzid.empty()) {
        cells.refuse({side, Field::proxyauth}, "needs to know for whom; write authzid");
    }
    const bool cannot_say =
        login.mechanism == Mechanism::login || login.mechanism == Mechanism::xoauth2;
    if (!login.proxyauth && !login.authzid.empty() && cannot_say) {
        cells.refuse(
            {side, Field::auth},
            fmt::format(
                "is {}, which cannot log in for another user; use plain or proxyauth",
                format_mechanism(login.mechanism)
            )
        );
    }
    if (login.tls == config::ImapTls::off && !login.address.host.empty() &&
        !config::is_loopback_address(login.address.host)) {
        cells.warn({side, Field::tls}, "is off: the password and all mail go in the clear");
    }
}

}  // namespace siding::backfill
