// What responses mean: typed views of ImapResponse (RFC 9051 §7 and the extensions named below).
// Each answers nothing for another response, and leaves out what the server left out or wrote in a
// way that means nothing. Names of mailboxes are the server's octets (mailbox_name.hpp).
#pragma once

#include "backfill/imap_capabilities.hpp"
#include "backfill/imap_response.hpp"
#include "backfill/imap_set.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace siding::backfill {

struct FetchItem {
    struct Section {
        std::string name;          // upper case: "BODY[]", "RFC822.HEADER"
        bool is_nil = false;       // the server does not give it
        bool is_streamed = false;  // went to the reader of bodies
        std::string octets;        // otherwise
    };

    std::optional<std::uint64_t> uid;     // never 0
    std::optional<std::uint64_t> octets;  // RFC822.SIZE
    std::optional<std::uint64_t> modseq;
    std::optional<std::vector<std::string>> flags;  // as they came
    std::optional<std::string> internal_date;
    std::optional<std::string> save_date;  // RFC 8514
    std::optional<std::string> email_id;   // RFC 8474
    std::optional<std::string> gmail_id;   // X-GM-MSGID, decimal
    std::vector<std::string> gmail_labels;
    std::vector<Section> sections;

    const Section* section(std::string_view name) const;  // nullptr: not in this response
};
// Works on ImapParser::unfinished() too.
std::optional<FetchItem> fetch_item(const ImapResponse& response);

struct ListItem {
    std::vector<std::string> attributes;  // "\HasNoChildren"
    std::optional<char> separator;        // none: a flat name
    std::string name;
    std::vector<std::string> child_info;  // RFC 5258 CHILDINFO: "SUBSCRIBED"
    std::optional<std::string> old_name;  // RFC 9051 §6.3.9.7 OLDNAME

    bool has_attribute(std::string_view attribute) const;  // whatever the case
};
std::optional<ListItem> list_item(const ImapResponse& response);  // LIST, LSUB, XLIST

struct StatusItem {
    std::string mailbox;
    std::optional<std::uint64_t> messages;
    std::optional<std::uint64_t> unseen;
    std::optional<std::uint64_t> uid_next;
    std::optional<std::string> uid_validity;  // decimal, of any length
    std::optional<std::uint64_t> highest_modseq;
    std::optional<std::uint64_t> octets;        // SIZE, RFC 8438
    std::optional<std::uint64_t> append_limit;  // RFC 7889
    std::optional<std::string> mailbox_id;      // RFC 8474
};
std::optional<StatusItem> status_item(const ImapResponse& response);

struct SearchResult {
    ImapSet all;  // in ESEARCH only when ALL was asked for and something was found
    std::optional<std::uint64_t> min;
    std::optional<std::uint64_t> max;
    std::optional<std::uint64_t> count;
    std::optional<std::uint64_t> modseq;
    std::string tag;  // ESEARCH's correlator
    bool is_uid = false;
};
std::optional<SearchResult> search_result(const ImapResponse& response);  // SEARCH, ESEARCH, SORT

struct Vanished {  // RFC 7162 §3.2.10
    bool is_earlier = false;
    ImapSet uids;
};
std::optional<Vanished> vanished(const ImapResponse& response);

// The untagged response, or the code of any other.
std::optional<ImapCapabilities> capabilities(const ImapResponse& response);
// ENABLED: upper case.
std::optional<std::vector<std::string>> enabled(const ImapResponse& response);
// ID (RFC 2971): the server's own words, names in lower case.
std::optional<std::vector<std::pair<std::string, std::string>>> server_id(
    const ImapResponse& response
);

struct Namespaces {  // RFC 2342
    struct Namespace {
        std::string prefix;
        std::optional<char> separator;
    };
    std::vector<Namespace> personal;
    std::vector<Namespace> other_users;
    std::vector<Namespace> shared;
};
std::optional<Namespaces> namespaces(const ImapResponse& response);

struct Quota {  // RFC 9208
    struct Resource {
        std::string name;  // upper case: "STORAGE" (in 1024 octets), "MESSAGE"
        std::uint64_t used = 0;
        std::uint64_t limit = 0;
    };
    std::string root;
    std::vector<Resource> resources;
};
std::optional<Quota> quota(const ImapResponse& response);
struct QuotaRoots {
    std::string mailbox;
    std::vector<std::string> roots;
};
std::optional<QuotaRoots> quota_roots(const ImapResponse& response);

struct Acl {  // RFC 4314
    std::string mailbox;
    std::vector<std::pair<std::string, std::string>> rights;  // identifier, rights
};
std::optional<Acl> acl(const ImapResponse& response);
struct MyRights {
    std::string mailbox;
    std::string rights;
};
std::optional<MyRights> my_rights(const ImapResponse& response);

// Codes. The lists keep the server's order: its n-th UID is that of the n-th message.
struct AppendUid {  // RFC 4315 §3
    std::string uid_validity;
    std::vector<std::uint64_t> uids;
};
std::optional<AppendUid> append_uid(const ImapResponse& response);
struct CopyUid {
    std::string uid_validity;
    std::vector<std::uint64_t> source;
    std::vector<std::uint64_t> destination;  // as many
};
std::optional<CopyUid> copy_uid(const ImapResponse& response);
// "[UIDNEXT 12]", "[HIGHESTMODSEQ 12]", "[UNSEEN 1]".
std::optional<std::uint64_t> code_number(const ImapResponse& response, std::string_view code);
// "[UIDVALIDITY 12]": decimal text; "[MAILBOXID (x)]": x.
std::optional<std::string> code_text(const ImapResponse& response, std::string_view code);
// "* FLAGS (…)" or the code PERMANENTFLAGS, by the name that is asked for.
std::optional<std::vector<std::string>> flag_list(
    const ImapResponse& response, std::string_view name
);

}  // namespace siding::backfill
