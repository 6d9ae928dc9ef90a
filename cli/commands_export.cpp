#include "base/bytes.hpp"
#include "cli/commands.hpp"
#include "cli/document.hpp"
#include "cli/mailbox_writer.hpp"
#include "cli/quantities.hpp"
#include "cli/queue_source.hpp"

#include <boost/json/serialize.hpp>

#include <fmt/ostream.h>
#include <unordered_set>

namespace siding::cli {
namespace {

namespace json = boost::json;

struct Tally {
    std::uint64_t messages = 0;
    std::uint64_t octets = 0;
    std::uint64_t gone = 0;        // delivered between the listing and the reading
    std::uint64_t unreadable = 0;  // named on err
};

// One export from the listing to the last file.
class Export {
public:
    Export(
        QueueSource& source,
        MailboxWriter& writer,
        const ExportQueue& action,
        const Terminal& terminal
    )
        : source_{source}, writer_{writer}, action_{action}, terminal_{terminal} {}

    Result<Tally> run() {
        SIDING_TRY(for_each_row(
            source_,
            action_.filter,
            [&](const json::object& row) -> Result<void> {
                SIDING_ASSIGN(const MessageId message, MessageId::parse(text_at(row, "message")));
                // Another recipient of a message that is written already.
                if (!seen_.insert(message.value()).second) {
                    return {};
                }
                return add(message);
            }
        ));
        SIDING_TRY(writer_.finish());
        return tally_;
    }

private:
    Result<void> add(MessageId message) {
        const auto envelope = source_.envelope(message);
        if (envelope.has_error()) {
            return skip(message, envelope.error());
        }
        const ExportedMessage exported{
            .id = message,
            .received_at = time_at(envelope->value, "received_at").value_or(message.time()),
            .sender = text_at(envelope->value, "sender"),
            .envelope_document = envelope->text,
        };
        const auto header = action_.trace_header ? TraceHeader::with : TraceHeader::without;
        std::uint64_t octets = 0;
        const auto written = writer_.add(exported, [&](const MailboxWriter::Sink& sink) {
            return source_.read_octets(message, header, [&](std::string_view part) {
                octets += part.size();
                return sink(part);
            });
        });
        if (written.has_error()) {
            return skip(message, explain(message, written.error()));
        }
        ++tally_.messages;
        tally_.octets += octets;
        return {};
    }

    // The daemon cuts an answer short where octets cannot be read; it still answers otherwise.
    Error explain(MessageId message, const Error& error) {
        if (is_unreachable(error) && source_.envelope(message).has_value()) {
            return {Errc::corrupt, "its octets cannot be read; the log of sidingd says more"};
        }
        return error;
    }

    // One message that went away or cannot be read does not keep the others in.
    Result<void> skip(MessageId message, const Error& error) {
        if (error.is(Errc::not_found)) {
            ++tally_.gone;
            return {};
        }
        if (error.is(Errc::corrupt)) {
            ++tally_.unreadable;
            fmt::print(
                terminal_.err, "siding: {} is left out: {}\n", message.text(), error.message()
            );
            return {};
        }
        return error;
    }

    QueueSource& source_;
    MailboxWriter& writer_;
    const ExportQueue& action_;
    const Terminal& terminal_;
    Tally tally_;
    std::unordered_set<std::uint64_t> seen_;
};

void print_tally(const Tally& tally, const ExportQueue& action, const Context& context) {
    if (context.json) {
        const json::object document{
            {"messages", tally.messages},
            {"octets", tally.octets},
            {"gone", tally.gone},
            {"unreadable", tally.unreadable},
            {"format", format_name(action.format)},
            {"directory", action.directory.string()},
        };
        context.terminal.out << json::serialize(document) << "\n";
        return;
    }
    fmt::print(
        context.terminal.out,
        "wrote {} ({}) to {} as {}\n",
        counted(tally.messages, "message"),
        human_size(tally.octets),
        escape(action.directory.string(), 1000),
        format_name(action.format)
    );
    if (tally.gone > 0) {
        fmt::print(
            context.terminal.out,
            "{} left the queue meanwhile: siding trace ID says where to\n",
            counted(tally.gone, "message")
        );
    }
}

}  // namespace

Result<Exit> run(const ExportQueue& action, Context& context) {
    SIDING_ASSIGN(const auto source, choose_source(context.api, action.data_dir));
    SIDING_ASSIGN(const auto writer, MailboxWriter::create(action.format, action.directory));
    SIDING_ASSIGN(const Tally tally, Export{*source, *writer, action, context.terminal}.run());
    print_tally(tally, action, context);
    return tally.unreadable == 0 ? Exit::done : Exit::no;
}

}  // namespace siding::cli
