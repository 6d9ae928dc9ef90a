#include "tests/support/queue_workload.hpp"

#include <algorithm>

namespace siding::test {

using namespace queue;

namespace {

const std::vector<std::string> servers{"old", "new", "archive"};
const std::vector<std::string> waves{"default", "pilot"};
const std::vector<std::string> domains{"example.com", "example.org", "xn--bcher-kva.example"};
const std::vector<std::string> tags{"spam", "phish", "\xff,"};
const std::vector<std::string> value_keys{
    "verify/new/joe@example.com",
    "verify/new/",
    "verify/old/joe",
    std::string("verify/\0\xff", 9),
    "\xff\xff",
    "other"};
const std::vector<std::string> senders{"", "Ann@Sender.example", "bob@sender.example"};
// Octets that a key or a log line could take for structure.
const std::vector<std::string> locals{
    "joe", "JOE", "a.b+c", std::string("nul\0", 4), "\x01\x02", "\xff\xfe", "z"};

}  // namespace

Domain domain_of(std::string_view name) {
    return Domain::parse(name).value();
}

AcceptMessage make_message(
    MessageId id, const std::string& sender, const std::vector<To>& to, std::string body
) {
    AcceptMessage change;
    Envelope& envelope = change.envelope;
    envelope.id = id;
    envelope.received_at = id.time();
    envelope.reverse_path = sender;
    envelope.mail_parameters = {"BODY=8BITMIME", "RET=HDRS"};
    envelope.client_address = "192.0.2.1";
    envelope.helo = "client.example";
    envelope.trace_header = "Received: from client.example\r\n";
    envelope.message_id_header = "<" + id.text() + "@sender.example>";
    envelope.body = {body.size(), sha256(body), 1, 3, true};
    envelope.client_name = "client.example";
    envelope.listener = "[::]:25";
    envelope.tls = "TLSv1.3 TLS_AES_256_GCM_SHA384";
    for (const To& one : to) {
        const std::string domain = one.address.substr(one.address.rfind('@') + 1);
        envelope.recipients.push_back(
            {one.address, {"NOTIFY=NEVER", "ORCPT=rfc822;x"}, domain_of(domain), one.wave}
        );
        change.placements.push_back(one.placement);
    }
    change.inline_body = std::move(body);
    return change;
}

Result<Applied> apply_one(Store& store, const Change& change, WallTime now) {
    const Change* const one = &change;
    SIDING_ASSIGN(auto results, store.apply({&one, 1}, now));
    return std::move(results.at(0));
}

Result<void> Step::prepare(Store& store) const {
    if (abandoned) {
        SIDING_TRY(store.append_body_chunk(*abandoned, 0, "half of a body"));
    }
    if (const auto* accept = std::get_if<AcceptMessage>(&change)) {
        for (std::uint32_t chunk = 0; chunk < chunks.size(); ++chunk) {
            SIDING_TRY(store.append_body_chunk(accept->envelope.id, chunk, chunks[chunk]));
        }
    }
    return {};
}

Result<Applied> Step::run(Store& store) const {
    SIDING_TRY(prepare(store));
    return apply_one(store, change, at);
}

Step Workload::next(const QueueModel& model) {
    clock_.advance(std::chrono::milliseconds{roll(5000)});
    Step step;
    const std::uint64_t dice = roll(100);
    if (dice < 30) {
        step = make_accept();
    } else if (dice < 50) {
        step.change = make_attempt(model);
    } else if (dice < 68) {
        step.change = make_outcome(model);
    } else if (dice < 89) {
        step.change = make_move(model);
    } else if (dice < 92) {
        step.change = make_phases(model);
    } else if (dice < 93) {
        step.change = PruneRetained{
            clock_.now() - std::chrono::minutes{roll(20)}, roll(200'000), 1 + roll(9)};
    } else if (dice < 95) {
        step.change = make_release(model);
    } else if (dice < 96) {
        step.change = make_refusals();
    } else {
        step.change = make_values();
    }
    step.at = clock_.now();
    return step;
}

Step Workload::make_accept() {
    Step step;
    if (roll(20) == 0) {
        step.abandoned = ids_.next();
    }
    std::vector<To> to;
    for (std::uint64_t n = 1 + roll(3); n > 0; --n) {
        const Placement placement = make_placement();
        to.push_back({pick(locals) + "@" + pick(domains), placement, pick(waves)});
    }
    const bool ahead = roll(static_cast<std::uint64_t>(sizes_.chunked_in)) == 0;
    step.body = make_octets(ahead ? sizes_.chunk_octets * 3 : sizes_.inline_octets);
    AcceptMessage change = make_message(ids_.next(), pick(senders), to, step.body);
    change.retain = roll(2) == 0;
    change.envelope.recipients.back().copy = roll(5) == 0;
    if (roll(3) == 0) {
        change.envelope.tags = {pick(tags), pick(tags)};
        change.envelope.spam_score = 0.5;
        change.envelope.recipients.front().original = pick(locals) + "@old.example";
    }
    if (ahead) {
        change.inline_body.reset();
        for (std::size_t at = 0; at < step.body.size(); at += sizes_.chunk_octets) {
            step.chunks.push_back(step.body.substr(at, sizes_.chunk_octets));
        }
        if (step.chunks.empty()) {
            step.chunks.emplace_back();
        }
        change.envelope.body.chunks = static_cast<std::uint32_t>(step.chunks.size());
    }
    step.change = std::move(change);
    return step;
}

Placement Workload::make_placement() {
    if (roll(2) == 0) {
        return {};
    }
    Placement placement{State::due, pick(servers)};
    placement.pinned = roll(5) == 0;
    if (roll(4) > 0) {
        return placement;
    }
    placement.reply = "451 4.3.0 later";
    placement.peer = "198.51.100.7:25";
    placement.tls = "TLSv1.3";
    placement.sent_as = placement.pinned ? "elsewhere@example.net" : "";
    if (roll(2) == 0) {
        placement.state = State::delivered;
        placement.pinned = false;
        return placement;
    }
    placement.attempted = true;
    placement.in_doubt = roll(2) == 0;
    placement.due_at = clock_.now() + std::chrono::minutes{1};
    return placement;
}

Change Workload::make_attempt(const QueueModel& model) {
    const Recipient* row = pick_in(model, State::due);
    if (row == nullptr) {
        return StartAttempt{{{ids_.next(), 0}}, "new"};
    }
    StartAttempt change;
    for (const std::uint32_t number : {0U, 1U, 2U, 7U}) {
        change.recipients.push_back({row->id.message, number});
    }
    if (const Recipient* other = pick_in(model, State::due)) {
        change.recipients.push_back(other->id);
    }
    // Mostly the right lane; all recipients of the message, due or not, and one that is none.
    change.server = roll(8) == 0 ? pick(servers) : row->lane;
    return change;
}

Change Workload::make_outcome(const QueueModel& model) {
    RecordOutcome change;
    const Recipient* row = pick_in(model, State::in_flight);
    const MessageId message = row == nullptr ? ids_.next() : row->id.message;
    change.server = row == nullptr ? "new" : row->lane;
    change.peer = "198.51.100.7:25";
    change.tls = "TLSv1.3";
    change.retain = roll(2) == 0;
    for (std::uint32_t n = 0; n < 3; ++n) {
        const auto kind = static_cast<OutcomeKind>(roll(4));
        if (roll(5) > 0) {
            change.outcomes.push_back(
                {{message, n}, kind, "450 4.2.0 busy", clock_.now() + std::chrono::hours{1}}
            );
            change.outcomes.back().cause = kind == OutcomeKind::parked ? "mailbox_full" : "";
        }
    }
    return change;
}

Change Workload::make_move(const QueueModel& model) {
    static constexpr std::array events{
        Event::release,
        Event::release,
        Event::hold,
        Event::reroute,
        Event::park,
        Event::discard,
        Event::replay};
    MoveRecipients change;
    change.event = events[roll(events.size())];
    change.recipients = pick_rows(model, 1 + roll(12));
    if (change.event == Event::release || change.event == Event::reroute ||
        change.event == Event::replay) {
        change.server = pick(servers);
        change.pinned = roll(2) == 0;
        change.release_id = roll(4) == 0 ? 0 : pick_release(model);
    }
    change.keep = change.event == Event::hold && roll(2) == 0;
    if (roll(4) == 0) {
        change.still.emplace().state = roll(2) == 0 ? State::held : State::due;
    }
    change.due_at = clock_.now() + std::chrono::milliseconds{roll(100'000)};
    change.who = "uid:1000 alice";
    change.why = "because";
    return change;
}

Change Workload::make_phases(const QueueModel& model) {
    SetPhases change;
    const std::string domain = pick(domains);
    if (roll(4) == 0) {
        return RemoveWave{domain_of(domain), pick(waves), "uid:0 root"};
    }
    if (roll(4) == 0) {
        return AssignWave{pick_rows(model, 1 + roll(12)), pick(waves), "uid:0 root", "pilot"};
    }
    for (const std::string& wave : waves) {
        PhaseMove move{domain_of(domain), wave, all_phases()[roll(all_phases().size())], false};
        move.initial = roll(3) == 0;
        if ((move.to == Phase::pass_old || move.to == Phase::pass_new) && roll(2) == 0) {
            move.copy = pick(servers);
        }
        change.moves.push_back(std::move(move));
    }
    change.who = "uid:0 root";
    change.why = "cutover";
    if (!model.flips.empty() && roll(4) == 0) {
        auto flip = model.flips.begin();
        std::advance(flip, roll(model.flips.size()));
        change.undoes = flip->first;
    }
    return change;
}

Change Workload::make_release(const QueueModel& model) {
    ReleaseJob job;
    if (!model.releases.empty() && roll(2) == 0) {
        job = model.releases.at(pick_release(model));
        job.chosen += 1;
        job.state = static_cast<ReleaseState>(roll(5));
    } else {
        job.filter.domain = domain_of(pick(domains));
        job.filter.up_to = model.last_id;
        job.server = pick(servers);
        job.ordered_at = clock_.now();
        job.who = "uid:1000 alice";
    }
    return PutRelease{std::move(job)};
}

Change Workload::make_refusals() {
    RecordRefusals change;
    change.refusals.push_back(
        {"unknown_recipient", 1 + roll(9), "192.0.2.1", pick(senders), pick(locals), "550 5.1.1 no"}
    );
    return change;
}

Change Workload::make_values() {
    if (roll(4) == 0) {
        const std::vector<std::string> prefixes{"verify/", "verify/new/", "\xff", "", "none"};
        return DeleteValues{pick(prefixes), roll(2) == 0 ? SIZE_MAX : roll(3)};
    }
    PutValues change;
    for (std::uint64_t n = roll(4); n > 0; --n) {
        const bool goes = roll(3) == 0;
        change.values.push_back(
            {roll(30) == 0 ? "" : pick(value_keys),
             goes ? std::nullopt : std::optional{make_octets(20)}}
        );
    }
    return change;
}

std::string Workload::make_octets(std::size_t octets_max) {
    std::string octets(roll(octets_max + 1), '\0');
    for (char& c : octets) {
        c = static_cast<char>(random_());
    }
    return octets;
}

std::vector<RecipientId> Workload::pick_rows(const QueueModel& model, std::size_t rows_max) {
    std::vector<RecipientId> rows;
    for (std::size_t i = 0; i < rows_max && !model.recipients.empty(); ++i) {
        auto row = model.recipients.begin();
        std::advance(row, roll(model.recipients.size()));
        rows.push_back(row->first);
    }
    return rows;
}

std::uint64_t Workload::pick_release(const QueueModel& model) {
    if (model.releases.empty()) {
        return 0;
    }
    auto job = model.releases.begin();
    std::advance(job, roll(model.releases.size()));
    return job->first;
}

const Recipient* Workload::pick_in(const QueueModel& model, State state) {
    std::vector<const Recipient*> rows;
    for (const auto& [id, row] : model.recipients) {
        if (row.state == state) {
            rows.push_back(&row);
        }
    }
    return rows.empty() ? nullptr : rows[roll(rows.size())];
}

}  // namespace siding::test
