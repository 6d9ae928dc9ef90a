#include "relay/pass_through.hpp"

#include "base/address.hpp"
#include "base/log.hpp"
#include "relay/lane_limits.hpp"

#include <algorithm>
#include <utility>

namespace siding::relay {
namespace {

const Logger log{"pass"};

// The octets of a message that has been received whole and not been stored yet.
class IntakeBody final : public OutgoingBody {
public:
    IntakeBody(const queue::Intake& intake, std::string_view trace_header)
        : intake_{intake}, unsent_{trace_header} {}

    net::awaitable<Result<std::string>> next() override {
        std::string octets = std::exchange(unsent_, {});
        while (number_ < intake_.pieces()) {
            const auto number = number_++;
            auto piece = co_await intake_.read_piece(number);
            if (!piece) {
                co_return piece.error();
            }
            octets += *piece;
            if (!octets.empty()) {
                co_return octets;
            }
        }
        if (octets.empty()) {
            co_return Error{Errc::corrupt, "fewer octets than were received"};
        }
        co_return octets;
    }

private:
    const queue::Intake& intake_;
    std::string unsent_;
    std::uint32_t number_ = 0;
};

// A connection that was kept may have died meanwhile: what it says then is nothing new.
bool is_stale(const smtp::Verdict& verdict) {
    return verdict.is_about_session() && (!verdict.reply || verdict.reply->is_closing());
}

std::string domain_of(const std::string& path) {
    const auto address = Address::parse(path);
    return address ? address->domain().text() : std::string{};
}

bool is_delivered(const smtp::Verdict& verdict) {
    return verdict.kind == smtp::VerdictKind::delivered &&
           verdict.stage == smtp::Stage::end_of_data;
}

}  // namespace

PassThrough::PassThrough(
    UpstreamPool& pool, std::shared_ptr<const config::Config> config, net::Endpoint client
)
    : pool_{pool}, config_{std::move(config)}, client_{std::move(client)} {}

PassThrough::~PassThrough() {
    for (Leg& leg : legs_) {
        leave(leg, UpstreamPool::Left::unfinished);
    }
}

PassThrough::Leg& PassThrough::leg_of(const std::string& server) {
    const auto found = std::ranges::find(legs_, server, &Leg::server);
    return found == legs_.end() ? legs_.emplace_back(server) : *found;
}

// The other address; empty where it keeps its own.
std::string PassThrough::remap(smtp::Transaction::Recipient& recipient) const {
    const RemapTable* const remaps = pool_.parts().remaps;
    auto found = remaps == nullptr ? std::nullopt : remaps->find(recipient.forward_path);
    if (!found) {
        return {};
    }
    recipient.forward_path = *found;
    return std::move(*found);
}

net::awaitable<PassThrough::Answer> PassThrough::rcpt(
    std::string server, const smtp::Transaction& head, smtp::Transaction::Recipient recipient
) {
    Leg& leg = leg_of(server);
    std::string sent_as = remap(recipient);
    std::optional<smtp::Verdict> verdict = leg.verdict;
    if (!leg.is_closed) {
        verdict = co_await ask(leg, head, recipient);
    }
    Answer said = answer(leg, std::move(verdict), std::move(sent_as));
    co_return said;
}

// Beyond what the server takes in one transaction the queue takes over.
bool PassThrough::may_ask(const Leg& leg, const std::string& domain) const {
    const auto server = config_->servers.find(leg.server);
    if (server == config_->servers.end() || leg.accepted.empty()) {
        return true;
    }
    const LaneLimits limits = resolve_limits(server->second);
    const std::size_t own_max = limits.recipients_per_transaction;
    const bool is_full = (own_max > 0 && leg.accepted.size() >= own_max) ||
                         leg.accepted.size() >= leg.upstream->recipients_max();
    return !is_full && (!limits.one_domain || domain == leg.domain);
}

net::awaitable<std::optional<smtp::Verdict>> PassThrough::ask(
    Leg& leg, const smtp::Transaction& head, const smtp::Transaction::Recipient& recipient
) {
    std::optional<smtp::Verdict> verdict;
    const std::string domain = domain_of(recipient.forward_path);
    if (leg.upstream == nullptr) {
        leg.domain = domain;
        verdict = co_await ask_first(leg, head, recipient);
    } else if (may_ask(leg, domain)) {
        verdict = co_await leg.upstream->rcpt(head, recipient, config_->pass_through.rcpt_timeout);
    }
    if (verdict && leg.upstream != nullptr) {
        learn(leg, *verdict);
    }
    co_return verdict;
}

net::awaitable<std::optional<smtp::Verdict>> PassThrough::ask_first(
    Leg& leg, const smtp::Transaction& head, const smtp::Transaction::Recipient& recipient
) {
    UpstreamPool::Taken taken = co_await pool_.take(leg.server, client_);
    for (;;) {
        if (taken.upstream == nullptr) {
            leg.is_closed = true;
            leg.verdict = taken.failure;
            co_return taken.failure;
        }
        leg.upstream = std::move(taken.upstream);
        leg.peer = leg.upstream->peer();
        leg.tls = leg.upstream->tls();
        std::optional<smtp::Verdict> verdict =
            co_await leg.upstream->rcpt(head, recipient, config_->pass_through.rcpt_timeout);
        if (taken.is_new || !is_stale(*verdict) || leg.upstream->is_late()) {
            const auto& names = leg.upstream->their_names();
            their_names_.insert(their_names_.end(), names.begin(), names.end());
            co_return verdict;
        }
        leave(leg, UpstreamPool::Left::lost);
        taken = co_await pool_.take_new(leg.server, client_);
    }
}

void PassThrough::learn(Leg& leg, const smtp::Verdict& verdict) {
    pool_.judge(*leg.upstream, verdict);
    if (verdict.is_about_session()) {
        lose(leg, verdict);
    } else if (verdict.stage != smtp::Stage::rcpt && !is_delivered(verdict)) {
        // MAIL was refused, and all recipients with it.
        leg.is_closed = true;
        leg.verdict = verdict;
        leave(leg, UpstreamPool::Left::unfinished);
    }
}

void PassThrough::lose(Leg& leg, const smtp::Verdict& verdict) {
    leg.is_closed = true;
    leg.verdict = verdict;
    for (Passed* const passed : leg.accepted) {
        passed->verdict = verdict;
    }
    leg.accepted.clear();
    leave(leg, UpstreamPool::Left::lost);
}

void PassThrough::leave(Leg& leg, UpstreamPool::Left left) {
    if (leg.upstream != nullptr) {
        pool_.give_back(std::move(leg.upstream), left);
    }
}

PassThrough::Answer PassThrough::answer(
    Leg& leg, std::optional<smtp::Verdict> verdict, std::string sent_as
) {
    Answer out;
    const PassAnswer meaning = verdict ? answer_of(*verdict) : PassAnswer::queue;
    if (verdict && meaning != PassAnswer::queue) {
        out.reply = as_ours(reply_of(*verdict));
    }
    if (meaning == PassAnswer::no) {
        pool_.parts().tally.of(leg.server).on_refused();
        return out;
    }
    Passed& passed = passed_.emplace_back();
    passed.server = leg.server;
    passed.verdict = std::move(verdict);
    passed.peer = leg.peer;
    passed.tls = leg.tls;
    passed.sent_as = std::move(sent_as);
    if (meaning == PassAnswer::yes) {
        leg.accepted.push_back(&passed);
    }
    out.passed = &passed;
    return out;
}

net::awaitable<void> PassThrough::send(const queue::Intake& intake, std::string_view trace_header) {
    for (Leg& leg : legs_) {
        if (leg.upstream != nullptr && !leg.accepted.empty()) {
            co_await send(leg, intake, trace_header);
        }
    }
}

net::awaitable<void> PassThrough::send(
    Leg& leg, const queue::Intake& intake, std::string_view trace_header
) {
    IntakeBody body{intake, trace_header};
    const std::uint64_t octets = trace_header.size() + intake.size_octets();
    auto verdicts = co_await leg.upstream->finish(octets, body, config_->pass_through.data_timeout);
    // The connection knows of no transaction any more: nothing was sent.
    verdicts.resize(leg.accepted.size(), smtp::judge_loss(smtp::Stage::data, "connection lost"));
    bool is_clean = true;
    for (std::size_t i = 0; i < leg.accepted.size(); ++i) {
        leg.accepted[i]->verdict = verdicts.at(i);
        is_clean = is_clean && is_delivered(verdicts[i]);
    }
    pool_.judge(*leg.upstream, verdicts.at(0));
    leave(leg, is_clean ? UpstreamPool::Left::ready : UpstreamPool::Left::unfinished);
    log.debug(
        "passed",
        {{"mid", intake.id()},
         {"route", leg.server},
         {"peer", leg.accepted.front()->peer},
         {"verdict", smtp::to_text(verdicts[0].kind)},
         {"reply", verdicts[0].text}}
    );
    leg.accepted.clear();
    leg.is_closed = true;
}

smtp::Reply PassThrough::as_ours(smtp::Reply reply) const {
    return relay::as_ours(std::move(reply), their_names_, config_->hostname);
}

void PassThrough::count_outcomes(bool is_refused) {
    for (const Passed& passed : passed_) {
        PassTally::Server& tally = pool_.parts().tally.of(passed.server);
        if (is_refused) {
            tally.on_refused();
        } else if (passed.verdict && is_delivered(*passed.verdict)) {
            tally.on_delivered();
        } else if (passed.verdict && passed.verdict->kind == smtp::VerdictKind::in_doubt) {
            tally.on_in_doubt();
        } else {
            tally.on_queued();
        }
    }
}

std::string PassThrough::describe() const {
    const auto open =
        std::ranges::find_if(legs_, [](const Leg& leg) { return leg.upstream != nullptr; });
    return open == legs_.end() ? std::string{} : open->server + " " + open->upstream->peer();
}

}  // namespace siding::relay
