// What a server offers, by the names of its CAPABILITY response. A server that speaks IMAP4rev2
// alone offers what RFC 9051 App. E took in, named or not.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace siding::backfill {

class ImapCapabilities {
public:
    void add(std::string_view name);        // one name or several with blanks between
    void remove(std::string_view name);     // what a server promises and does not keep
    bool has(std::string_view name) const;  // whatever the case
    bool empty() const { return names_.empty(); }
    std::string text() const;  // upper case, sorted, one blank between

    bool rev1() const { return has("IMAP4REV1"); }
    bool rev2() const { return has("IMAP4REV2"); }
    bool start_tls() const { return has("STARTTLS"); }
    bool login_disabled() const { return has("LOGINDISABLED"); }
    bool sasl_ir() const { return has_in_rev2("SASL-IR"); }
    bool literal_plus() const { return has("LITERAL+"); }
    bool literal_minus() const { return has_in_rev2("LITERAL-"); }  // RFC 7888: ≤ 4096 octets
    bool multi_append() const { return has("MULTIAPPEND"); }
    bool uid_plus() const { return has_in_rev2("UIDPLUS"); }
    bool condstore() const { return has("CONDSTORE") || has("QRESYNC"); }
    bool qresync() const { return has("QRESYNC"); }
    bool list_extended() const { return has_in_rev2("LIST-EXTENDED"); }
    bool list_status() const { return has_in_rev2("LIST-STATUS"); }
    bool list_myrights() const { return has("LIST-MYRIGHTS"); }
    bool special_use() const { return has_in_rev2("SPECIAL-USE"); }
    bool create_special_use() const { return has("CREATE-SPECIAL-USE"); }
    bool xlist() const { return has("XLIST"); }
    bool namespaces() const { return has_in_rev2("NAMESPACE"); }
    bool move() const { return has_in_rev2("MOVE"); }
    bool idle() const { return has_in_rev2("IDLE"); }
    bool notify() const { return has("NOTIFY"); }
    bool id() const { return has("ID"); }
    bool enable() const { return has_in_rev2("ENABLE"); }
    bool unselect() const { return has_in_rev2("UNSELECT"); }
    bool binary() const { return has("BINARY"); }
    bool object_id() const { return has("OBJECTID"); }
    bool save_date() const { return has("SAVEDATE"); }
    bool status_size() const { return has_in_rev2("STATUS=SIZE"); }
    bool utf8_accept() const { return has("UTF8=ACCEPT") || has("UTF8=ONLY"); }
    bool esearch() const { return has_in_rev2("ESEARCH"); }
    bool partial() const { return has("PARTIAL"); }
    bool acl() const { return has("ACL"); }
    bool quota() const { return has("QUOTA"); }
    bool gmail() const { return has("X-GM-EXT-1"); }
    bool compress() const { return has("COMPRESS=DEFLATE"); }

    // APPENDLIMIT=n (RFC 7889 §3); "APPENDLIMIT" alone says it by mailbox, in STATUS.
    std::optional<std::uint64_t> append_limit() const { return number_of("APPENDLIMIT="); }
    // Messages that one command may name (RFC 9738 §3).
    std::optional<std::uint64_t> message_limit() const { return number_of("MESSAGELIMIT="); }
    std::vector<std::string> auth_mechanisms() const;  // upper case, without "AUTH="
    bool has_auth(std::string_view mechanism) const;

    bool operator==(const ImapCapabilities&) const = default;

private:
    bool has_in_rev2(std::string_view name) const;
    std::optional<std::uint64_t> number_of(std::string_view prefix) const;

    std::set<std::string, std::less<>> names_;  // upper case
};

}  // namespace siding::backfill
