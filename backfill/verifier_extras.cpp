// Verifier: messages of the destination that no pass has brought there.
#include "backfill/header_facts.hpp"
#include "backfill/limits.hpp"
#include "backfill/verifier.hpp"
#include "base/bytes.hpp"

#include <algorithm>
#include <utility>

namespace siding::backfill {
namespace {

using net::awaitable;

constexpr std::size_t subject_octets_max = 200;

// Hears dates and subjects.
class ExtraEar final : private ImapListener {
public:
    ExtraEar(ImapSession& session, std::string mailbox, std::vector<Extra>& extras)
        : session_{session}, mailbox_{std::move(mailbox)}, extras_{extras} {
        session_.attach(this);
    }
    ~ExtraEar() override { session_.attach(nullptr); }
    ExtraEar(const ExtraEar&) = delete;
    ExtraEar& operator=(const ExtraEar&) = delete;

private:
    void on_body_begin(const ImapResponse& unfinished, std::uint64_t octets) override {
        static_cast<void>(unfinished);
        static_cast<void>(octets);
        header_.clear();
    }
    void on_body_piece(std::string_view octets) override {
        const std::size_t room = limits::digested_header_octets_max - header_.size();
        header_ += octets.substr(0, room);
    }
    void on_response(const ImapResponse& response) override {
        const auto item = fetch_item(response);
        if (!item || !item->uid || !item->internal_date) {
            return;
        }
        for (const FetchItem::Section& section : item->sections) {
            header_ = section.is_streamed ? header_ : section.octets;
        }
        MessageFacts facts;
        read_header(header_, facts);
        header_.clear();
        Extra extra;
        extra.mailbox = mailbox_;
        extra.uid = *item->uid;
        extra.date = *item->internal_date;
        extra.subject = escape(facts.subject, subject_octets_max);
        extras_.push_back(std::move(extra));
    }

    ImapSession& session_;
    std::string mailbox_;
    std::vector<Extra>& extras_;
    std::string header_;
};

}  // namespace

awaitable<Result<void>> Verifier::find_extras() {
    for (auto& [mailbox, place] : places_) {
        if (!place.is_known) {
            continue;  // every UID would be another one
        }
        ImapSet extras = place.there.minus(place.ours);
        if (extras.empty()) {
            continue;
        }
        result_.extra[mailbox] = extras.count();
        std::erase_if(result_.extras, [&mailbox](const Extra& extra) {
            return extra.mailbox == mailbox;
        });
        const std::size_t room =
            limits::extras_listed_max - std::min(limits::extras_listed_max, result_.extras.size());
        ImapSet newest = extras.take_back(room);
        SIDING_CO_TRY(co_await list_extras(mailbox, std::move(newest)));
        place = {};
    }
    co_return Result<void>{};
}

awaitable<Result<void>> Verifier::list_extras(std::string mailbox, ImapSet uids) {
    if (uids.empty()) {
        co_return Result<void>{};
    }
    SIDING_CO_TRY(co_await destination().examine(mailbox));
    ExtraEar ear{destination(), mailbox, result_.extras};
    for (const std::string& part : uids.split()) {
        ImapCommand command{"UID FETCH"};
        command.set(part).raw("(UID INTERNALDATE BODY.PEEK[HEADER.FIELDS (SUBJECT)])");
        SIDING_CO_TRY(co_await destination().run(std::move(command), ImapStage::fetch));
    }
    co_return Result<void>{};
}

}  // namespace siding::backfill
