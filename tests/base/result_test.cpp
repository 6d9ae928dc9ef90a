#include "base/result.hpp"

#include <gtest/gtest.h>

namespace siding {
namespace {

Result<int> half(int number) {
    if (number % 2 != 0) {
        return Error{Errc::invalid_argument, "odd"};
    }
    return number / 2;
}

Result<int> quarter(int number) {
    SIDING_ASSIGN(const int once, half(number));
    SIDING_ASSIGN(const int twice, half(once));
    return twice;
}

Result<void> must_be_even(int number) {
    SIDING_TRY(half(number));
    return {};
}

TEST(Result, MacrosGiveErrorsBack) {
    EXPECT_EQ(quarter(8).value(), 2);
    EXPECT_TRUE(quarter(6).error().is(Errc::invalid_argument));
    EXPECT_TRUE(must_be_even(2).has_value());
    EXPECT_EQ(with_context(must_be_even(3).error(), "sum").message(), "sum: odd");
}

TEST(ResultDeathTest, ValueOfAnErrorIsOurBug) {
    EXPECT_DEATH((void)half(1).value(), "value\\(\\) of an error.*odd");
}

}  // namespace
}  // namespace siding
