#include "base/limits.hpp"
#include "cli/queue_source.hpp"
#include "control/message_view.hpp"
#include "control/parked_groups.hpp"
#include "control/render.hpp"
#include "queue/rocks_store.hpp"

#include <boost/json/serialize.hpp>

#include <fmt/format.h>

namespace siding::cli {
namespace {

class StoreSource final : public QueueSource {
public:
    explicit StoreSource(std::unique_ptr<queue::Store> store) : store_{std::move(store)} {}

    Result<QueuePage> list(const queue::Filter& filter, const std::string& cursor) override {
        SIDING_ASSIGN(
            const queue::ListPage page, store_->list(filter, cursor, limits::list_page_rows_max)
        );
        QueuePage out{.rows = {}, .cursor = page.cursor};
        for (const queue::Recipient& row : page.rows) {
            out.rows.push_back(control::recipient_json(row));
        }
        return out;
    }

    Result<Document> parked(const queue::Filter& filter) override {
        SIDING_ASSIGN(boost::json::object document, control::read_parked(*store_, filter));
        std::string text = boost::json::serialize(document);
        return Document{std::move(text), std::move(document)};
    }

    Result<Document> envelope(MessageId message) override {
        SIDING_ASSIGN(const auto view, control::read_message(*store_, message));
        boost::json::object document = control::message_json(view);
        return Document{boost::json::serialize(document), std::move(document)};
    }

    Result<void> read_octets(MessageId message, TraceHeader trace_header, const net::HttpSink& sink)
        override {
        SIDING_ASSIGN(const queue::Envelope envelope, store_->read_envelope(message));
        if (trace_header == TraceHeader::with) {
            SIDING_TRY(sink(envelope.trace_header));
        }
        Sha256 hash;
        for (std::uint32_t chunk = 0; chunk < envelope.body.chunks; ++chunk) {
            SIDING_ASSIGN(const std::string octets, store_->read_body_chunk(message, chunk));
            hash.update(octets);
            SIDING_TRY(sink(octets));
        }
        if (hash.finish() != envelope.body.sha256) {
            return Error{
                Errc::corrupt,
                fmt::format("the octets of {} do not match their digest", message.text())};
        }
        return {};
    }

private:
    std::unique_ptr<queue::Store> store_;
};

}  // namespace

std::unique_ptr<QueueSource> make_store_source(std::unique_ptr<queue::Store> store) {
    return std::make_unique<StoreSource>(std::move(store));
}

Result<std::unique_ptr<QueueSource>> open_store_source(const std::filesystem::path& data_dir) {
    auto store = queue::open_store_read_only(data_dir / "queue");
    if (store.has_error()) {
        return with_context(
            store.error(), fmt::format("cannot read the queue in {}", data_dir.string())
        );
    }
    return make_store_source(std::move(*store));
}

}  // namespace siding::cli
