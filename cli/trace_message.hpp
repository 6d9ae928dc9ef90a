// A message's document of GET /v1/trace, opened for those who tell of it: its ledger lines, whom it
// was for, and what the queue holds of it now. The document outlives it.
#pragma once

#include <boost/json/object.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace siding::cli {

struct Addressee {
    std::string address;
    std::string original;  // as the client sent it, where a rewrite map changed it
    std::string domain;
    std::string wave;
    bool copy = false;
};

class TraceMessage {
public:
    explicit TraceMessage(const boost::json::object& document);

    const boost::json::object& document() const { return document_; }
    const std::vector<const boost::json::object*>& entries() const { return entries_; }
    const std::vector<Addressee>& addressees() const { return addressees_; }

    // Its row in the queue; an empty object where there is none any more.
    const boost::json::object& row(std::uint32_t number) const;
    std::size_t rows() const;

    // Its first line of its own that says where it was.
    const boost::json::object* first_entry_of(std::uint32_t number) const;

private:
    const boost::json::object& document_;
    std::vector<const boost::json::object*> entries_;
    std::vector<Addressee> addressees_;
};

// Which recipient a ledger line is about; its id says so.
bool tells_of_recipient(const boost::json::object& entry);
std::uint32_t number_of(const boost::json::object& entry);

// "a, b, c and 4 more"
std::string list_names(const std::vector<std::string>& names);

}  // namespace siding::cli
