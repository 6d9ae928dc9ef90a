// Copies, the history of flips, waves that go and rows that change wave.
#include "tests/queue/store_fixture.hpp"

namespace siding::queue {
namespace {

class PhasesTest : public StoreTest {
protected:
    Result<Applied> flip(std::vector<PhaseMove> moves, std::uint64_t undoes = 0) {
        return apply(SetPhases{std::move(moves), "uid:0 root", "cutover", undoes});
    }
    Result<Applied> flip(Phase to, const std::string& copy = {}, std::uint64_t undoes = 0) {
        return flip({{com_, "default", to, false, copy}}, undoes);
    }
    void configure(const std::string& wave, Phase phase) {
        ASSERT_EQ(flip({{com_, wave, phase, true}})->moved, 1U);
    }
    std::string copy() const { return store_->phases().copy_of(com_, "default"); }
    std::vector<FlipRecord> flips() const { return store_->flips(100).value(); }

    // An index key without its row, or a row without its key, would show.
    void expect_consistent() {
        const auto rows = store_->rows("", 1000).value().rows;
        EXPECT_EQ(list_ids({}).size(), rows.size());
        for (const Recipient& row : rows) {
            Filter filter;
            filter.domain = row.domain;
            filter.wave = row.wave;
            filter.state = row.state;
            const auto found = list_ids(filter);
            EXPECT_TRUE(std::ranges::find(found, row.id.text()) != found.end()) << row.id.text();
        }
    }

    Domain com_ = test::domain_of("example.com");
};

INSTANTIATE_TEST_SUITE_P(Backends, PhasesTest, testing::ValuesIn(backends()), backend_name);

TEST_P(PhasesTest, CopiesWhatAPhasePassesOn) {
    configure("default", Phase::pass_old);
    EXPECT_EQ(copy(), "");
    EXPECT_EQ(flip(Phase::pass_old, "new")->moved, 1U) << "the same phase with a copy";
    EXPECT_EQ(copy(), "new");
    EXPECT_EQ(flip(Phase::pass_old, "new")->moved, 0U);
    const LedgerEntry line = store_->read_ledger(1, 100).value().back();
    EXPECT_EQ(line.copy_from, "");
    EXPECT_EQ(line.copy_to, "new");
    reopen();
    EXPECT_EQ(copy(), "new");
    EXPECT_EQ(store_->phases().copies.size(), 1U);
    EXPECT_TRUE(flip(Phase::hold, "new").error().is(Errc::invalid_argument));
    EXPECT_EQ(copy(), "new");
    EXPECT_EQ(flip(Phase::hold)->moved, 1U);
    EXPECT_EQ(copy(), "") << "with the phase";
    EXPECT_TRUE(store_->phases().copies.empty());
    reopen();
    EXPECT_EQ(copy(), "");
    ASSERT_TRUE(flip({{com_, "pilot", Phase::pass_new, true, "old"}}));
    EXPECT_EQ(store_->phases().copy_of(com_, "pilot"), "old") << "from the configuration";
}

TEST_P(PhasesTest, RemembersFlips) {
    configure("default", Phase::pass_old);
    configure("pilot", Phase::hold);
    EXPECT_TRUE(flips().empty()) << "the configuration is no flip";
    ASSERT_TRUE(flip(Phase::pass_old));
    EXPECT_TRUE(flips().empty()) << "nothing changed";
    const std::uint64_t first =
        flip({{com_, "default", Phase::hold}, {com_, "pilot", Phase::pass_old, false, "new"}}
        )->epoch;
    const WallTime at = now();
    clock_.advance(std::chrono::minutes{1});
    const std::uint64_t second = flip(Phase::release)->epoch;
    reopen();
    const auto all = flips();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].epoch, second);
    EXPECT_EQ(all[1].epoch, first);
    EXPECT_EQ(all[1].at, at);
    EXPECT_EQ(all[1].who, "uid:0 root");
    EXPECT_EQ(all[1].why, "cutover");
    EXPECT_EQ(
        all[1].moves,
        (std::vector<FlipMove>{
            {com_, "default", Phase::pass_old, Phase::hold, "", ""},
            {com_, "pilot", Phase::hold, Phase::pass_old, "", "new"}})
    );
    EXPECT_EQ(store_->flips(1).value().size(), 1U);
    EXPECT_TRUE(flip(Phase::prep).has_error());
    EXPECT_EQ(flips().size(), 2U) << "a refused one is none";
}

TEST_P(PhasesTest, MarksAFlipThatIsTakenBack) {
    configure("default", Phase::pass_old);
    const std::uint64_t first = flip(Phase::hold)->epoch;
    const std::uint64_t second = flip(Phase::pass_old, "", first)->epoch;
    EXPECT_GT(second, first);
    auto all = flips();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].undoes, first);
    EXPECT_EQ(all[1].undone_by, second);
    EXPECT_EQ(store_->read_ledger(1, 100).value().back().undoes, first);

    EXPECT_TRUE(flip(Phase::hold, "", first).error().is(Errc::conflict)) << "already";
    EXPECT_TRUE(flip(Phase::hold, "", 77).error().is(Errc::not_found));
    EXPECT_EQ(store_->phases().find(com_), Phase::pass_old) << "neither changed anything";
    EXPECT_EQ(store_->phases().epoch, second);

    // The waves stand right already: it counts as taken back all the same.
    const std::uint64_t third = flip(Phase::hold)->epoch;
    ASSERT_TRUE(flip(Phase::pass_old));
    const auto undo = flip(Phase::pass_old, "", third);
    ASSERT_TRUE(undo);
    EXPECT_EQ(undo->moved, 0U);
    all = flips();
    EXPECT_EQ(all[0].undoes, third);
    EXPECT_TRUE(all[0].moves.empty());
    EXPECT_EQ(all[2].undone_by, all[0].epoch);
}

TEST_P(PhasesTest, RemovesAnEmptyWave) {
    configure("default", Phase::hold);
    configure("pilot", Phase::pass_old);
    ASSERT_TRUE(flip({{com_, "pilot", Phase::pass_old, false, "new"}}));
    const MessageId id = next_id();
    ASSERT_TRUE(apply(test::make_message(id, "", {{"a@example.com", {}, "pilot"}}, "body")));
    const auto busy = apply(RemoveWave{com_, "pilot", "uid:0 root"});
    ASSERT_FALSE(busy);
    EXPECT_TRUE(busy.error().is(Errc::conflict));
    EXPECT_NE(busy.error().context.find("1 recipient "), std::string::npos);
    EXPECT_TRUE(store_->phases().find(com_, "pilot"));

    ASSERT_EQ(move(Event::discard, {{id, 0}}), 1U);
    const std::uint64_t before = store_->phases().epoch;
    const auto removed = apply(RemoveWave{com_, "pilot", "uid:0 root"});
    ASSERT_TRUE(removed);
    EXPECT_EQ(removed->moved, 1U);
    EXPECT_EQ(removed->epoch, before + 1);
    EXPECT_FALSE(store_->phases().find(com_, "pilot"));
    EXPECT_EQ(store_->phases().copy_of(com_, "pilot"), "");
    const LedgerEntry line = store_->read_ledger(1, 100).value().back();
    EXPECT_EQ(line.kind, LedgerKind::phase);
    EXPECT_EQ(line.address, "example.com/pilot");
    EXPECT_EQ(line.from_state, "pass_old");
    EXPECT_EQ(line.to_state, "removed");
    EXPECT_EQ(line.who, "uid:0 root");
    reopen();
    EXPECT_FALSE(store_->phases().find(com_, "pilot"));
    EXPECT_TRUE(store_->phases().copies.empty());
    EXPECT_TRUE(apply(RemoveWave{com_, "pilot", ""}).error().is(Errc::not_found));
    EXPECT_TRUE(apply(RemoveWave{com_, "default", ""}).error().is(Errc::invalid_argument));
    // It may come back, in any phase.
    EXPECT_EQ(flip({{com_, "pilot", Phase::retired, true}})->moved, 1U);
}

TEST_P(PhasesTest, AssignsRowsToAWave) {
    configure("default", Phase::hold);
    configure("pilot", Phase::hold);
    const RecipientId held = accept("a@example.com");
    const RecipientId due = accept_due("b@example.com", "new");
    const RecipientId flying = accept_due("c@example.com", "new");
    ASSERT_EQ(attempt(flying, "new"), 1U);
    const RecipientId parked = accept("d@example.com");
    ASSERT_EQ(move(Event::park, {parked}), 1U);
    const RecipientId elsewhere = accept("e@example.org");
    const RecipientId ended = accept("f@example.com");
    ASSERT_EQ(move(Event::discard, {ended}), 1U);

    const AssignWave change{
        {held, due, flying, parked, elsewhere, ended, held}, "pilot", "uid:0 root", "a pilot user"};
    EXPECT_EQ(apply(change)->moved, 4U);
    for (const RecipientId id : {held, due, flying, parked}) {
        EXPECT_EQ(row(id).wave, "pilot");
    }
    EXPECT_EQ(row(elsewhere).wave, "default") << "its domain has no such wave";
    EXPECT_EQ(row(parked).state, State::parked);
    expect_consistent();
    const auto waves = store_->counters().waves;
    EXPECT_EQ(waves.at({"example.com", "pilot"}).of(State::held), 1U);
    EXPECT_EQ(waves.at({"example.com", "pilot"}).held_octets, 13U);
    EXPECT_EQ(waves.at({"example.com", "pilot"}).of(State::in_flight), 1U);
    EXPECT_EQ(waves.at({"example.com", "default"}).waiting(), 0U);
    EXPECT_EQ(waves.at({"example.com", "default"}).held_octets, 0U);
    const LedgerEntry line = store_->ledger_of(held.message).value().back();
    EXPECT_EQ(line.kind, LedgerKind::assigned);
    EXPECT_EQ(line.recipient, held);
    EXPECT_EQ(line.address, "a@example.com");
    EXPECT_EQ(line.from_state, "default");
    EXPECT_EQ(line.to_state, "pilot");
    EXPECT_EQ(line.reply, "a pilot user");
    EXPECT_EQ(apply(change)->moved, 0U);

    // An attempt ends in the new wave.
    ASSERT_EQ(outcome(flying, OutcomeKind::delivered), 1U);
    EXPECT_EQ(store_->counters().waves.at({"example.com", "pilot"}).of(State::delivered), 1U);
    reopen();
    expect_consistent();
}

TEST_P(PhasesTest, WritesRemapsWithTheirValues) {
    PutValues change;
    change.values = {{"remap/joe@example.com", "joseph@example.com"}};
    change.remaps = {{"joe@example.com", "joseph@example.com", "uid:0 root"}};
    ASSERT_TRUE(apply(change));
    EXPECT_EQ(store_->read_value("remap/joe@example.com").value(), "joseph@example.com");
    const LedgerEntry line = store_->read_ledger(1, 100).value().back();
    EXPECT_EQ(line.kind, LedgerKind::remapped);
    EXPECT_EQ(line.address, "joe@example.com");
    EXPECT_EQ(line.reply, "joseph@example.com");
    EXPECT_EQ(line.who, "uid:0 root");
    EXPECT_EQ(line.recipient.message, MessageId{});
}

}  // namespace
}  // namespace siding::queue
