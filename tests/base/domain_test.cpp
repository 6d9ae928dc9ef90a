#include "base/domain.hpp"

#include "base/address.hpp"

#include <gtest/gtest.h>

namespace siding {
namespace {

TEST(Domain, NormalisesCaseAndTrailingDot) {
    EXPECT_EQ(Domain::parse("Example.COM.").value().text(), "example.com");
    EXPECT_EQ(Domain::parse("xn--bcher-kva.example").value().text(), "xn--bcher-kva.example");
}

TEST(Domain, IsTheSameInBothForms) {
    for (const char* text : {"bücher.example", "BÜCHER.example.", "bu\u0308cher．example"}) {
        const auto domain = Domain::parse(text);
        ASSERT_TRUE(domain) << text;
        EXPECT_EQ(domain->text(), "xn--bcher-kva.example") << text;
    }
    EXPECT_EQ(Domain::parse("straße.example").value().text(), "xn--strae-oqa.example");
    const Address address = Address::parse("Jörg@Bücher.example").value();
    EXPECT_EQ(address.text(), "Jörg@Bücher.example");
    EXPECT_EQ(address.key(), "jörg@xn--bcher-kva.example");
}

TEST(Domain, RefusesWhatDnsCannotHold) {
    const std::string label64(64, 'a');
    for (const std::string& text : {
             std::string{},
             std::string{"."},
             std::string{"a..b"},
             std::string{".a"},
             std::string{"-a.example"},
             std::string{"a b.example"},
             std::string{"b\xfc"
                         "cher.example"},
             std::string{"☃.example"},
             std::string{"a/ü.example"},
             std::string{"℀.example"},  // mapped to a/c
             std::string{"ü\0.example", 11},
             std::string(2000, '\xc3'),
             label64 + ".example",
         }) {
        EXPECT_FALSE(Domain::parse(text)) << text;
    }
}

TEST(Address, KeepsTheTextAndComparesByKey) {
    const Address address = Address::parse("Joe.User+tag@Example.COM").value();
    EXPECT_EQ(address.text(), "Joe.User+tag@Example.COM");
    EXPECT_EQ(address.local_part(), "Joe.User+tag");
    EXPECT_EQ(address.domain().text(), "example.com");
    EXPECT_EQ(address.key(), "joe.user+tag@example.com");
    EXPECT_EQ(Address::parse("\"a@b\"@example.com").value().local_part(), "\"a@b\"");
    for (const char* text : {"", "joe", "@example.com", "joe@", "joe@[192.0.2.1]"}) {
        EXPECT_FALSE(Address::parse(text)) << text;
    }
}

}  // namespace
}  // namespace siding
