#include "cli/queue_source.hpp"

#include "base/limits.hpp"
#include "cli/document.hpp"
#include "cli/filter_query.hpp"

#include <boost/json/value.hpp>

#include <limits>

namespace siding::cli {
namespace {

class ApiSource final : public QueueSource {
public:
    explicit ApiSource(const Api& api) : api_{api} {}

    Result<QueuePage> list(const queue::Filter& filter, const std::string& cursor) override {
        net::HttpQuery query = filter_query(filter);
        query["page"] = std::to_string(limits::list_page_rows_max);
        if (!cursor.empty()) {
            query["cursor"] = cursor;
        }
        SIDING_ASSIGN(const Document page, api_.get("/v1/queue", std::move(query)));
        return QueuePage{array_at(page.value, "rows"), text_at(page.value, "cursor")};
    }

    Result<Document> parked(const queue::Filter& filter) override {
        return api_.get("/v1/parked", filter_query(filter));
    }

    Result<Document> envelope(MessageId message) override {
        return api_.get("/v1/messages/" + message.text());
    }

    Result<void> read_octets(MessageId message, TraceHeader trace_header, const net::HttpSink& sink)
        override {
        net::HttpTarget target{.path = "/v1/messages/" + message.text() + "/octets"};
        if (trace_header == TraceHeader::without) {
            target.query["trace"] = "0";
        }
        return api_.download(std::move(target), sink);
    }

private:
    const Api& api_;
};

}  // namespace

std::unique_ptr<QueueSource> make_api_source(const Api& api) {
    return std::make_unique<ApiSource>(api);
}

Result<std::unique_ptr<QueueSource>> choose_source(
    const Api& api, const std::optional<std::filesystem::path>& data_dir
) {
    if (data_dir) {
        return open_store_source(*data_dir);
    }
    return make_api_source(api);
}

Result<void> for_each_row(
    QueueSource& source,
    const queue::Filter& filter,
    const std::function<Result<void>(const boost::json::object&)>& take
) {
    std::uint64_t left = filter.limit.value_or(std::numeric_limits<std::uint64_t>::max());
    std::string cursor;
    while (left > 0) {
        SIDING_ASSIGN(const QueuePage page, source.list(filter, cursor));
        for (const boost::json::value& row : page.rows) {
            if (left == 0) {
                break;
            }
            if (row.is_object()) {
                SIDING_TRY(take(row.get_object()));
                --left;
            }
        }
        if (page.cursor.empty()) {
            break;
        }
        cursor = page.cursor;
    }
    return {};
}

}  // namespace siding::cli
