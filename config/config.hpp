// What the operator asked for, as checked values with defaults. config/load.hpp makes it from a
// file; config/schema.hpp says what each key means and what it may be. Immutable once loaded.
#pragma once

#include "base/clock.hpp"
#include "base/domain.hpp"
#include "base/log.hpp"
#include "base/network.hpp"
#include "base/phase.hpp"
#include "config/backfill.hpp"
#include "config/endpoint.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace siding::config {

enum class ListenerTls { off, starttls, implicit };

// Who may show another client's address in place of its own.
struct TrustedPeers {
    std::vector<Network> networks{};
    bool required = false;  // from these networks, who does not speak it is turned away
    bool operator==(const TrustedPeers&) const = default;
};

struct Listener {
    Endpoint address{};                  // an IP address; port 0 lets the system choose
    ListenerTls tls = ListenerTls::off;  // loaded: starttls where there is a certificate
    bool tls_required = false;
    bool client_certificates = false;  // asked for, never demanded
    TrustedPeers proxy_protocol{.networks = {}, .required = true};
    TrustedPeers xclient{};
    std::optional<std::vector<std::string>> extensions{};  // nothing: Config::extensions
    bool operator==(const Listener&) const = default;
};

// A certificate with its chain, and its key; PEM, absolute paths. Not opened here.
struct Identity {
    std::string certificate{};
    std::string key{};
    bool operator==(const Identity&) const = default;
};

enum class TlsVersion { v1_2, v1_3 };

struct Tls {
    std::optional<Identity> identity{};       // for clients that name nobody, or somebody else
    std::map<std::string, Identity> names{};  // by SNI name, lower case
    TlsVersion minimum = TlsVersion::v1_2;

    bool has_certificate() const { return identity.has_value() || !names.empty(); }
    bool operator==(const Tls&) const = default;
};

struct Limits {
    std::uint64_t message_size_bytes = 50ull << 20;
    std::uint64_t header_size_bytes = 1ull << 20;
    std::size_t received = 50;      // Received fields of one message
    std::size_t recipients = 1000;  // of one transaction
    std::size_t commands = 5000;    // of one session; 0: no limit
    std::size_t connections = 10000;
    std::size_t connections_per_client = 50;  // a client: an IPv4 address or an IPv6 /64
    std::size_t connection_rate = 0;          // per client and minute, like the next two; 0: none
    std::size_t message_rate = 0;
    std::size_t recipient_rate = 0;
    std::vector<Network> exempt{};  // clients without limits of their own
    unsigned stress_percent = 80;   // of `connections`: from there the stressed timeouts count
    std::size_t soft_errors = 10;   // from here on a session's replies are delayed
    std::size_t hard_errors = 20;   // here it ends with 421
    bool operator==(const Limits&) const = default;
};

struct Timeouts {
    std::chrono::milliseconds greeting = std::chrono::seconds{30};  // PROXY header, TLS handshake
    std::chrono::milliseconds command = std::chrono::minutes{5};
    std::chrono::milliseconds data = std::chrono::minutes{3};   // one block
    std::chrono::milliseconds message = std::chrono::hours{1};  // all of DATA or BDAT
    std::chrono::milliseconds stressed_command = std::chrono::seconds{10};
    std::chrono::milliseconds stressed_data = std::chrono::seconds{20};
    std::uint64_t data_rate_min = 100;  // octets per second, from the second minute on; 0: none
    bool operator==(const Timeouts&) const = default;
};

enum class EarlyTalkers { reject, log, ignore };

enum class BareNewlines { normalize, reject };

enum class ServerTls { off, opportunistic, required, verify, fingerprint, dane };

// How we say who we are to a server that wants to know.
struct Auth {
    enum class Mechanism { automatic, plain, login, xoauth2 };

    Mechanism mechanism = Mechanism::automatic;
    std::string user{};
    std::string secret_file{};  // absolute; its first line is the password or the token
    bool operator==(const Auth&) const = default;
};

// Whose limits count where the file names none; relay/lane_limits.hpp knows them.
enum class Profile { generic, postfix, exchange, m365, google };

struct Server {
    Endpoint address{};
    std::optional<std::size_t> connections{};  // nothing, here and below: as the profile says
    std::chrono::milliseconds connect_timeout = std::chrono::seconds{30};
    ServerTls tls = ServerTls::opportunistic;
    std::optional<std::string> tls_name{};  // to ask for and to verify; nothing: the host
    std::optional<std::string> ca_file{};   // absolute; nothing: the system's
    std::vector<Endpoint> fallback{};       // tried in order after `address`
    bool mx = false;                        // the host of `address` is a domain: its MX hosts
    std::vector<std::string> source{};      // local addresses to come from, one of each family
    std::vector<std::string> tls_fingerprints{};  // SHA-256 of certificates: 64 digits, a-f
    std::optional<Auth> auth{};
    bool xclient = false;
    bool proxy_protocol = false;
    Profile profile = Profile::generic;
    std::optional<std::size_t> messages_per_connection{};  // 0: any number
    std::optional<std::size_t> recipients_per_transaction{};
    std::optional<std::size_t> recipient_connections{};  // at once to one recipient; 0: any number
    std::optional<std::uint64_t> rate{};                 // messages in a minute; 0: any number
    std::optional<std::uint64_t> domain_rate{};          // of one recipient domain, likewise
    std::optional<std::uint64_t> recipient_rate{};       // of one recipient, likewise
    bool operator==(const Server&) const = default;
};

enum class RecipientMapFormat { list, virtual_map, aliases, relay_recipients, csv };

struct RecipientFile {
    std::string path{};  // absolute
    RecipientMapFormat format = RecipientMapFormat::list;
    std::string column{};  // csv: the header's name, or a number from 1
    bool operator==(const RecipientFile&) const = default;
};

// A recipient exists if one of these says so.
struct Recipients {
    bool any = false;  // then the others are empty
    std::vector<RecipientFile> files{};
    std::vector<std::string> verify{};  // servers to ask
    bool operator==(const Recipients&) const = default;
};

// The wave of everybody who is in no other.
inline constexpr const char* default_wave = "default";

// A named part of a domain's recipients.
struct Wave {
    std::optional<Phase> phase{};  // as in DomainSettings; nothing: the phase of `default`
    std::vector<RecipientFile> files{};
    std::vector<std::string> patterns{};  // globs on the local part, lower case: "sales-*"
    std::string copy{};                   // as in DomainSettings
    bool operator==(const Wave&) const = default;
};

// Which MX hosts a domain moves to and from, in lower case.
struct MxMove {
    std::vector<std::string> new_hosts{};  // empty: the hostname; see new_mx_hosts()
    std::vector<std::string> old_hosts{};  // empty: whatever else was served
    std::optional<WallTime> switch_at{};
    bool operator==(const MxMove&) const = default;
};

// Where mail is seen that still goes to the old server.
struct Stragglers {
    std::optional<std::string> log{};  // absolute; Postfix's
    std::vector<Network> networks{};
    bool operator==(const Stragglers&) const = default;
};

struct DomainSettings {
    Phase phase = Phase::prep;  // first start only; afterwards the queue remembers it
    Recipients recipients{.any = true, .files = {}, .verify = {}};
    std::optional<std::string> rewrite{};  // absolute path of the map
    std::map<std::string, Wave> waves{};   // never "default"
    std::string copy{};  // first start only; of pass_*: the server that gets a copy, or empty
    MxMove mx{};
    Stragglers stragglers{};
    bool operator==(const DomainSettings&) const = default;
};

// How servers are asked for their recipients.
struct Verify {
    enum class Unreachable { last_known, defer };

    std::string sender{};  // empty: <>; loaded: double-bounce@ the hostname where nothing is said
    std::chrono::milliseconds positive_ttl = std::chrono::days{4};
    std::chrono::milliseconds negative_ttl = std::chrono::minutes{5};
    std::chrono::milliseconds timeout = std::chrono::seconds{10};  // of one whole probe
    std::size_t connections = 4;                                   // to each server
    Unreachable when_unreachable = Unreachable::last_known;
    bool detect_catch_all = true;
    bool operator==(const Verify&) const = default;
};

struct Filter {
    enum class OnFailure { accept, defer };
    enum class OnReject { reject, tag };

    std::optional<std::string> rspamd{};  // "http://127.0.0.1:11333": parse_http_url reads it
    OnFailure on_failure = OnFailure::accept;
    OnReject on_reject = OnReject::reject;
    std::chrono::milliseconds timeout = std::chrono::seconds{15};
    std::uint64_t max_size_bytes = 20ull << 20;  // larger ones are not scanned
    bool operator==(const Filter&) const = default;
};

struct Retry {
    // Waits after the first, second, … failure; the last one repeats for ever, nothing expires.
    std::vector<std::chrono::milliseconds> schedule = {
        std::chrono::minutes{1},
        std::chrono::minutes{5},
        std::chrono::minutes{10},
        std::chrono::minutes{20},
        std::chrono::minutes{40},
        std::chrono::hours{1}};
    bool operator==(const Retry&) const = default;
};

// Mail of pass_* phases that goes to its server while the sender waits.
struct PassThrough {
    bool enabled = true;            // otherwise it is queued, and leaves at once
    std::size_t connections = 100;  // to each server
    std::chrono::milliseconds connect_timeout = std::chrono::seconds{5};
    std::chrono::milliseconds rcpt_timeout = std::chrono::seconds{20};
    std::chrono::milliseconds data_timeout = std::chrono::minutes{4};
    bool operator==(const PassThrough&) const = default;
};

// Delivered messages that are kept, for replay.
struct Retention {
    std::chrono::milliseconds time{0};  // 0: none is kept
    std::uint64_t size_bytes = 10ull << 30;
    bool operator==(const Retention&) const = default;
};

// What a release job does where the order says nothing, and what phase `release` does.
struct Release {
    enum class Order { oldest, small_first };

    std::uint64_t rate = 0;      // messages in a minute; 0: as fast as the server takes them
    std::uint64_t canary = 0;    // first so many, and on only if they went well; 0: none
    unsigned pause_percent = 5;  // refused ones of the last outcomes that pause a job; 0: never
    Order order = Order::oldest;
    bool operator==(const Release&) const = default;
};

struct Dsn {
    std::optional<std::string> server{};  // that sends our reports; nothing: none are sent
    bool operator==(const Dsn&) const = default;
};

// Mail that does not wait in phase hold. All that is given must hold, and something is.
struct ExpressRule {
    std::string name{};
    std::optional<std::string> sender{};  // glob on the address, lower case; "<>": the null sender
    std::optional<std::string> recipient{};  // glob on the address, lower case
    std::optional<std::string> header{};     // "Name: glob", lower case
    std::optional<std::uint64_t> max_size_bytes{};
    std::optional<std::uint64_t> min_size_bytes{};
    bool operator==(const ExpressRule&) const = default;
};

struct Dns {
    std::vector<Endpoint> servers{};  // IP addresses; empty: those of /etc/resolv.conf
    std::chrono::milliseconds timeout = std::chrono::seconds{5};  // of one try
    unsigned tries = 2;
    // The watch over the domains' MX records.
    bool enabled = true;
    std::chrono::milliseconds watch = std::chrono::minutes{5};
    std::chrono::milliseconds watch_near = std::chrono::seconds{20};
    std::optional<std::string> panel_file{};  // absolute; nothing: the panel that is built in
    bool panel = true;
    unsigned samples = 4;
    unsigned rounds = 3;
    std::chrono::milliseconds slack = std::chrono::minutes{2};
    std::chrono::milliseconds floor = std::chrono::hours{1};
    std::chrono::milliseconds allowance = std::chrono::hours{24};
    double coverage_min = 0.99;      // `proven`: share of the known senders' mail seen here
    double straggler_max = 0.001;    // `quiet`: share of mail that may still go the old way
    std::size_t operators_min = 15;  // of the panel that must have answered
    std::vector<Endpoint> roots{};   // empty: those of the Internet
    std::uint16_t port = 53;         // of authoritative servers
    bool operator==(const Dns&) const = default;
};

// Free space that new mail may not use, so that release, listing and deletion always have room.
class DiskReserve {
public:
    static DiskReserve automatic() { return DiskReserve{Kind::automatic, 0}; }
    static DiskReserve of_bytes(std::uint64_t bytes) { return DiskReserve{Kind::bytes, bytes}; }
    static DiskReserve of_percent(unsigned percent) { return DiskReserve{Kind::percent, percent}; }

    // Octets to keep free on a file system of that size.
    std::uint64_t bytes(std::uint64_t disk_size_bytes) const;

    static Result<DiskReserve> parse(std::string_view text);  // "auto", "2GiB", "5%"
    std::string text() const;

    bool operator==(const DiskReserve&) const = default;

private:
    enum class Kind { automatic, bytes, percent };
    DiskReserve(Kind kind, std::uint64_t amount) : kind_{kind}, amount_{amount} {}

    Kind kind_;
    std::uint64_t amount_;
};

struct Storage {
    DiskReserve disk_reserve = DiskReserve::automatic();
    bool operator==(const Storage&) const = default;
};

struct Control {
    std::string socket = "/run/siding/control.sock";
    std::optional<Endpoint> http;  // a loopback address
    std::optional<std::string> token_file;
    bool operator==(const Control&) const = default;
};

struct Log {
    LogLevel level = LogLevel::info;
    bool operator==(const Log&) const = default;
};

// Every EHLO keyword there is to offer.
std::vector<std::string> all_extensions();

// What servers, waves and rules may be called: up to 32 of a-z, 0-9, '-' and '_'.
bool is_name(std::string_view text);

// The MX hosts that the domain moves to.
std::vector<std::string> new_mx_hosts(const MxMove& mx, const std::string& hostname);

// Who asks for recipients where the file does not say.
std::string default_probe_sender(const std::string& hostname);

struct Config {
    std::string hostname;  // lower case, fully qualified
    std::string data_dir;  // absolute
    std::vector<Listener> listeners;
    Tls tls;
    std::vector<std::string> extensions = all_extensions();  // EHLO keywords, upper case
    std::map<std::string, Server> servers;
    std::map<Domain, DomainSettings> domains;
    std::string recipient_delimiter = "+";  // one character, or empty for none
    Verify verify;
    Filter filter;
    PassThrough pass_through;
    std::vector<ExpressRule> express;  // by name
    Release release;
    Retention retention;
    Dsn dsn;
    Dns dns;
    Limits limits;
    Timeouts timeouts;
    EarlyTalkers early_talkers = EarlyTalkers::reject;
    std::chrono::milliseconds greeting_delay{0};
    BareNewlines bare_newlines = BareNewlines::normalize;
    Retry retry;
    Storage storage;
    Control control;
    Backfill backfill;
    Log log;
    std::chrono::milliseconds drain_timeout = std::chrono::seconds{30};
    std::optional<unsigned> threads;  // of the network; nothing: one per core

    bool operator==(const Config&) const = default;
};

}  // namespace siding::config
