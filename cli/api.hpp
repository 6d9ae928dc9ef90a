// Calls on the control API as commands make them: a document or an Error. The daemon's refusals
// keep its own words and code; a daemon that cannot be reached is exit.hpp's unreachable().
#pragma once

#include "net/http_client.hpp"

#include <boost/json/object.hpp>

#include <string>

namespace siding::cli {

struct Document {
    std::string text;  // as received, for --json
    boost::json::object value;
};

class Api {
public:
    explicit Api(std::string socket_path);

    Result<Document> get(const std::string& path, net::HttpQuery query = {}) const;
    // Waits for hours where the work is the size of the queue; the operator's Ctrl-C is the limit.
    Result<Document> post(const std::string& path, const boost::json::object& body) const;
    Result<Document> put(const std::string& path, const boost::json::object& body) const;

    // The octets go to the sink, piece by piece.
    Result<void> download(net::HttpTarget target, const net::HttpSink& sink) const;

private:
    net::HttpClient client_;
    net::HttpClient patient_client_;
};

}  // namespace siding::cli
