#include "backfill/token_store.hpp"

#include "backfill/secret_file.hpp"
#include "tests/support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <sys/stat.h>

namespace siding::backfill {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
    std::stringstream text;
    text << std::ifstream{path, std::ios::binary}.rdbuf();
    return text.str();
}

mode_t mode_of(const fs::path& path) {
    struct stat found {};
    return ::stat(path.c_str(), &found) == 0 ? found.st_mode & 07777U : 0;
}

class TokenStoreTest : public testing::Test {
protected:
    Login login(Secret secret, const std::string& account = "ann") const {
        Login login;
        login.account = account;
        login.side = Side::source;
        login.secret = std::move(secret);
        login.tokens.emplace();
        login.tokens->endpoint = "https://login.example/t";
        return login;
    }
    Login with_file(const std::string& text) const {
        std::ofstream{directory_ / "secret", std::ios::binary} << text;
        return login({Secret::Kind::file, (directory_ / "secret").string()});
    }

    test::TempDirectory directory_;
    fs::path tokens_ = directory_ / "tokens";
    TokenStore store_{tokens_};
};

TEST_F(TokenStoreTest, ANewTokenGoesBackIntoItsFile) {
    const Login ann = with_file("first\nand a note\n");
    fs::permissions(directory_ / "secret", fs::perms::all);
    EXPECT_EQ(store_.find(ann)->refresh, "first");
    ASSERT_TRUE(store_.keep(ann, "second").has_value());
    EXPECT_EQ(read(directory_ / "secret"), "second\nand a note\n");
    EXPECT_EQ(mode_of(directory_ / "secret"), 0600U);
    EXPECT_FALSE(fs::exists(tokens_));
    EXPECT_EQ(TokenStore{tokens_}.find(ann)->refresh, "second");
    EXPECT_EQ(std::distance(fs::directory_iterator{directory_.path()}, {}), 1);
}

TEST_F(TokenStoreTest, ALinkStaysALink) {
    const Login ann = with_file("first\n");
    fs::create_symlink(directory_ / "secret", directory_ / "link");
    ASSERT_TRUE(write_secret_file((directory_ / "link").string(), "second").has_value());
    EXPECT_TRUE(fs::is_symlink(directory_ / "link"));
    EXPECT_EQ(read(directory_ / "secret"), "second\n");
}

TEST_F(TokenStoreTest, WhatIsNoFileHasItsNewTokenBesideIt) {
    const Login ann = login({Secret::Kind::text, "first"});
    ASSERT_TRUE(store_.keep(ann, "second").has_value());
    EXPECT_EQ(mode_of(tokens_), 0700U);
    EXPECT_EQ(TokenStore{tokens_}.find(ann)->refresh, "second");
    ASSERT_TRUE(store_.keep(ann, "third").has_value());
    EXPECT_EQ(TokenStore{tokens_}.find(ann)->refresh, "third");
    for (const auto& entry : fs::directory_iterator{tokens_}) {
        EXPECT_EQ(mode_of(entry.path()), 0600U);
        EXPECT_EQ(entry.path().string().find("first"), std::string::npos);
    }
    // The operator has put another one there.
    const Login again = login({Secret::Kind::text, "fourth"});
    EXPECT_EQ(store_.find(again)->refresh, "fourth");
    EXPECT_NE(store_.find(again)->key, store_.find(ann)->key);
}

// The name of this thread: to be read and written, but nobody can put a file beside it.
TEST_F(TokenStoreTest, AFileThatCannotBeReplacedCountsUntilSomebodyChangesIt) {
    const Login ann = login({Secret::Kind::file, "/proc/self/comm"});
    std::ofstream{ann.secret.value} << "first";
    ASSERT_TRUE(store_.keep(ann, "second").has_value());
    EXPECT_EQ(store_.find(ann)->refresh, "second");
    std::ofstream{ann.secret.value} << "third";
    EXPECT_EQ(store_.find(ann)->refresh, "third");
}

TEST_F(TokenStoreTest, WithoutASecretTheClientAsksUntilSomebodyHasAuthorizedUs) {
    const Login ann = login({});
    const Login bob = login({}, "bob");
    EXPECT_EQ(store_.find(ann)->refresh, "");
    EXPECT_EQ(store_.find(ann)->key, store_.find(bob)->key);
    ASSERT_TRUE(store_.keep(ann, "given").has_value());
    EXPECT_EQ(store_.find(ann)->refresh, "given");
    EXPECT_EQ(store_.find(bob)->refresh, "");
    ASSERT_TRUE(store_.keep(ann, "newer").has_value());
    EXPECT_EQ(store_.find(ann)->refresh, "newer");
}

TEST_F(TokenStoreTest, AFileThatIsNotThereYetIsMade) {
    const Login ann = login({Secret::Kind::file, (directory_ / "yet to come").string()});
    EXPECT_TRUE(store_.find(ann).error().is(Errc::not_found));
    ASSERT_TRUE(store_.keep(ann, "given").has_value());
    EXPECT_EQ(read(directory_ / "yet to come"), "given\n");
}

TEST_F(TokenStoreTest, ADirectoryThatCannotBeMadeIsAnError) {
    std::ofstream{tokens_} << "no directory";
    const auto kept = store_.keep(login({Secret::Kind::text, "hush"}), "hush2");
    ASSERT_TRUE(kept.has_error());
    EXPECT_TRUE(kept.error().is(Errc::storage_failure));
    EXPECT_EQ(kept.error().message().find("hush"), std::string::npos);
}

}  // namespace
}  // namespace siding::backfill
