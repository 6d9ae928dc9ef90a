#include "backfill/message_reader.hpp"

#include "backfill/account_pace.hpp"
#include "backfill/email_id.hpp"
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
    const std::string email = needs_.email_ids ? email_item(session.capabilities()) : "";
    items_ = "(UID FLAGS INTERNALDATE " + (email.empty() ? "" : email + " ") + "BODY.PEEK[])";
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
            co_await carry(front.uncarried);
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
        command.set(asked.uids).raw(items_);
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
    uncarried_ += octets.size();
}

bool MessageReader::wants_pause() const {
    const bool must_be_carried = needs_.pace != nullptr && uncarried_ >= Bandwidth::piece_octets &&
                                 needs_.pace->is_line_bounded();
    return must_be_carried || has_large_piece();
}

bool MessageReader::has_large_piece() const {
    return is_large_ && incoming_ && incoming_->body.size() >= disk_piece_octets;
}

awaitable<Result<void>> MessageReader::pause() {
    co_await carry(std::exchange(uncarried_, 0));
    if (!has_large_piece()) {
        co_return Result<void>{};
    }
    auto done = co_await spill(*incoming_);
    co_return done;
}

awaitable<void> MessageReader::carry(std::uint64_t octets) {
    if (needs_.pace != nullptr && octets > 0) {
        co_await needs_.pace->carry(octets);
    }
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
    std::uint64_t uncarried = std::exchange(uncarried_, 0);
    if (section.is_nil || seen_.contains(*item.uid)) {
        return;
    }
    if (!section.is_streamed) {
        message.emplace();
        digester_ = std::make_unique<MessageDigester>();
        digester_->update(section.octets);
        message->body = section.octets;
        uncarried = section.octets.size();
    }
    if (!message) {
        return;
    }
    seen_.add(*item.uid);
    message->uid = *item.uid;
    message->flags = item.flags.value_or(std::vector<std::string>{});
    message->internal_date = item.internal_date.value_or("");
    message->email_id = email_id_of(item);
    message->octets = digester_->octets();
    message->digests = digester_->finish();
    message->facts = digester_->facts();
    ready_.push_back(Ready{std::move(*message), is_large, uncarried});
}

}  // namespace siding::backfill
