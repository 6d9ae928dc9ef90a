// What an outage would cost, for people and scripts: which senders give up when, and how much of
// the operator's own mail they are, where a daemon knows that.
#pragma once

#include "cli/terminal.hpp"

#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

namespace siding::cli {

// Messages that are usual, by row of cutover/outage_cost.hpp.
struct OwnMail {
    std::uint64_t messages = 0;  // in all; zero: not known
    std::map<std::string, std::uint64_t, std::less<>> by_sender{};

    bool is_known() const { return messages > 0; }
    double share_of(std::string_view sender) const;
    double share_of_others() const;  // whose patience is not known
};
// Of the document at /v1/dns/senders.
OwnMail own_mail(const boost::json::object& senders);

void print_outage(std::chrono::minutes outage, const OwnMail& own, const Terminal& terminal);
boost::json::object outage_json(std::chrono::minutes outage, const OwnMail& own);

}  // namespace siding::cli
