// The live waves: configuration, files and operators' members together, and mail that follows.
#include "net/task_group.hpp"
#include "relay/admission.hpp"
#include "relay/wave_follow.hpp"
#include "relay/wave_orders.hpp"
#include "relay/wave_tables.hpp"
#include "tests/relay/inbound_parts.hpp"
#include "tests/relay/relay_fixture.hpp"

#include <filesystem>
#include <fstream>

namespace siding::relay {
namespace {

class WavesTest : public RelayTest {
protected:
    WavesTest() { set_phase(Phase::hold, true); }

    std::string put(const char* name, const std::string& text) const {
        std::ofstream{directory_ / "next"} << text;
        std::filesystem::rename(directory_ / "next", directory_ / name);
        return (directory_ / name).string();
    }
    static config::Wave wave_of_file(const std::string& path) {
        config::Wave wave;
        wave.files.push_back({path, config::RecipientMapFormat::list, ""});
        return wave;
    }
    static config::Config config_with(std::map<std::string, config::Wave> waves) {
        config::Config config = make_config();
        config.domains.at(example()).waves = std::move(waves);
        return config;
    }
    void start(config::Config config) {
        for (const auto& [name, wave] : config.domains.at(example()).waves) {
            make_phase(name, wave.phase.value_or(Phase::hold));
        }
        live_ = std::make_unique<config::Live>(std::move(config));
        tables_ = make_tables();
        const auto loaded = tables_->load_first();
        ASSERT_TRUE(loaded) << loaded.error().message();
        orders_ = std::make_unique<WaveOrders>(*queue_, *live_, *tables_);
    }
    std::unique_ptr<WaveTables> make_tables() {
        return std::make_unique<WaveTables>(
            WaveTables::Parts{
                runtime_.blocking(),
                *live_,
                *queue_,
                metrics_,
                [this](const std::string& server, WallTime) { woken_.push_back(server); }},
            std::chrono::milliseconds{5}
        );
    }
    void make_phase(const std::string& wave, Phase phase) {
        queue::SetPhases phases;
        phases.moves.push_back({example(), wave, phase, true});
        commit(std::move(phases));
    }
    std::string wave_of(const std::string& address) const {
        return tables_->wave_of(example(), address);
    }
    WaveOrders::Addition addition(const std::string& wave, const std::vector<std::string>& who) {
        WaveOrders::Addition order{WaveName{example(), wave}};
        for (const std::string& text : who) {
            order.members.addresses.insert(parse_member(example(), text).value());
        }
        order.who = "ann";
        return order;
    }
    RecipientId hold(const std::string& address, const std::string& wave = "default") {
        return {accept({{address, {State::held, ""}, wave}}), 0};
    }

    std::vector<std::string> woken_;
    std::unique_ptr<config::Live> live_;
    std::unique_ptr<WaveTables> tables_;
    std::unique_ptr<WaveOrders> orders_;
};

TEST_F(WavesTest, FilesPatternsAndOperatorsAddUp) {
    config::Wave pilot = wave_of_file(put("pilot.txt", "bob@example.com\n"));
    pilot.patterns = {"sales-*"};
    start(config_with({{"pilot", pilot}}));
    auto order = addition("pilot", {"Sue", "joe@EXAMPLE.com"});
    order.members.patterns.insert("z*");
    const auto added = get(orders_->add(std::move(order)));
    ASSERT_TRUE(added) << added.error().message();
    EXPECT_FALSE(added->created);
    EXPECT_EQ(added->members, 3U);
    for (const char* address :
         {"bob@example.com",
          "sales-eu@example.com",
          "sue@example.com",
          "joe@example.com",
          "zoe@example.com"}) {
        EXPECT_EQ(wave_of(address), "pilot") << address;
    }
    EXPECT_EQ(wave_of("ann@example.com"), "default");
    // Again, they are there already.
    EXPECT_EQ(get(orders_->add(addition("pilot", {"sue"})))->members, 0U);
}

TEST_F(WavesTest, AnOperatorsWaveSurvivesARestart) {
    start(make_config());
    auto order = addition("second", {"sue"});
    order.phase = Phase::pass_new;
    const auto added = get(orders_->add(std::move(order)));
    ASSERT_TRUE(added) << added.error().message();
    EXPECT_TRUE(added->created);
    EXPECT_EQ(queue_->phases()->find(example(), "second"), Phase::pass_new);
    tables_ = make_tables();
    ASSERT_TRUE(tables_->load_first());
    EXPECT_EQ(wave_of("sue+x@example.com"), "second");
}

TEST_F(WavesTest, ANewWaveBeginsWhereDefaultIs) {
    start(make_config());
    set_phase(Phase::pass_old);
    EXPECT_EQ(get(orders_->add(addition("second", {"sue"})))->phase, Phase::pass_old);
}

TEST_F(WavesTest, OrdersThatCannotBeAreRefused) {
    start(config_with({{"pilot", wave_of_file(put("pilot.txt", "bob@example.com\n"))}}));
    const auto code = [&](WaveOrders::Addition order) {
        const auto added = get(orders_->add(std::move(order)));
        return added ? Errc{} : static_cast<Errc>(added.error().code.value());
    };
    EXPECT_EQ(code(addition("default", {"sue"})), Errc::invalid_argument);
    EXPECT_EQ(code(addition("Pilot", {"sue"})), Errc::invalid_argument);
    auto moved = addition("pilot", {});
    moved.phase = Phase::pass_new;
    EXPECT_EQ(code(std::move(moved)), Errc::conflict);
    auto to_old = addition("other", {});
    to_old.phase = Phase::pass_old;  // no such server here
    EXPECT_EQ(code(std::move(to_old)), Errc::invalid_argument);
    WaveOrders::Addition foreign{WaveName{Domain::parse("example.org").value(), "a"}};
    EXPECT_EQ(code(std::move(foreign)), Errc::not_found);
    EXPECT_TRUE(parse_member(example(), "joe@example.org").has_error());
    EXPECT_TRUE(parse_pattern("a@b").has_error());
    EXPECT_TRUE(get(orders_->remove(WaveName{example(), "pilot"}, "ann")).has_error());
    EXPECT_TRUE(get(orders_->remove(WaveName{example(), "nobody"}, "ann")).has_error());
}

TEST_F(WavesTest, QueuedMailFollowsIntoTheWaveAndOutOfIt) {
    start(make_config());
    const RecipientId sue = hold("Sue@example.com");
    const RecipientId bob = hold("bob@example.com");
    ASSERT_TRUE(get(orders_->add(addition("second", {"sue"}))));
    const auto moved = get(tables_->follow(example()));
    ASSERT_TRUE(moved) << moved.error().message();
    EXPECT_EQ(*moved, 1U);
    EXPECT_EQ(row(sue).wave, "second");
    EXPECT_EQ(row(bob).wave, "default");
    EXPECT_EQ(row(sue).state, State::held);
    EXPECT_EQ(get(tables_->follow(example())).value(), 0U);
    // The wave goes, its mail stays.
    const auto removed = get(orders_->remove(WaveName{example(), "second"}, "ann"));
    ASSERT_TRUE(removed) << removed.error().message();
    EXPECT_EQ(*removed, 1U);
    EXPECT_EQ(row(sue).wave, "default");
    EXPECT_FALSE(queue_->phases()->find(example(), "second"));
    EXPECT_EQ(wave_of("sue@example.com"), "default");
}

TEST_F(WavesTest, DueMailGoesToTheLaneOfItsNewWave) {
    config::Config config = make_config();
    config.servers["old"] = {};
    start(std::move(config));
    set_phase(Phase::pass_old);
    const RecipientId sue{accept({{"sue@example.com", {State::due, "old"}}}), 0};
    auto order = addition("second", {"sue"});
    order.phase = Phase::pass_new;
    ASSERT_TRUE(get(orders_->add(std::move(order))));
    EXPECT_EQ(get(tables_->follow(example())).value(), 1U);
    EXPECT_EQ(row(sue).lane, "new");
    EXPECT_EQ(row(sue).state, State::due);
    EXPECT_EQ(woken_, std::vector<std::string>{"new"});
}

TEST_F(WavesTest, ARewrittenRecipientStaysWhereItsOldNameIs) {
    start(make_config());
    const MessageId id = queue_->next_id();
    auto mail = test::make_message(id, "a@b.example", {{"new@example.com", {}}}, "hi\r\n");
    mail.envelope.recipients[0].original = "info@example.com";
    commit(std::move(mail));
    ASSERT_TRUE(get(orders_->add(addition("first", {"info"}))));
    ASSERT_TRUE(get(orders_->add(addition("second", {"new"}))));
    ASSERT_TRUE(get(tables_->follow(example())));
    EXPECT_EQ(row({id, 0}).wave, "first");
}

TEST_F(WavesTest, TheWatchFollowsFilesAndMail) {
    start(config_with({{"pilot", wave_of_file(put("pilot.txt", "bob@example.com\n"))}}));
    const RecipientId sue = hold("sue@example.com");
    net::TaskGroup tasks{loop_.executor(), "test", 4};
    ASSERT_TRUE(tasks.spawn(tables_->watch()));
    put("pilot.txt", "bob@example.com\nsue@example.com\n");
    run_until([&] { return row(sue).wave == "pilot"; });
    std::filesystem::remove(directory_ / "pilot.txt");
    run_until([&] { return wave_of("sue@example.com") == "pilot"; });  // the last good content
    tasks.cancel();
    loop_.run(tasks.join());
}

TEST_F(WavesTest, AFileThatIsMissingAtTheStartIsAnError) {
    live_ = std::make_unique<config::Live>(
        config_with({{"pilot", wave_of_file((directory_ / "none.txt").string())}})
    );
    tables_ = make_tables();
    EXPECT_TRUE(tables_->load_first().has_error());
}

TEST_F(WavesTest, AReloadToAFileThatIsMissingLeavesTheLastOne) {
    start(config_with({{"pilot", wave_of_file(put("pilot.txt", "bob@example.com\n"))}}));
    live_->apply(config_with({{"pilot", wave_of_file((directory_ / "none.txt").string())}}));
    loop_.run(tables_->refresh());
    EXPECT_EQ(wave_of("bob@example.com"), "pilot");
}

TEST_F(WavesTest, AReloadBringsAndTakesWaves) {
    start(make_config());
    const RecipientId sue = hold("sue@example.com");
    config::Wave wave;
    wave.patterns = {"s*"};
    make_phase("late", Phase::hold);
    live_->apply(config_with({{"late", wave}}));
    loop_.run(tables_->refresh());
    EXPECT_EQ(wave_of("sue@example.com"), "late");
    ASSERT_TRUE(get(tables_->follow(example())));
    EXPECT_EQ(row(sue).wave, "late");
    live_->apply(make_config());
    loop_.run(tables_->refresh());
    ASSERT_TRUE(get(tables_->follow(example())));
    EXPECT_EQ(row(sue).wave, "default");
    // What the configuration has forgotten an operator can take away.
    EXPECT_TRUE(get(orders_->remove(WaveName{example(), "late"}, "ann")));
}

TEST_F(WavesTest, MembersComeOutOneByOneAndAreCopiedElsewhere) {
    config::Config config = make_config();
    config.domains.emplace(Domain::parse("example.org").value(), config::DomainSettings{});
    start(std::move(config));
    ASSERT_TRUE(get(orders_->add(addition("second", {"sue", "joe"}))));
    const WaveName second{example(), "second"};
    const auto copied = orders_->copy_members(second, Domain::parse("example.org").value());
    ASSERT_TRUE(copied);
    EXPECT_EQ(
        copied->addresses,
        (std::set<std::string, std::less<>>{"joe@example.org", "sue@example.org"})
    );
    WaveMembers gone;
    gone.addresses = {"sue@example.com", "nobody@example.com"};
    EXPECT_EQ(get(orders_->take_out(second, gone)).value(), 1U);
    EXPECT_EQ(wave_of("sue@example.com"), "default");
    EXPECT_EQ(wave_of("joe@example.com"), "second");
}

TEST_F(WavesTest, AdmissionAsksForTheWave) {
    config::Wave wave;
    wave.patterns = {"s*"};
    wave.phase = Phase::retired;
    config::Wave pilot;
    pilot.patterns = {"p*"};
    start(config_with({{"gone", wave}, {"pilot", pilot}}));
    test::InboundParts parts{*queue_, runtime_, loop_, metrics_, make_config()};
    RecipientDirectory directory{*live_, parts.tables, parts.verifier, tables_.get()};
    const auto answer = [&](const Admission& admission, const std::string& text) {
        const auto parsed = smtp::parse_forward_path(text);
        const auto answered = get(admission.check_rcpt(parsed->path, directory));
        if (const auto* admitted = std::get_if<Admitted>(&answered)) {
            return admitted->wave;
        }
        return std::get<Refused>(answered).reply.text().substr(0, 9);
    };
    const Admission now{live_->get(), queue_->phases()};
    EXPECT_EQ(answer(now, "<joe@example.com>"), "default");
    EXPECT_EQ(answer(now, "<Paul+x@example.com>"), "pilot");
    EXPECT_EQ(answer(now, "<sue@example.com>"), "550 5.1.2");
    EXPECT_EQ(answer(now, "<postmaster>"), "default");
    // A wave that is younger than the transaction is none to it.
    queue::PhaseTable before;
    before.phases[{"example.com", "default"}] = Phase::hold;
    const Admission old{live_->get(), std::make_shared<const queue::PhaseTable>(before)};
    EXPECT_EQ(answer(old, "<sue@example.com>"), "default");
}

}  // namespace
}  // namespace siding::relay
