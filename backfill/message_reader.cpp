#include "backfill/message_reader.hpp"

#include "backfill/limits.hpp"
#include "net/run_on.hpp"

#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

constexpr std::size_t disk_piece_octets = 512 * 1024;

}  // namespace

MessageReader::MessageReader(ImapSession& session, Needs needs, const ImapSet& uids)
    : session_{session}, needs_{std::move(needs)} {
    const auto allowed = session.capabilities().message_limit();
    std::uint64_t messages_max = limits::fetch_range_messages_max;
    if (allowed && *allowed > 0 && *allowed < messages_max) {
        messages_max = *allowed;
    }
    ImapSet rest = uids;
    while (!rest.empty()) {
        ImapSet part = rest.take_front(messages_max);
        for (const std::string& line : part.split()) {
            if (auto set = ImapSet::parse(line)) {
                parts_.push_back(std::move(*set));
            }
        }
    }
    session_.attach(this);
}

MessageReader::~MessageReader() {
    session_.attach(nullptr);
}

awaitable<Result<std::optional<FetchedMessage>>> MessageReader::next() {
    for (;;) {
        if (!ready_.empty()) {
            Ready front = std::move(ready_.front());
            ready_.pop_front();
            if (front.is_large && !front.message.body.empty()) {
                SIDING_CO_TRY(co_await spill(front.message));
            }
            std::optional<FetchedMessage> message{std::move(front.message)};
            co_return message;
        }
        SIDING_CO_TRY(co_await ask_more());
        if (asked_.empty()) {
            co_return std::optional<FetchedMessage>{};
        }
        if (!session_.connection().is_answered(asked_.front().tag)) {
            SIDING_CO_TRY(co_await session_.connection().step());
            continue;
        }
        const Asked asked = std::move(asked_.front());
        asked_.pop_front();
        SIDING_CO_ASSIGN(ImapResponse answer, co_await session_.connection().answer(asked.tag));
        SIDING_CO_TRY(settle(asked, std::move(answer)));
    }
}

awaitable<Result<void>> MessageReader::ask_more() {
    while (asked_.size() < limits::fetches_under_way_max && !(parts_.empty() && alone_.empty())) {
        Asked asked;
        if (!parts_.empty()) {
            asked.uids = std::move(parts_.front());
            parts_.pop_front();
        } else {
            asked.uids.add(alone_.front());
            asked.is_alone = true;
            alone_.pop_front();
        }
        ImapCommand command{"UID FETCH"};
        command.set(asked.uids).raw("(UID FLAGS INTERNALDATE BODY.PEEK[])");
        SIDING_CO_ASSIGN(asked.tag, co_await session_.connection().start(std::move(command)));
        asked_.push_back(std::move(asked));
    }
    co_return Result<void>{};
}

// What a part has not brought is asked for again, one by one: the NO may be about one message only.
Result<void> MessageReader::settle(const Asked& asked, ImapResponse answer) {
    const ImapSet missing = asked.uids.minus(seen_);
    const bool is_ok = answer.is_ok();
    auto checked = session_.check(std::move(answer), ImapStage::fetch);
    if (!is_ok && session_.trouble() == Trouble::throttled) {
        return std::move(checked).error();
    }
    if (missing.empty()) {
        return {};
    }
    if (!asked.is_alone) {
        for (const std::uint64_t uid : missing.numbers(limits::fetch_range_messages_max)) {
            alone_.push_back(uid);
        }
    } else if (!is_ok) {
        unread_.emplace(missing.first(), session_.last_no()->words);
    }
    return {};
}

void MessageReader::on_body_begin(const ImapResponse& unfinished, std::uint64_t octets) {
    static_cast<void>(unfinished);
    incoming_.emplace();
    digester_ = std::make_unique<MessageDigester>();
    is_large_ = octets > limits::message_in_memory_octets_max;
    if (!is_large_) {
        incoming_->body.reserve(octets);
    }
}

void MessageReader::on_body_piece(std::string_view octets) {
    digester_->update(octets);
    incoming_->body += octets;
}

bool MessageReader::wants_pause() const {
    return is_large_ && incoming_ && incoming_->body.size() >= disk_piece_octets;
}

awaitable<Result<void>> MessageReader::pause() {
    auto done = co_await spill(*incoming_);
    co_return done;
}

awaitable<Result<void>> MessageReader::spill(FetchedMessage& message) {
    auto write = [&message, &spool = needs_.spool] {
        if (!message.file) {
            auto file = SpoolFile::create(spool);
            if (!file) {
                return Result<void>{std::move(file).error()};
            }
            message.file.emplace(std::move(*file));
        }
        auto written = message.file->append(message.body);
        message.body.clear();
        return written;
    };
    auto written = co_await net::run_on(needs_.blocking, std::move(write));
    co_return written;
}

void MessageReader::on_response(const ImapResponse& response) {
    if (!response.is_data("FETCH")) {
        return;
    }
    auto item = fetch_item(response);
    if (!item || !item->uid) {
        incoming_.reset();
        return;
    }
    const FetchItem::Section* section = item->section("BODY[]");
    if (section == nullptr) {
        return;  // flags that somebody has changed
    }
    const FetchItem::Section found = *section;
    finish(std::move(*item), found);
}

void MessageReader::finish(FetchItem item, const FetchItem::Section& section) {
    std::optional<FetchedMessage> message = std::exchange(incoming_, std::nullopt);
    const bool is_large = std::exchange(is_large_, false);
    if (section.is_nil || seen_.contains(*item.uid)) {
        return;
    }
    if (!section.is_streamed) {
        message.emplace();
        digester_ = std::make_unique<MessageDigester>();
        digester_->update(section.octets);
        message->body = section.octets;
    }
    if (!message) {
        return;
    }
    seen_.add(*item.uid);
    message->uid = *item.uid;
    message->flags = item.flags.value_or(std::vector<std::string>{});
    message->internal_date = item.internal_date.value_or("");
    message->octets = digester_->octets();
    message->digests = digester_->finish();
    message->facts = digester_->facts();
    ready_.push_back(Ready{std::move(*message), is_large});
}

}  // namespace siding::backfill
