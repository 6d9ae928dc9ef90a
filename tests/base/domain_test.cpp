#include "base/domain.hpp"

#include "base/address.hpp"

#include <gtest/gtest.h>

namespace siding {
namespace {

TEST(Domain, NormalisesCaseAndTrailingDot) {
    EXPECT_EQ(Domain::parse("Example.COM.").value().text(), "example.com");
    EXPECT_EQ(Domain::parse("xn--bcher-kva.example").value().text(), "xn--bcher-kva.example");
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
             std::string{"b\xc3\xbc"
                         "cher.example"},
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
