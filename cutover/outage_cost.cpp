#include "cutover/outage_cost.hpp"

#include <array>

namespace siding::cutover {
namespace {

using std::chrono::hours;

constexpr std::array senders{
    SenderPatience{"Outbound filters (Bitdefender, Clouduss)", "4 h in all", hours{4}, hours{4}},
    SenderPatience{
        "Mailgun",
        "8 h in all, unless told otherwise",
        hours{8},
        hours{8},
        "mailgun.net mailgun.org"},
    SenderPatience{"Amazon SES", "12 to 14 h in all", hours{12}, hours{14}, "amazonses.com"},
    SenderPatience{
        "Exchange Online (Microsoft 365)",
        "15 min, 15 min, then each hour",
        hours{24},
        hours{24},
        "outlook.com"},
    SenderPatience{
        "Gmail, Google Workspace", "warns after a day", hours{24}, hours{72}, "google.com"},
    SenderPatience{"mox", "7.5 min, doubling, 8 tries", hours{32}, hours{32}},
    SenderPatience{
        "Exchange Server",
        "6 times 5 min, then each 10 min; warns after 4 h",
        hours{48},
        hours{48}},
    SenderPatience{
        "SendGrid, SparkPost",
        "1 min, 10 min, 1 h, then each 4 h",
        hours{72},
        hours{72},
        "sendgrid.net sparkpostmail.com"},
    SenderPatience{"Adobe Journey Optimizer", "3.5 days in all", hours{84}, hours{84}},
    SenderPatience{
        "Exim, SpamExperts",
        "15 min for 2 h, growing to 16 h, then each 6 h",
        hours{96},
        hours{96},
        "antispamcloud.com"},
    SenderPatience{"RFC 5321 §4.5.4.1", "each 30 min or less often", hours{96}, hours{120}},
    SenderPatience{"Postfix", "5 min, growing to 67 min", hours{120}, hours{120}},
    SenderPatience{"A&A", "15 min for 4 h, then less often", hours{744}, hours{744}, "aa.net.uk"},
};

// By then everybody who tries again at all has done so.
constexpr auto harmless = hours{2};

}  // namespace

std::string_view format_effect(OutageEffect effect) {
    switch (effect) {
    case OutageEffect::none:
        return "none";
    case OutageEffect::late:
        return "late";
    case OutageEffect::some_lost:
        return "some lost";
    case OutageEffect::all_lost:
        return "lost";
    }
    return {};
}

std::span<const SenderPatience> sender_patience() {
    return senders;
}

const SenderPatience* patience_of(std::string_view provider) {
    for (const SenderPatience& sender : senders) {
        std::string_view rest = sender.domains;
        while (!rest.empty()) {
            const auto end = rest.find(' ');
            if (rest.substr(0, end) == provider) {
                return &sender;
            }
            rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        }
    }
    return nullptr;
}

OutageEffect effect_of(const SenderPatience& sender, std::chrono::minutes outage) {
    if (outage >= sender.gives_up_max) {
        return OutageEffect::all_lost;
    }
    if (outage >= sender.gives_up_min) {
        return OutageEffect::some_lost;
    }
    return outage > harmless ? OutageEffect::late : OutageEffect::none;
}

}  // namespace siding::cutover
