#include "cli/trace_arrival.hpp"

#include "cli/document.hpp"
#include "cli/quantities.hpp"
#include "cli/trace_words.hpp"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace siding::cli {
namespace {

namespace json = boost::json;

class Arrival {
public:
    Arrival(const TraceMessage& message, const json::object& entry)
        : message_{message}, entry_{entry} {}

    std::string sentence() const { return arrival_text() + fates_text(); }

private:
    std::string arrival_text() const {
        std::vector<std::string> names;
        for (const Addressee& one : message_.addressees()) {
            if (!one.copy) {
                names.push_back(
                    one.address + (one.original.empty() ? "" : " (sent to " + one.original + ")")
                );
            }
        }
        const std::string client = text_at(entry_, "client_address");
        const std::string size = human_size(number_at(entry_, "size"));
        if (client.empty()) {
            return fmt::format(
                "written here for {}, {}: a report that mail was given up", list_names(names), size
            );
        }
        return fmt::format(
            "arrived from {} for {}, {}{}", client_text(), list_names(names), size, remarks()
        );
    }

    std::string client_text() const {
        const json::object& envelope = object_at(message_.document(), "message");
        std::string details = text_at(envelope, "client_name");
        if (details.empty()) {
            details = text_at(envelope, "helo");
        }
        if (const std::string tls = tls_words(text_at(entry_, "tls")); !tls.empty()) {
            details += (details.empty() ? "" : ", ") + tls;
        }
        const std::string client = text_at(entry_, "client_address");
        return details.empty() ? client : fmt::format("{} ({})", client, details);
    }

    std::string remarks() const {
        std::string out;
        std::string tags;
        for (const json::value& tag : array_at(entry_, "tags")) {
            if (tag.is_string()) {
                tags += (tags.empty() ? "" : " ") + std::string{tag.get_string()};
            }
        }
        if (!tags.empty()) {
            out += ", tagged " + tags;
        }
        if (const auto newlines = number_at(entry_, "bare_newlines"); newlines > 0) {
            out += fmt::format(", {} made CRLF", counted(newlines, "bare newline"));
        }
        return out;
    }

    // Where each recipient went at once: "; kept on hold (wave default, phase hold)".
    std::string fates_text() const {
        std::vector<std::string> fates;  // in the order of the recipients
        std::map<std::string, std::vector<std::string>> names;
        for (std::uint32_t number = 0; number < message_.addressees().size(); ++number) {
            const std::string fate = fate_of(number);
            if (!names.contains(fate)) {
                fates.push_back(fate);
            }
            names[fate].push_back(message_.addressees()[number].address);
        }
        const bool differ =
            std::ranges::count_if(
                message_.addressees(), [](const Addressee& one) { return !one.copy; }
            ) > 1 &&
            fates.size() > 1;
        std::string out;
        for (const std::string& fate : fates) {
            if (!fate.empty()) {
                out += "; " + fate + (differ ? " for " + list_names(names[fate]) : "");
            }
        }
        return out;
    }

    std::string fate_of(std::uint32_t number) const {
        const Addressee& addressee = message_.addressees()[number];
        const json::object* const next = message_.first_entry_of(number);
        const json::object& row = next == nullptr ? message_.row(number) : *next;
        const std::string kind = text_at(row, "kind");
        const std::string server = text_at(row, kind.empty() ? "lane" : "server");
        const std::string to = server.empty() ? "" : " for " + server;
        if (addressee.copy) {
            return "a copy queued" + to;
        }
        const std::string where = where_text(addressee);
        if (kind == "delivered" || kind == "deferred" || kind == "in_doubt") {
            return "passed on at once" + where;
        }
        const std::string state = text_at(row, kind.empty() ? "state" : "from");
        if (kind == "attempt" || state == "due" || state == "in_flight") {
            const bool is_lane = kind.empty() || kind == "attempt";
            return "queued" + (is_lane ? to : "") + where;
        }
        return state == "held" ? "kept on hold" + where : "";
    }

    std::string where_text(const Addressee& addressee) const {
        std::string phase;
        for (const json::value& value : array_at(message_.document(), "phases")) {
            if (value.is_object() && text_at(value.get_object(), "domain") == addressee.domain &&
                text_at(value.get_object(), "wave") == addressee.wave) {
                phase = ", phase " + text_at(value.get_object(), "phase");
            }
        }
        if (text_at(entry_, "client_address").empty()) {
            return {};  // a report goes its own way
        }
        return fmt::format(" (wave {}{})", addressee.wave, phase);
    }

    const TraceMessage& message_;
    const json::object& entry_;
};

}  // namespace

std::string arrival_sentence(const TraceMessage& message, const json::object& accepted) {
    return Arrival{message, accepted}.sentence();
}

}  // namespace siding::cli
