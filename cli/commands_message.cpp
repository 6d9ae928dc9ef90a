#include "base/bytes.hpp"
#include "cli/commands.hpp"
#include "cli/document.hpp"
#include "cli/quantities.hpp"
#include "cli/queue_source.hpp"
#include "cli/table.hpp"

#include <boost/json/value.hpp>

#include <fmt/ostream.h>

namespace siding::cli {
namespace {

namespace json = boost::json;

void print_fact(const Terminal& terminal, std::string_view name, const std::string& text) {
    if (!text.empty()) {
        fmt::print(
            terminal.out,
            "{} {}\n",
            terminal.paint(fmt::format("{:10}", name), Colour::dim),
            escape(text, 1000)
        );
    }
}

std::string joined(const json::array& texts) {
    std::string out;
    for (const json::value& text : texts) {
        if (text.is_string()) {
            out += (out.empty() ? "" : " ") + std::string{text.get_string()};
        }
    }
    return out;
}

std::string client_text(const json::object& envelope) {
    std::string out = text_at(envelope, "client_address");
    const auto add = [&](std::string_view before, std::string_view key, std::string_view after) {
        if (const std::string text = text_at(envelope, key); !text.empty()) {
            out.append(before).append(text).append(after);
        }
    };
    add(" (", "client_name", ")");
    add(", HELO ", "helo", "");
    add(", via ", "proxy_address", "");
    return out;
}

std::string tls_text(const json::object& envelope) {
    const std::string peer = text_at(envelope, "tls_peer");
    return text_at(envelope, "tls") + (peer.empty() ? "" : ", client certificate " + peer);
}

std::string tags_text(const json::object& envelope) {
    std::string out = joined(array_at(envelope, "tags"));
    const json::value* const score = envelope.if_contains("spam_score");
    if (score != nullptr && score->is_number()) {
        out += fmt::format("{}score {:.2f}", out.empty() ? "" : ", ", score->to_number<double>());
    }
    return out;
}

std::string recipient_text(const json::object& row) {
    const std::string original = text_at(row, "original");
    return text_at(row, "recipient") + (original.empty() ? "" : ", sent to " + original);
}

void print_envelope(const json::object& envelope, WallTime now, const Terminal& terminal) {
    const std::string sender = text_at(envelope, "sender");
    const auto received = time_at(envelope, "received_at");
    const json::array& parameters = array_at(envelope, "parameters");
    print_fact(terminal, "message", text_at(envelope, "id"));
    print_fact(
        terminal,
        "from",
        fmt::format("<{}>{}{}", sender, parameters.empty() ? "" : " ", joined(parameters))
    );
    print_fact(terminal, "client", client_text(envelope));
    print_fact(terminal, "listener", text_at(envelope, "listener"));
    print_fact(terminal, "tls", tls_text(envelope));
    print_fact(terminal, "tags", tags_text(envelope));
    if (received) {
        print_fact(
            terminal,
            "received",
            fmt::format("{}, {}", human_time(*received), human_age(received, now))
        );
    }
    const auto newlines = number_at(envelope, "bare_newlines");
    print_fact(
        terminal,
        "size",
        fmt::format(
            "{} ({} octets){}",
            human_size(number_at(envelope, "size")),
            human_count(number_at(envelope, "size")),
            newlines == 0 ? "" : fmt::format(", {} made CRLF", counted(newlines, "bare newline"))
        )
    );
    print_fact(terminal, "sha256", text_at(envelope, "sha256"));
    print_fact(terminal, "message-id", text_at(envelope, "message_id"));
}

std::string what_next(const json::object& row, WallTime now) {
    std::string text = text_at(row, "last_reply");
    if (text_at(row, "state") == "due") {
        text = human_wait(time_at(row, "due_at"), now) + " to " + text_at(row, "lane") +
               (text.empty() ? "" : ": " + text);
    }
    if (flag_at(row, "maybe_delivered")) {
        text += (text.empty() ? "" : "; ") + std::string{"perhaps delivered already"};
    }
    return text.empty() ? "-" : text;
}

}  // namespace

Result<Exit> run(const ShowMessage& action, Context& context) {
    SIDING_ASSIGN(const auto source, choose_source(context.api, action.data_dir));
    SIDING_ASSIGN(const Document envelope, source->envelope(action.message));
    if (context.json) {
        context.terminal.out << envelope.text << "\n";
        return Exit::done;
    }
    const WallTime now = context.clock.now();
    print_envelope(envelope.value, now, context.terminal);
    Table table{{
        {"ID"},
        {"STATE"},
        {"RECIPIENT", Align::left, 16},
        {"TRIES", Align::right},
        {"LAST ANSWER", Align::left, 24, true},
    }};
    for (const json::value& value : array_at(envelope.value, "recipients")) {
        if (!value.is_object()) {
            continue;
        }
        const json::object& row = value.get_object();
        const std::string state = text_at(row, "state");
        table.add({
            text_at(row, "id"),
            {state, state == "parked" ? Colour::yellow : Colour::none},
            recipient_text(row),
            human_count(number_at(row, "attempts")),
            what_next(row, now),
        });
    }
    if (!table.empty()) {
        context.terminal.out << "\n";
    }
    table.print(context.terminal);
    return Exit::done;
}

}  // namespace siding::cli
