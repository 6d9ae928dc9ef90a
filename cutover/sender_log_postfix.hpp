// Postfix's syslog (also as journald prints it): smtpd's "client=", qmgr's "from=" and the delivery
// agents' "to=" of one queue id together are one mail. Recipients that bounced do not count.
#pragma once

#include "cutover/sender_log.hpp"

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::cutover {

class PostfixLog final : public SenderLog {
public:
    explicit PostfixLog(LogTime time) : time_{time} {}

    bool take(std::string_view line, std::vector<LoggedMail>& mails) override;
    void finish(std::vector<LoggedMail>& mails) override;

    PostfixLog(PostfixLog&&) = default;  // a copy's index would point into the original
    PostfixLog(const PostfixLog&) = delete;

    // For a reader that follows a log, and goes on for months: the time, and where the next line
    // begins; of lines that are behind it in another file, forget_marks().
    void set_time(LogTime time) { time_ = time; }
    void set_mark(std::uint64_t mark) { mark_ = mark; }
    void forget_marks();
    // Where the oldest mail begins that has not been given yet.
    std::optional<std::uint64_t> oldest_mark() const;

private:
    struct Pending {
        std::string id;
        LoggedMail mail;
        WallTime look_at;  // it is given then, if it has recipients
        std::uint64_t mark = 0;
    };
    using Pendings = std::list<Pending>;  // by look_at

    void begin(std::string_view id, LoggedMail mail, std::vector<LoggedMail>& mails);
    void take_event(std::string_view id, std::string_view text, std::vector<LoggedMail>& mails);
    void give(Pendings::iterator pending, std::vector<LoggedMail>& mails);
    void give_old(WallTime now, std::vector<LoggedMail>& mails);

    LogTime time_;
    std::uint64_t mark_ = 0;
    Pendings pendings_;
    std::map<std::string, Pendings::iterator, std::less<>> by_id_;
};

}  // namespace siding::cutover
