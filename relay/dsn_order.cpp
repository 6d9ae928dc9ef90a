#include "relay/dsn_order.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"
#include "queue/intake.hpp"
#include "relay/dsn.hpp"
#include "relay/dsn_mime.hpp"

#include <algorithm>
#include <optional>
#include <vector>

namespace siding::relay {
namespace {

const Logger logger{"relay"};

using boost::asio::awaitable;
using queue::State;

// One message and those of its recipients that the order means.
struct Chosen {
    queue::Envelope envelope;
    std::vector<queue::Recipient> rows;
    std::string octets;
    bool is_whole = false;

    std::vector<RecipientId> ids() const {
        std::vector<RecipientId> out;
        for (const queue::Recipient& row : rows) {
            out.push_back(row.id);
        }
        return out;
    }
    std::vector<RecipientId> ids_in(State state) const {
        std::vector<RecipientId> out;
        for (const queue::Recipient& row : rows) {
            if (row.state == state) {
                out.push_back(row.id);
            }
        }
        return out;
    }
};

bool can_be_discarded(State state) {
    return state == State::held || state == State::due || state == State::parked;
}

Result<std::vector<queue::Recipient>> read_rows(
    const queue::Store& store, const queue::Filter& filter, const queue::Envelope& envelope
) {
    std::vector<queue::Recipient> rows;
    for (std::uint32_t number = 0; number < envelope.recipients.size(); ++number) {
        auto row = store.read_recipient({envelope.id, number});
        if (row.has_value()) {
            if (queue::matches(filter, *row) && can_be_discarded(row->state)) {
                rows.push_back(std::move(*row));
            }
        } else if (row.error().is(Errc::storage_failure)) {
            return row.error();
        }
    }
    return rows;
}

// Octets that cannot be read any more are no reason to leave a sender without a report.
void read_octets(const queue::Store& store, Chosen& chosen) {
    const queue::BodyFacts& body = chosen.envelope.body;
    const bool whole =
        wants_whole_message(chosen.envelope) && body.size_octets <= limits::dsn_returned_octets_max;
    for (std::uint32_t chunk = 0; chunk < body.chunks; ++chunk) {
        const auto octets = store.read_body_chunk(chosen.envelope.id, chunk);
        if (!octets) {
            chosen.octets.clear();
            return;
        }
        chosen.octets += *octets;
        const bool has_headers = header_section_of(chosen.octets).size() < chosen.octets.size() ||
                                 chosen.octets.size() > limits::dsn_returned_octets_max;
        if (!whole && has_headers) {
            chosen.octets.resize(
                std::min(header_section_of(chosen.octets).size(), limits::dsn_returned_octets_max)
            );
            return;
        }
    }
    chosen.is_whole = whole;
}

Result<Chosen> choose(
    const queue::Store& store, const queue::Filter& filter, MessageId message, std::uint64_t at_most
) {
    Chosen chosen;
    SIDING_ASSIGN(chosen.envelope, store.read_envelope(message));
    SIDING_ASSIGN(chosen.rows, read_rows(store, filter, chosen.envelope));
    if (chosen.rows.size() > at_most) {
        chosen.rows.erase(
            chosen.rows.begin() + static_cast<std::ptrdiff_t>(at_most), chosen.rows.end()
        );
    }
    read_octets(store, chosen);
    return chosen;
}

std::vector<DsnRecipient> recipients_to_report(const Chosen& chosen) {
    std::vector<DsnRecipient> out;
    for (const queue::Recipient& row : chosen.rows) {
        const auto& recipient = chosen.envelope.recipients.at(row.id.number);
        if (wants_dsn(chosen.envelope, recipient)) {
            out.push_back({recipient, row});
        }
    }
    return out;
}

std::vector<MessageId> messages_of(const queue::ListPage& page) {
    std::vector<MessageId> out;
    for (const queue::Recipient& row : page.rows) {
        if (std::ranges::find(out, row.id.message) == out.end()) {
            out.push_back(row.id.message);
        }
    }
    return out;
}

class DsnRun {
public:
    DsnRun(queue::Queue& queue, DsnOrder order, const WakeLane& wake_lane)
        : queue_{queue}, order_{std::move(order)}, wake_lane_{wake_lane} {}

    awaitable<Result<DsnOutcome>> run() {
        order_.filter.up_to = queue_.next_id();
        const std::uint64_t limit = order_.filter.limit.value_or(UINT64_MAX);
        std::string cursor;
        do {
            auto list = [filter = order_.filter, cursor](const queue::Store& store) {
                return store.list(filter, cursor, limits::change_page_rows);
            };
            const auto page = co_await queue_.read(std::move(list));
            SIDING_CO_TRY(page);
            cursor = page->cursor;
            for (const MessageId message : messages_of(*page)) {
                if (outcome_.discarded >= limit) {
                    break;
                }
                SIDING_CO_TRY(co_await give_up(message, limit - outcome_.discarded));
            }
        } while (!cursor.empty() && outcome_.discarded < limit);
        co_return outcome_;
    }

private:
    awaitable<Result<void>> give_up(MessageId message, std::uint64_t at_most) {
        queue::Filter filter = order_.filter;
        auto chosen = co_await read(message, filter, at_most);
        if (chosen.has_error()) {
            co_return passed_over(message, chosen.error());
        }
        std::vector<RecipientId> due = chosen->ids_in(State::due);
        if (!due.empty()) {
            std::string why = order_.why;
            SIDING_CO_TRY(co_await move(queue::Event::hold, std::move(due), std::move(why)));
            filter.state.reset();
            filter.server.reset();  // what is held is on no lane
            auto again = co_await read(message, filter, at_most);
            if (again.has_error()) {
                co_return passed_over(message, again.error());
            }
            std::erase_if(again->rows, [&](const queue::Recipient& row) {
                return row.state == State::due || !contains(*chosen, row.id);
            });
            *chosen = std::move(*again);
        }
        if (chosen->rows.empty()) {
            co_return Result<void>{};
        }
        co_return co_await finish(*chosen);
    }

    awaitable<Result<void>> finish(const Chosen& chosen) {
        std::vector<DsnRecipient> reported = recipients_to_report(chosen);
        const std::uint64_t told = reported.size();
        std::string why = order_.why;
        if (!reported.empty()) {
            const auto report = co_await accept_report(chosen, std::move(reported));
            SIDING_CO_TRY(report);
            why += (why.empty() ? "report " : "; report ") + report->text();
        }
        std::vector<RecipientId> ids = chosen.ids();
        const auto discarded = co_await move(queue::Event::discard, std::move(ids), std::move(why));
        SIDING_CO_TRY(discarded);
        outcome_.discarded += *discarded;
        outcome_.unreported += *discarded - std::min(*discarded, told);
        co_return Result<void>{};
    }

    awaitable<Result<Chosen>> read(MessageId message, queue::Filter filter, std::uint64_t at_most) {
        auto look = [message, filter = std::move(filter), at_most](const queue::Store& store) {
            return choose(store, filter, message, at_most);
        };
        co_return co_await queue_.read(std::move(look));
    }

    // Without the envelope nobody knows whether the sender wants a report: the operator looks.
    Result<void> passed_over(MessageId message, const Error& error) {
        if (error.is(Errc::storage_failure)) {
            return error;
        }
        if (error.is(Errc::corrupt)) {
            ++outcome_.left;
            logger.warn("dsn_impossible", {{"mid", message.text()}, {"reason", error}});
        }
        return {};
    }

    awaitable<Result<MessageId>> accept_report(
        const Chosen& chosen, std::vector<DsnRecipient> recipients
    ) {
        queue::Intake intake{queue_};
        const WallTime now = queue_.clock().now();
        Dsn dsn = make_dsn(DsnFacts{
            order_.hostname,
            intake.id(),
            now,
            chosen.envelope,
            std::move(recipients),
            chosen.octets,
            chosen.is_whole,
        });
        intake.buffer() = std::move(dsn.octets);
        auto flushed = co_await intake.flush();
        if (!flushed) {
            co_await intake.abort();
            co_return flushed.error();
        }
        std::vector<queue::Placement> placements(1);
        placements[0].state = State::due;
        placements[0].lane = order_.server;
        placements[0].pinned = true;
        const auto receipt = co_await intake.commit(std::move(dsn.envelope), std::move(placements));
        if (!receipt) {
            co_await intake.abort();
            co_return receipt.error();
        }
        ++outcome_.reports;
        wake_lane_(order_.server, now);
        co_return receipt->id();
    }

    awaitable<Result<std::uint64_t>> move(
        queue::Event event, std::vector<RecipientId> recipients, std::string why
    ) {
        queue::MoveRecipients change;
        change.event = event;
        change.recipients = std::move(recipients);
        change.keep = event == queue::Event::hold;
        change.who = order_.who;
        change.why = std::move(why);
        queue::Change order{std::move(change)};
        const auto applied = co_await queue_.commit(std::move(order));
        SIDING_CO_TRY(applied);
        co_return applied->moved;
    }

    static bool contains(const Chosen& chosen, RecipientId id) {
        return std::ranges::find(chosen.rows, id, &queue::Recipient::id) != chosen.rows.end();
    }

    queue::Queue& queue_;
    DsnOrder order_;
    const WakeLane& wake_lane_;
    DsnOutcome outcome_;
};

}  // namespace

awaitable<Result<DsnOutcome>> discard_with_reports(
    queue::Queue& queue, DsnOrder order, const WakeLane& wake_lane
) {
    DsnRun run{queue, std::move(order), wake_lane};
    co_return co_await run.run();
}

}  // namespace siding::relay
