#include "relay/remap_table.hpp"

#include "tests/relay/relay_fixture.hpp"

namespace siding::relay {
namespace {

class RemapTableTest : public RelayTest {
protected:
    static Address address(const std::string& text) { return Address::parse(text).value(); }

    Result<void> add(const std::string& from, const std::string& to) {
        return get(table_.add(address(from), address(to), "uid:1000 ann"));
    }

    config::Live config_{make_config()};
    RemapTable table_{*queue_, config_};
};

TEST_F(RemapTableTest, FindsWhatWasAdded) {
    EXPECT_EQ(table_.find("joe@example.com"), std::nullopt);
    ASSERT_TRUE(add("Joe@Example.COM", "Joe.New@new.example"));
    EXPECT_EQ(table_.find("joe@example.com"), "Joe.New@new.example");
    EXPECT_EQ(table_.find("JOE@example.com"), "Joe.New@new.example");
    EXPECT_EQ(table_.find("joe@example.org"), std::nullopt);
    EXPECT_EQ(table_.find("joes@example.com"), std::nullopt);
    EXPECT_EQ(table_.find("postmaster"), std::nullopt);
    EXPECT_EQ(table_.list(), (std::vector<Remap>{{"joe@example.com", "Joe.New@new.example"}}));
}

TEST_F(RemapTableTest, CarriesTheTagAlong) {
    ASSERT_TRUE(add("joe@example.com", "joe.new@example.com"));
    EXPECT_EQ(table_.find("Joe+News@example.com"), "joe.new+News@example.com");
    ASSERT_TRUE(add("joe+news@example.com", "archive@example.com"));
    EXPECT_EQ(table_.find("joe+news@example.com"), "archive@example.com");
}

TEST_F(RemapTableTest, IsOnePass) {
    ASSERT_TRUE(add("a@example.com", "b@example.com"));
    ASSERT_TRUE(add("b@example.com", "c@example.com"));
    EXPECT_EQ(table_.find("a@example.com"), "b@example.com");
}

TEST_F(RemapTableTest, SurvivesARestart) {
    ASSERT_TRUE(add("joe@example.com", "old@example.com"));
    ASSERT_TRUE(add("joe@example.com", "new@example.com"));
    ASSERT_TRUE(add("sue@example.com", "new@example.com"));
    ASSERT_TRUE(get(table_.remove(address("Sue@example.com"), "uid:1000 ann")));
    queue_.reset();
    open();
    RemapTable again{*queue_, config_};
    ASSERT_TRUE(again.load());
    EXPECT_EQ(again.list(), (std::vector<Remap>{{"joe@example.com", "new@example.com"}}));
}

TEST_F(RemapTableTest, LeavesLinesInTheLedger) {
    ASSERT_TRUE(add("joe@example.com", "new@example.com"));
    ASSERT_TRUE(get(table_.remove(address("joe@example.com"), "uid:1000 ann")));
    std::vector<std::string> lines;
    for (const auto& line : queue_->store().read_ledger(1, 100).value()) {
        if (line.kind == LedgerKind::remapped) {
            lines.push_back(line.address + " > " + line.reply + " by " + line.who);
        }
    }
    EXPECT_EQ(
        lines,
        (std::vector<std::string>{
            "joe@example.com > new@example.com by uid:1000 ann",
            "joe@example.com >  by uid:1000 ann"})
    );
}

TEST_F(RemapTableTest, RefusesWhatNoServerCouldBeTold) {
    EXPECT_TRUE(add("joe@example.com", "JOE@example.com").error().is(Errc::invalid_argument));
    EXPECT_TRUE(add("joe@example.com", "a b@example.com").error().is(Errc::invalid_argument));
    EXPECT_TRUE(add("joe@example.com", "a>b@example.com").error().is(Errc::invalid_argument));
    const std::string longest(2000, 'x');
    EXPECT_TRUE(add("joe@example.com", longest + "@a.example").error().is(Errc::invalid_argument));
    EXPECT_TRUE(table_.list().empty());
    EXPECT_TRUE(get(table_.remove(address("joe@example.com"), "ann")).error().is(Errc::not_found));
}

}  // namespace
}  // namespace siding::relay
