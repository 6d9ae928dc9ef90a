// The sockets of a c-ares channel that asks one question, with a look at what c-ares keeps to
// itself: why a server cannot be reached, and what came back that is no answer to our question.
//
// c-ares goes on waiting after such a datagram, and rightly so: anybody can send one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

struct ares_channeldata;

namespace siding::dns {

class ProbeSocket {
public:
    explicit ProbeSocket(std::uint16_t id) : id_{id} {}

    // Before the channel's first question; this must outlive the channel.
    void attach(ares_channeldata* channel);

    int error_number() const { return error_number_; }                   // the last; 0 for none
    const std::string& last_datagram() const { return last_datagram_; }  // with our id
    unsigned wrong_ids() const { return wrong_ids_; }

private:
    struct Calls;

    void note_error(int number);
    void note_datagram(std::string_view octets);

    std::uint16_t id_;
    int datagram_socket_ = -1;
    int error_number_ = 0;
    std::string last_datagram_;
    unsigned wrong_ids_ = 0;
};

}  // namespace siding::dns
