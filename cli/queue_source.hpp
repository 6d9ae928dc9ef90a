// Where a listing or an export reads: the running daemon, or the files of a stopped one. Both speak
// the documents of docs/control-api.md, so that everything behind is written once.
#pragma once

#include "cli/api.hpp"
#include "queue/filter.hpp"
#include "queue/store.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace siding::cli {

struct QueuePage {
    boost::json::array rows;
    std::string cursor;  // empty at the end
};

enum class TraceHeader { with, without };

class QueueSource {
public:
    virtual ~QueueSource() = default;

    virtual Result<QueuePage> list(const queue::Filter& filter, const std::string& cursor) = 0;
    // GET /v1/parked.
    virtual Result<Document> parked(const queue::Filter& filter) = 0;
    // The envelope's document. Errc::not_found: no recipient of it is left in the queue.
    virtual Result<Document> envelope(MessageId message) = 0;
    virtual Result<void> read_octets(
        MessageId message, TraceHeader trace_header, const net::HttpSink& sink
    ) = 0;
};

// `api` must outlive it.
std::unique_ptr<QueueSource> make_api_source(const Api& api);

// Of the configuration's data_dir; the daemon must be stopped.
Result<std::unique_ptr<QueueSource>> open_store_source(const std::filesystem::path& data_dir);

std::unique_ptr<QueueSource> make_store_source(std::unique_ptr<queue::Store> store);

// The one that a verb's --data-dir asks for.
Result<std::unique_ptr<QueueSource>> choose_source(
    const Api& api, const std::optional<std::filesystem::path>& data_dir
);

// Calls `take` for each row of the listing, page by page, up to the filter's limit.
Result<void> for_each_row(
    QueueSource& source,
    const queue::Filter& filter,
    const std::function<Result<void>(const boost::json::object&)>& take
);

}  // namespace siding::cli
