// What a folder is for (RFC 6154, RFC 8457), by the attribute a server gives it or by what mail
// programs in many languages call it.
#pragma once

#include <string_view>

namespace siding::backfill {

enum class SpecialUse { none, sent, drafts, archive, junk, trash, all, flagged, important };

// "\Sent" and XLIST's "\Spam", "\AllMail", "\Starred"; case does not count.
SpecialUse special_use_of_attribute(std::string_view attribute);

// "Sent Items", "Gesendete Objekte", "已发送"; one level of a name, case does not count.
SpecialUse special_use_of_name(std::string_view level);

// "\Sent"; empty for none.
std::string_view attribute_of(SpecialUse use);

// Shows what is in other folders anyway: \All, \Flagged, \Important.
bool is_view(SpecialUse use);

}  // namespace siding::backfill
