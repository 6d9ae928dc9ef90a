// How mail fared with the servers that it was passed on to while its senders waited: recipients, by
// server. For metrics and `siding status`. Any thread.
#pragma once

#include "base/metrics.hpp"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace siding::relay {

struct PassCounts {
    std::string server;
    std::uint64_t delivered = 0;  // the server's yes to the message
    std::uint64_t refused = 0;    // its no, to the recipient or to the message
    std::uint64_t queued = 0;     // it could not take it now, or was not asked
    std::uint64_t in_doubt = 0;   // it gave no answer to the message; queued
};

class PassTally {
public:
    class Server {
    public:
        Server(Metrics& metrics, const std::string& server);

        void on_delivered();
        void on_refused();
        void on_queued();
        void on_in_doubt();
        void on_connection();

    private:
        friend class PassTally;
        struct Cell {
            Cell(Metrics& metrics, const std::string& server, const char* result);
            void add();

            Counter counter;
            std::atomic<std::uint64_t> count{0};
        };

        Cell delivered_;
        Cell refused_;
        Cell queued_;
        Cell in_doubt_;
        Counter connections_;
    };

    explicit PassTally(Metrics& metrics) : metrics_{metrics} {}

    // The same name gives the same one, which lives as long as this.
    Server& of(const std::string& server);

    std::vector<PassCounts> all() const;  // by name

private:
    Metrics& metrics_;
    mutable std::mutex mutex_;
    std::map<std::string, std::unique_ptr<Server>> servers_;
};

}  // namespace siding::relay
