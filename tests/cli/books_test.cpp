#include "cli/books.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

namespace siding::cli {
namespace {

std::string books(std::string_view counts) {
    return format_books(boost::json::parse(counts).as_object());
}

TEST(Books, show_who_is_where) {
    EXPECT_EQ(books(R"({"held":2,"delivered":3})"), "accepted 5 = held 2 + delivered 3");
    EXPECT_EQ(books(R"({"accepted":0})"), "accepted 0 = 0");
    EXPECT_EQ(
        books(R"({"accepted":6,"held":2,"delivered":3})"), "accepted 6 ≠ held 2 + delivered 3"
    );
}

TEST(Books, what_was_replayed_is_delivered_twice) {
    EXPECT_EQ(
        books(R"({"accepted":2,"replayed":1,"delivered":3})"),
        "accepted 2 + replayed 1 = delivered 3"
    );
    EXPECT_EQ(books(R"({"replayed":1,"delivered":3})"), "accepted 2 + replayed 1 = delivered 3");
}

}  // namespace
}  // namespace siding::cli
