#include "cli/trace_story.hpp"

#include "cli/document.hpp"
#include "cli/quantities.hpp"
#include "cli/trace_arrival.hpp"
#include "cli/trace_message.hpp"
#include "cli/trace_words.hpp"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace siding::cli {
namespace {

namespace json = boost::json;

// A line before equal ones of several recipients become one.
struct RawLine {
    WallTime at{};
    std::string name;  // of whom it tells; empty: of the whole message
    std::string text;
    Colour colour = Colour::none;
};

class Story {
public:
    Story(const json::object& message, const json::object& servers, WallTime now)
        : message_{message}, servers_{servers}, now_{now} {}

    std::vector<StoryLine> tell() {
        for (const json::object* const entry : message_.entries()) {
            if (text_at(*entry, "kind") == "accepted") {
                add(*entry, arrival_sentence(message_, *entry));
            } else {
                on_entry(*entry);
            }
        }
        add_open_attempts();
        add_flips();
        std::ranges::stable_sort(lines_, {}, &RawLine::at);
        add_present();
        return merged();
    }

private:
    void add(const json::object& entry, std::string text, Colour colour = Colour::none) {
        const std::string name = tells_of_recipient(entry) ? name_of(number_of(entry)) : "";
        lines_.push_back({time_at(entry, "at").value_or(WallTime{}), name, std::move(text), colour}
        );
    }

    // Empty where there is one recipient only, and no question who is meant.
    std::string name_of(std::uint32_t number) const {
        const std::vector<Addressee>& all = message_.addressees();
        if (all.size() < 2 || number >= all.size()) {
            return {};
        }
        const Addressee& addressee = all[number];
        return addressee.copy ? "copy for " + addressee.address : addressee.address;
    }

    // --- Later

    // "offered to new (…)", or what it was while the sender still waited.
    std::string offer_text(const json::object& entry) {
        const bool was_attempt = open_.erase(number_of(entry)) > 0;
        const std::string sent_as = text_at(entry, "sent_as");
        return (was_attempt ? "offered to " : "passed on to ") + server_words(entry, servers_) +
               (sent_as.empty() ? "" : " as " + sent_as) +
               (was_attempt ? "" : " while the sender waited");
    }

    void on_entry(const json::object& entry) {
        const std::string kind = text_at(entry, "kind");
        if (kind == "attempt") {
            open_.insert_or_assign(number_of(entry), &entry);
        } else if (kind == "delivered") {
            const std::string id = text_at(entry, "remote_id");
            const std::string detail = id.empty() ? why_words(entry) : ", their id is " + id;
            add(entry, offer_text(entry) + ": accepted" + detail, Colour::green);
        } else if (kind == "deferred") {
            const std::string reply = text_at(entry, "reply");
            const std::string not_now = is_reply(reply) ? ": not now: " : ": ";
            add(entry, offer_text(entry) + not_now + reply + "; it will be tried again");
        } else if (kind == "in_doubt") {
            add(entry,
                offer_text(entry) + why_words(entry) +
                    "; it may have arrived, and may arrive twice, since it will be tried again",
                Colour::yellow);
        } else if (kind == "parked") {
            on_parked(entry);
        } else if (kind == "quarantined") {
            add(entry,
                "a record of it could not be read and was set aside: " + text_at(entry, "record"),
                Colour::yellow);
        } else {
            on_move(entry, kind);
        }
    }

    void on_parked(const json::object& entry) {
        const std::string reply = text_at(entry, "reply");
        const std::string cause = cause_words(text_at(entry, "cause"));
        const std::string because = cause.empty() ? "" : " (" + cause + ")";
        if (text_at(entry, "server").empty()) {
            add(entry, "parked" + because + ": " + reply, Colour::yellow);
            return;
        }
        add(entry,
            offer_text(entry) + (is_reply(reply) ? ": refused: " : ": not sent: ") + reply +
                "; parked" + because + ", the sender was not told",
            Colour::yellow);
    }

    void on_move(const json::object& entry, const std::string& kind) {
        const std::string by = " by " + who_words(text_at(entry, "who"));
        const std::string server = text_at(entry, "server");
        const std::string why = why_words(entry);
        if (kind == "released") {
            add(entry, fmt::format("released to {}{}{}", server, by, why));
        } else if (kind == "held") {
            add(entry, fmt::format("put on hold{}{}", by, why));
        } else if (kind == "rerouted") {
            add(entry, fmt::format("goes to {} from now on{}", server, why));
        } else if (kind == "recovered") {
            open_.erase(number_of(entry));
            add(entry,
                "Siding was cut off while it offered this; it may have arrived, and may arrive "
                "twice, since it will be tried again",
                Colour::yellow);
        } else if (kind == "discarded") {
            add(entry, fmt::format("given up{}{}", by, why), Colour::yellow);
        } else if (kind == "replayed") {
            add(entry, fmt::format("to be delivered again, to {},{}{}", server, by, why));
        } else if (kind == "assigned") {
            add(entry,
                fmt::format(
                    "moved from wave {} to wave {}{}{}",
                    text_at(entry, "from"),
                    text_at(entry, "to"),
                    by,
                    why
                ));
        } else {
            add(entry, kind + why);  // of a newer daemon
        }
    }

    void add_open_attempts() {
        for (const auto& [number, entry] : open_) {
            add(*entry, "offered to " + server_words(*entry, servers_) + ": no answer yet");
        }
    }

    void add_flips() {
        for (const json::value& value : array_at(message_.document(), "flips")) {
            if (!value.is_object()) {
                continue;
            }
            const json::object& flip = value.get_object();
            for (const json::value& move : array_at(flip, "moves")) {
                if (move.is_object()) {
                    add(flip, flip_text(flip, move.get_object()), Colour::dim);
                }
            }
        }
    }

    static std::string flip_text(const json::object& flip, const json::object& move) {
        const std::string wave = text_at(move, "wave");
        const std::string copy = text_at(move, "copy_to");
        const std::string why = text_at(flip, "why");
        const auto undoes = number_at(flip, "undoes");
        return fmt::format(
            "{}{} went from {} to {}{} by {}{} (flip {}{})",
            text_at(move, "domain"),
            wave == "default" ? "" : "/" + wave,
            text_at(move, "from"),
            text_at(move, "to"),
            copy.empty() ? "" : " with a copy to " + copy,
            who_words(text_at(flip, "who")),
            why.empty() ? "" : ": " + why,
            number_at(flip, "epoch"),
            undoes == 0 ? "" : fmt::format(", takes back flip {}", undoes)
        );
    }

    // --- Now

    void add_present() {
        for (std::uint32_t number = 0; number < message_.rows(); ++number) {
            const std::string text = present_text(message_.row(number));
            if (!text.empty()) {
                const bool is_parked = text_at(message_.row(number), "state") == "parked";
                lines_.push_back(
                    {now_, name_of(number), text, is_parked ? Colour::yellow : Colour::bold}
                );
            }
        }
    }

    std::string present_text(const json::object& row) const {
        const std::string state = text_at(row, "state");
        if (state == "held") {
            return flag_at(row, "kept") ? "is on hold until it is released by name" : "is on hold";
        }
        if (state == "due") {
            const auto attempts = number_at(row, "attempts");
            return fmt::format(
                "waits for {}, next attempt {}{}",
                text_at(row, "lane"),
                human_wait(time_at(row, "due_at"), now_),
                attempts == 0 ? "" : fmt::format(", {} so far", counted(attempts, "attempt"))
            );
        }
        if (state == "in_flight") {
            return "is being offered to " + text_at(row, "lane");
        }
        if (state == "parked") {
            return "is parked until an operator decides; siding parked says what can be done";
        }
        return state == "unreadable" ? "cannot be read any more; see the log" : "";
    }

    std::vector<StoryLine> merged() const {
        std::vector<StoryLine> out;
        for (std::size_t i = 0; i < lines_.size();) {
            const RawLine& first = lines_[i];
            std::vector<std::string> names;
            std::size_t end = i;
            while (end < lines_.size() && lines_[end].text == first.text &&
                   lines_[end].at - first.at < std::chrono::seconds{1} &&
                   (end == i || !first.name.empty())) {
                names.push_back(lines_[end].name);
                ++end;
            }
            const std::string prefix = first.name.empty() ? "" : list_names(names) + ": ";
            out.push_back({first.at, prefix + first.text, first.colour});
            i = end;
        }
        return out;
    }

    TraceMessage message_;
    const json::object& servers_;
    WallTime now_;
    std::map<std::uint32_t, const json::object*> open_;  // attempts without an outcome yet
    std::vector<RawLine> lines_;
};

}  // namespace

std::vector<StoryLine> tell_story(
    const json::object& message, const json::object& servers, WallTime now
) {
    return Story{message, servers, now}.tell();
}

}  // namespace siding::cli
