// Exchange's message tracking log: CSV whose columns the line "#Fields:" names. Mail that came in
// is event RECEIVE from source SMTP; what the organisation sent itself has directionality
// Originating.
#pragma once

#include "cutover/sender_log.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace siding::cutover {

class ExchangeLog final : public SenderLog {
public:
    bool take(std::string_view line, std::vector<LoggedMail>& mails) override;
    void finish(std::vector<LoggedMail>&) override {}

private:
    bool take_fields(std::string_view line);

    std::map<std::string, std::size_t, std::less<>> columns_;
};

// One line of CSV, RFC 4180 §2, without line breaks inside of fields.
std::vector<std::string> split_csv(std::string_view line);

}  // namespace siding::cutover
