// What the listeners count, per listener (docs/operator-guide.md, "Metrics"). The handles are made
// once; to count costs an atomic addition. Every label has a bounded set of values: what a client
// says is never one. Any thread.
#pragma once

#include "base/metrics.hpp"
#include "relay/refusal_class.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::relay {

class ListenerMetrics {
public:
    ListenerMetrics(Metrics& metrics, const std::string& listener);

    // A reply per last line of a reply in `octets`, which are whole lines as they go out.
    void count_replies(std::string_view octets) const;
    // The first word of a command line; what is no command of SMTP counts as "other".
    void count_command(std::string_view line) const;
    void count_refused(RefusalClass reason) const;
    // "TLSv1.3", as OpenSSL calls it.
    void count_tls_handshake(std::string_view version) const;

    Gauge sessions;
    Counter connections;
    Counter messages;
    Counter octets;
    Counter tls_failures;
    // Seconds: the answer to RCPT, the content filter's, the commit, and from the end of the data
    // to its reply.
    Histogram rcpt;
    Histogram filter;
    Histogram commit;
    Histogram end_of_data;

private:
    // The replies met so far. A slot is filled once, under the mutex, its key last; readers look at
    // the keys without it. Past half full the rest counts as one.
    struct ReplySlot {
        std::atomic<std::uint32_t> key{0};
        std::optional<Counter> counter;
    };
    static constexpr std::size_t reply_slots = 256;

    void count_reply(std::string_view last_line) const;
    Counter reply_counter(std::uint32_t key, std::string_view code, std::string_view reason) const;

    Metrics& metrics_;
    std::string listener_;
    std::vector<Counter> commands_;
    std::vector<Counter> refused_;
    std::vector<Counter> tls_handshakes_;
    Counter other_replies_;
    mutable std::mutex mutex_;
    mutable std::size_t replies_known_ = 0;
    mutable std::array<ReplySlot, reply_slots> replies_;
};

class InboundMetrics {
public:
    explicit InboundMetrics(Metrics& metrics) : metrics_{metrics} {}

    // The same name gives the same one, which lives as long as this.
    const ListenerMetrics& of(const std::string& listener);

private:
    Metrics& metrics_;
    std::mutex mutex_;
    std::map<std::string, std::unique_ptr<ListenerMetrics>> listeners_;
};

}  // namespace siding::relay
