// The phrases that a story is made of. Pure.
#pragma once

#include <boost/json/object.hpp>

#include <string>
#include <string_view>

namespace siding::cli {

// "TLS 1.3 verified" of "TLSv1.3 TLS_AES_256_GCM_SHA384 verified".
std::string tls_words(std::string_view tls);

// "ann" of "uid:1000 ann"; "Siding" for our own doing.
std::string who_words(std::string_view who);

// "new (mail.new.example 192.0.2.9, TLS 1.3 verified)", as much of it as is known.
std::string server_words(const boost::json::object& entry, const boost::json::object& servers);

// ", because WHY", or nothing.
std::string why_words(const boost::json::object& entry);

// A server's words, not ours: they start with a code.
bool is_reply(std::string_view text);

// "the mailbox is full" for "mailbox_full".
std::string cause_words(std::string_view cause);

}  // namespace siding::cli
