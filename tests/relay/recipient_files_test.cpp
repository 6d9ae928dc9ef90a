// What the formats take and what they refuse, one row each.
#include "relay/recipient_file.hpp"
#include "relay/recipient_import.hpp"

#include <gtest/gtest.h>

#include <fmt/format.h>
#include <string>
#include <vector>

namespace siding::relay {
namespace {

enum class Format { list, postfix, aliases, csv };

Result<RecipientSet> read(Format format, const std::string& text, const std::string& column = {}) {
    switch (format) {
    case Format::list:
        return parse_recipient_list(text);
    case Format::postfix:
        return import_postfix_map(text);
    case Format::aliases:
        return import_aliases(text);
    case Format::csv:
        return import_csv(text, column);
    }
    return Error{Errc::internal, "format"};
}

struct Good {
    const char* why;
    Format format;
    std::string text;
    std::vector<std::string> keys;
    std::string column = {};
};

const std::vector<Good>& good_files() {
    using enum Format;
    static const std::vector<Good> rows{
        {"plain",
         list,
         "joe@example.com\nann@example.com\n",
         {"joe@example.com", "ann@example.com"}},
        {"no line end at the end", list, "joe@example.com", {"joe@example.com"}},
        {"CRLF and a byte order mark",
         list,
         "\xEF\xBB\xBFJoe@Example.COM\r\n",
         {"joe@example.com"}},
        {"comments, blanks, white space",
         list,
         "# all of us\n\n  # in\n \t joe@example.com \t# Joe\n",
         {"joe@example.com"}},
        {"a whole domain", list, "@Example.com.\n", {"@example.com"}},
        {"twice is once", list, "joe@example.com\nJOE@example.com\n", {"joe@example.com"}},
        {"UTF-8 on both sides",
         list,
         "j\xC3\xB6@b\xC3\xBC.example\n",
         {"j\xC3\xB6@xn--b-eha.example"}},
        {"quotes that mean nothing", list, "\"joe\"@example.com\n", {"joe@example.com"}},
        {"quotes that hide a space and an @",
         list,
         "\"joe @ \\\"home\"@example.com\n",
         {"joe @ \"home@example.com"}},
        {"atext, dots anywhere", list, "o'neil+x.@example.com\n", {"o'neil+x.@example.com"}},
        {"address, name and domain on the left",
         postfix,
         "joe@example.com joe.new@x.example, ann@x.example\nann\tann@x\n@example.org joe\n",
         {"joe@example.com", "ann@", "@example.org"}},
        {"lines that go on, past comments",
         postfix,
         "joe@example.com a@x,\n# not the end\n\n   b@x\r\nann@example.com OK\n",
         {"joe@example.com", "ann@example.com"}},
        {"relay_recipients with nothing on the right",
         postfix,
         "joe@example.com\n",
         {"joe@example.com"}},
        {"a quoted left side", postfix, "\"j s\"@example.com x\n", {"j s@example.com"}},
        {"aliases",
         aliases,
         "# (5)\npostmaster: root\nroot : ann,\n\tbob@example.org\nList: :include:/x/y\n"
         "\"the boss: me\": \"|/usr/bin/cmd: x\"\n",
         {"postmaster@", "root@", "list@", "the boss: me@"}},
        {"by name, ignoring case",
         csv,
         "Name,E-Mail\r\n\"Doe, Joe\",joe@example.com\r\nAnn,\"ANN@example.com\"\r\n",
         {"joe@example.com", "ann@example.com"},
         "e-mail"},
        {"by number, with a heading",
         csv,
         "Name,Mail\nJoe,joe@example.com\n",
         {"joe@example.com"},
         "2"},
        {"by number, without one", csv, "joe@example.com,Joe\n", {"joe@example.com"}, "1"},
        {"quotes, line ends and separators inside fields",
         csv,
         "name,mail\n\"a \"\"b\"\",\n\nc\",joe@example.com\n",
         {"joe@example.com"},
         "mail"},
        {"fields without an address",
         csv,
         "mail,x\n,1\nann@example.com,2\n",
         {"ann@example.com"},
         "mail"},
        {"semicolons", csv, "name;mail\r\nJoe, the;joe@example.com", {"joe@example.com"}, "mail"},
    };
    return rows;
}

TEST(RecipientFiles, TakesWhatPeopleHave) {
    for (const Good& row : good_files()) {
        SCOPED_TRACE(row.why);
        const auto set = read(row.format, row.text, row.column);
        ASSERT_TRUE(set) << set.error().message();
        EXPECT_EQ(set->size(), row.keys.size());
        for (const std::string& key : row.keys) {
            EXPECT_TRUE(set->contains(key)) << key;
        }
    }
}

struct Bad {
    const char* why;
    Format format;
    std::string text;
    std::string says;
    std::string column = {};
};

const std::vector<Bad>& bad_files() {
    using enum Format;
    static const std::vector<Bad> rows{
        {"no address", list, "joe@example.com\n\nnobody\n", "line 3: 'nobody' is not an address"},
        {"nothing at all", list, "", "holds no address"},
        {"comments only", list, "# later\n", "holds no address"},
        {"two on a line", list, "a@example.com b@example.com\n", "line 1: more than one"},
        {"a name in front", list, "Joe <joe@example.com>\n", "line 1: 'Joe'"},
        {"no domain", list, "joe@\n", "line 1: '' is not a domain"},
        {"an address literal", list, "joe@[192.0.2.1]\n", "line 1: '[192.0.2.1]' is not a domain"},
        {"an empty local part", list, "\"\"@example.com\n", "line 1"},
        {"an open quote", list, "\"joe@example.com\n", "line 1"},
        {"a control octet", list, std::string{"jo\0e@example.com\n", 17}, "'jo\\x00e@example.com'"},
        {"a control octet behind a backslash", list, "\"a\\\x01\"@example.com\n", "line 1"},
        {"no UTF-8", list, "j\xF6@example.com\n", "line 1"},
        {"two @", list, "a@b@example.com\n", "line 1"},
        {"a very long line", list, std::string(2000, 'x') + "@example.com\n", "line 1"},
        {"UTF-16", list, std::string{"\xFF\xFEj\0@\0", 6}, "line 1"},
        {"a pattern", postfix, "/^joe@/ x\n", "line 1"},
        {"goes on with nothing", postfix, "  joe@example.com x\n", "line 1: white space in front"},
        {"no colon", aliases, "root ann\n", "line 1: no ':'"},
        {"no such column", csv, "name,mail\nx,a@example.com\n", "no column 'e-mail'", "e-mail"},
        {"a short row",
         csv,
         "name,mail\nx\n",
         "line 2: 1 fields; the address is in field 2",
         "mail"},
        {"a word", csv, "mail\na@example.com\nb\n", "line 3: 'b' is not an address", "mail"},
        {"an open quote",
         csv,
         "mail\n\"a@example.com\n\n",
         "line 2: a quote that does not",
         "mail"},
        {"text behind a quote", csv, "mail\n\"a\"b\n", "line 2: text behind", "mail"},
        {"a stray quote", csv, "mail\na\"b\n", "line 2: a quote inside", "mail"},
        {"the column is not the one", csv, "x,y\nJoe,a@example.com\n", "line 2: 'Joe'", "1"},
    };
    return rows;
}

TEST(RecipientFiles, RefusesTheWholeFileForOneBadLine) {
    for (const Bad& row : bad_files()) {
        SCOPED_TRACE(row.why);
        const auto set = read(row.format, row.text, row.column);
        ASSERT_TRUE(set.has_error());
        EXPECT_TRUE(set.error().is(Errc::invalid_argument));
        EXPECT_NE(set.error().context.find(row.says), std::string::npos) << set.error().context;
    }
}

TEST(RecipientFiles, NamesFiveBadLinesAndCountsTheRest) {
    const auto set = parse_recipient_list("a\nb\nc\nd\ne\nf\ng\n");
    ASSERT_TRUE(set.has_error());
    const std::string& context = set.error().context;
    EXPECT_NE(context.find("line 5: "), std::string::npos) << context;
    EXPECT_EQ(context.find("line 6: "), std::string::npos) << context;
    EXPECT_NE(context.find("and 2 more bad lines"), std::string::npos) << context;
}

TEST(RecipientFiles, CountsByDomain) {
    const auto set = import_postfix_map("a@x.example x\nb@y.example x\nc@x.example x\nroot x\n");
    ASSERT_TRUE(set);
    EXPECT_EQ(set->sizes().at("x.example"), 2U);
    EXPECT_EQ(set->sizes().at("y.example"), 1U);
    EXPECT_EQ(set->sizes().at(""), 1U);
}

TEST(RecipientFiles, KeepsManyApart) {
    std::string text;
    for (int i = 0; i < 50'000; ++i) {
        text += fmt::format("User{}@example.com\n", i);
    }
    const auto set = parse_recipient_list(text);
    ASSERT_TRUE(set);
    ASSERT_EQ(set->size(), 50'000U);
    for (int i = 0; i < 50'000; ++i) {
        ASSERT_TRUE(set->contains(fmt::format("user{}@example.com", i)));
        ASSERT_FALSE(set->contains(fmt::format("user{}@example.org", i)));
    }
    EXPECT_LT(set->memory_octets() / set->size(), 50U);
}

}  // namespace
}  // namespace siding::relay
