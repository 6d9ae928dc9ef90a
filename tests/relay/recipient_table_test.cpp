// Who is known and how addresses are rewritten.
#include "relay/recipient_table.hpp"

#include <gtest/gtest.h>

#include <fmt/format.h>
#include <string>
#include <vector>

namespace siding::relay {
namespace {

using Answer = RecipientTable::Answer;
using Paths = std::vector<std::string>;

Address address(const std::string& text) {
    return Address::parse(text).value();
}

std::shared_ptr<const RecipientSet> make_set(const std::vector<std::string>& keys) {
    RecipientSet set;
    for (const std::string& key : keys) {
        set.add(key);
    }
    return std::make_shared<const RecipientSet>(std::move(set));
}

std::shared_ptr<const RewriteMap> make_map(const std::string& text) {
    auto map = RewriteMap::parse(text);
    EXPECT_TRUE(map) << map.error().message();
    return std::make_shared<const RewriteMap>(std::move(map).value());
}

RecipientTable make_table() {
    RecipientTable::Domains domains;
    domains["example.com"].recipients = {
        make_set({"joe@example.com", "ann+lists@example.com", "bob@other.example", "root@"}),
        make_set({"second@example.com", "j s@example.com"})};
    domains["example.com"].rewrite =
        make_map("moved@example.com joe@example.com\n@example.com @new.example\n");
    domains["new.example"].recipients = {make_set({"only.new@new.example"})};
    domains["all.example"].recipients = {make_set({"@all.example"})};
    domains["onto.example"].recipients = {make_set({"x@onto.example"})};
    domains["onto.example"].rewrite = make_map("@onto.example joe@example.com");
    domains["any.example"].rewrite = make_map("old@any.example new@any.example");
    domains["late.example"].recipients = {make_set({"here@late.example"})};
    domains["late.example"].complete = false;
    return RecipientTable{std::move(domains)};
}

TEST(RecipientTable, NamesWhatIsWrittenInAFile) {
    const RecipientTable table = make_table();
    for (const char* named :
         {"joe@example.com",
          "ann+lists@example.com",
          "root@example.com",
          "moved@example.com",
          "old@any.example"}) {
        EXPECT_TRUE(table.names(address(named))) << named;
    }
    for (const char* other :
         {"joe+a%b@example.com", "x%y@all.example", "x@onto.example.com", "x%y@onto.example"}) {
        EXPECT_FALSE(table.names(address(other))) << other;
    }
}

TEST(RecipientTable, Finds) {
    const RecipientTable table = make_table();
    struct Row {
        const char* address;
        Answer answer;
        const char* delimiter = "+";
    };
    const std::vector<Row> rows{
        {"joe@example.com", Answer::known},
        {"JOE@EXAMPLE.com", Answer::known},
        {"\"joe\"@example.com", Answer::known},
        {"\"j s\"@example.com", Answer::known},
        {"joe+tag@example.com", Answer::known},
        {"joe+@example.com", Answer::known},
        {"joe+tag@example.com", Answer::unknown, ""},
        {"joe-tag@example.com", Answer::known, "-"},
        {"+joe@example.com", Answer::unknown},
        {"ann@example.com", Answer::unknown},  // the file names only a tagged form
        {"ann+lists@example.com", Answer::known},
        {"ann+other@example.com", Answer::unknown},
        {"second@example.com", Answer::known},
        {"root@example.com", Answer::known},  // a name without a domain
        {"root+x@example.com", Answer::known},
        {"bob@example.com", Answer::unknown},
        {"\"bob@other.example\"@example.com", Answer::unknown},  // not a way around the files
        {"\"joe@example.com\"@example.com", Answer::unknown},
        {"moved@example.com", Answer::known},  // by its rule
        {"moved+x@example.com", Answer::known},
        {"only.new@example.com", Answer::known},  // by @example.com @new.example
        {"nobody@example.com", Answer::unknown},
        {"joe@new.example", Answer::unknown},  // no rule leads here
        {"anybody@all.example", Answer::known},
        {"anybody@onto.example", Answer::known},
        {"anybody@any.example", Answer::no_files},
        {"old@any.example", Answer::known},
        {"here@late.example", Answer::known},
        {"there@late.example", Answer::no_files},
        {"joe@elsewhere.example", Answer::no_files},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(table.find(address(row.address), row.delimiter), row.answer) << row.address;
    }
}

const char* const rules = R"(
# comments
joe@example.com      Joe.New@example.org
many@example.com     a@x.example, b@y.example,
   # still the same rule
   A@x.example  c@z.example
tag@example.com      plain@example.org
tag+own@example.com  own@example.org
"j s"@example.com    "j t"@example.org
@example.com         @example.net
@two.example         @a.example @b.example
@onto.example        boss@example.org
root                 ops@example.org
self@example.com     self@example.com, copy@example.org
chain@example.com    joe@example.com
idn@example.com      idn@b)"
                          "\xC3\xBC.example\n";

TEST(RecipientTable, Rewrites) {
    RecipientTable::Domains domains;
    const auto map = make_map(rules);
    for (const char* domain : {"example.com", "two.example", "onto.example"}) {
        domains[domain].rewrite = map;
    }
    domains["none.example"] = {};
    const RecipientTable table{std::move(domains)};
    struct Row {
        const char* address;
        Paths paths;
        const char* delimiter = "+";
    };
    const std::vector<Row> rows{
        {"joe@example.com", {"Joe.New@example.org"}},
        {"JOE@example.com", {"Joe.New@example.org"}},
        {"joe+X-tag@example.com", {"Joe.New+X-tag@example.org"}},
        {"joe+a+b@example.com", {"Joe.New+a+b@example.org"}},
        {"\"joe+a b\"@example.com", {"\"Joe.New+a b\"@example.org"}},
        {"many@example.com", {"a@x.example", "b@y.example", "c@z.example"}},
        {"many+t@example.com", {"a+t@x.example", "b+t@y.example", "c+t@z.example"}},
        {"tag+own@example.com", {"own@example.org"}},
        {"tag+else@example.com", {"plain+else@example.org"}},
        {"\"j s\"@example.com", {"\"j t\"@example.org"}},
        {"\"j s+x\"@example.com", {"\"j t+x\"@example.org"}},
        {"Other+Tag@example.com", {"Other+Tag@example.net"}},
        {"\"o t\"@example.com", {"\"o t\"@example.net"}},
        {"\"\"@example.com", {"\"\"@example.net"}},
        {"x@two.example", {"x@a.example", "x@b.example"}},
        {"x+y@onto.example", {"boss@example.org"}},
        {"root@two.example", {"ops@example.org"}},  // a name beats the whole domain
        {"self@example.com", {"self@example.com", "copy@example.org"}},
        {"chain@example.com", {"joe@example.com"}},  // one pass
        {"idn@example.com", {"idn@xn--b-eha.example"}},
        {"joe+x@example.com", {"joe+x@example.net"}, ""},
        {"joe@none.example", {}},
        {"joe@elsewhere.example", {}},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(table.rewrite(address(row.address), row.delimiter), row.paths) << row.address;
    }
}

TEST(RewriteMap, RefusesByLine) {
    std::string many = "joe@example.com";
    for (int i = 0; i < 1001; ++i) {
        many += fmt::format(" t{}@example.org", i);
    }
    struct Row {
        std::string text;
        const char* says;
    };
    const std::vector<Row> rows{
        {"joe@example.com\n", "line 1: 0 new addresses"},
        {"joe@example.com , ,\n", "line 1: 0 new addresses"},
        {"\njoe@example.com nobody\n", "line 2: 'nobody' is not an address"},
        {"joe@example.com a@x.example |cmd\n", "line 1: '|cmd'"},
        {"joe@example.com @example.org\n", "line 1: '@example.org' stands for one address"},
        {"joe@example.com a@x.example\nJOE@example.com b@x.example\n",
         "line 2: 'joe@example.com' has"},
        {"  a@x.example b@x.example\n", "line 1: white space"},
        {"joe@ a@x.example\n", "line 1: '' is not a domain"},
        {many, "line 1: 1001 new addresses; a rule has 1 to 1000"},
    };
    for (const Row& row : rows) {
        const auto map = RewriteMap::parse(row.text);
        ASSERT_TRUE(map.has_error()) << row.text;
        EXPECT_NE(map.error().context.find(row.says), std::string::npos) << map.error().context;
    }
    EXPECT_EQ(RewriteMap::parse("# nothing yet\n").value().size(), 0U);
}

}  // namespace
}  // namespace siding::relay
