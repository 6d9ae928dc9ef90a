#include "backfill/secret.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

namespace siding::backfill {
namespace {

using Kind = Secret::Kind;

class SecretFile : public testing::Test {
protected:
    SecretFile() { std::filesystem::create_directories(directory_); }
    ~SecretFile() override {
        std::error_code ignored;
        std::filesystem::remove_all(directory_, ignored);
    }

    Secret file(const std::string& text) {
        std::ofstream{directory_ / "secret", std::ios::binary} << text;
        return {Kind::file, (directory_ / "secret").string()};
    }

    std::filesystem::path directory_ =
        std::filesystem::path{testing::TempDir()} / ("secret-" + std::to_string(getpid()));
};

TEST_F(SecretFile, ItsFirstLineIsTheSecret) {
    EXPECT_EQ(*file("hunter2").read(), "hunter2");
    EXPECT_EQ(*file("hunter2\n").read(), "hunter2");
    EXPECT_EQ(*file(" hunter 2 \r\nsecond\n").read(), " hunter 2 ");
    EXPECT_EQ(file(std::string(9000, 'a') + "\n").read()->size(), 9000U);
    EXPECT_TRUE(file("").read().error().is(Errc::invalid_argument));
    EXPECT_TRUE(file("\nhunter2").read().error().is(Errc::invalid_argument));
    EXPECT_TRUE(file(std::string{"hunter2\0x", 9}).read().error().is(Errc::invalid_argument));
    EXPECT_TRUE(file(std::string(100'000, 'a')).read().error().is(Errc::limit_exceeded));
    EXPECT_TRUE((Secret{Kind::file, "/none/such"}).read().error().is(Errc::not_found));
    EXPECT_TRUE((Secret{Kind::file, "/"}).read().error().is(Errc::unavailable));
}

TEST_F(SecretFile, ACredentialStandsInTheDirectoryOfSystemd) {
    file("hunter2\n");
    const Secret secret{Kind::credential, "secret"};
    setenv("CREDENTIALS_DIRECTORY", directory_.c_str(), 1);
    EXPECT_EQ(*secret.read(), "hunter2");
    unsetenv("CREDENTIALS_DIRECTORY");
    EXPECT_TRUE(secret.read().error().is(Errc::not_found));
}

TEST(Secret, MayStandInTheEnvironment) {
    const Secret secret{Kind::environment, "SIDING_TEST_SECRET"};
    EXPECT_TRUE(secret.read().error().is(Errc::not_found));
    setenv("SIDING_TEST_SECRET", "hunter2", 1);
    EXPECT_EQ(*secret.read(), "hunter2");
    unsetenv("SIDING_TEST_SECRET");
}

TEST(Secret, IsNeverPrinted) {
    const Secret secret{Kind::text, "hunter2"};
    EXPECT_EQ(*secret.read(), "hunter2");
    std::ostringstream out;
    out << secret;
    EXPECT_EQ(out.str(), "***");
    EXPECT_EQ(testing::PrintToString(secret), "***");
    EXPECT_EQ(format_secret({Kind::file, "/a"}), "file /a");
    EXPECT_EQ(format_secret({}), "none");
    EXPECT_TRUE(Secret{}.read().error().is(Errc::not_found));
}

}  // namespace
}  // namespace siding::backfill
