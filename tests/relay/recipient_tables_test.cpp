// The live table: files come, change, break and go while it is in use.
#include "relay/recipient_tables.hpp"

#include "net/runtime.hpp"
#include "net/task_group.hpp"
#include "tests/net/run_loop.hpp"
#include "tests/support/temp_directory.hpp"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>

namespace siding::relay {
namespace {

using Answer = RecipientTable::Answer;

class RecipientTablesTest : public testing::Test {
protected:
    ~RecipientTablesTest() override { runtime_.stop(); }

    std::string path(const char* name) const { return (directory_ / name).string(); }

    // A new file in one step, as `mv` does it.
    std::string put(const char* name, const std::string& text) const {
        std::ofstream{directory_ / "next"} << text;
        std::filesystem::rename(directory_ / "next", directory_ / name);
        return path(name);
    }

    void configure(const std::string& domain, config::DomainSettings settings) {
        config_.domains.insert_or_assign(Domain::parse(domain).value(), std::move(settings));
    }
    static config::DomainSettings from_files(const std::vector<std::string>& paths) {
        config::DomainSettings settings;
        settings.recipients.any = false;
        for (const std::string& file : paths) {
            config::RecipientFile source;
            source.path = file;
            settings.recipients.files.push_back(source);
        }
        return settings;
    }

    void create() {
        live_ = std::make_unique<config::Live>(config_);
        tables_ = std::make_unique<RecipientTables>(
            runtime_.blocking(), *live_, metrics_, std::chrono::milliseconds{5}
        );
    }
    void start() {
        create();
        const auto loaded = tables_->load_first();
        ASSERT_TRUE(loaded) << loaded.error().message();
    }
    void refresh() { loop_.run(tables_->refresh()); }

    Answer find(const std::string& address) const {
        return tables_->get()->find(Address::parse(address).value(), "+");
    }
    bool is_stale(const std::string& file) const {
        return metrics_.text().find("siding_recipients_stale{file=\"" + file + "\"} 1") !=
               std::string::npos;
    }

    test::TempDirectory directory_{test::fast_directory()};
    config::Config config_;
    Metrics metrics_;
    net::RunLoop loop_;
    net::Runtime runtime_{{.io_threads = 1, .blocking_threads = 2}};
    std::unique_ptr<config::Live> live_;
    std::unique_ptr<RecipientTables> tables_;
};

TEST_F(RecipientTablesTest, OneFileServesManyDomainsAndIsLoadedOnce) {
    const auto file = put("all", "joe@example.com\njoe@example.org\nann@elsewhere.example\n");
    configure("example.com", from_files({file}));
    configure("example.org", from_files({file}));
    start();
    EXPECT_EQ(find("joe@example.com"), Answer::known);
    EXPECT_EQ(find("joe@example.org"), Answer::known);
    EXPECT_EQ(find("ann@example.org"), Answer::unknown);
    EXPECT_EQ(find("ann@elsewhere.example"), Answer::no_files);
    const auto table = tables_->get();
    EXPECT_EQ(
        table->domains().find("example.com")->second.recipients,
        table->domains().find("example.org")->second.recipients
    );
}

TEST_F(RecipientTablesTest, AMissingFileRefusesTheStartAndSaysWhich) {
    configure("example.com", from_files({path("absent"), put("good", "joe@example.com\n")}));
    create();
    const auto loaded = tables_->load_first();
    ASSERT_TRUE(loaded.has_error());
    EXPECT_NE(loaded.error().context.find(path("absent") + ": No such file"), std::string::npos)
        << loaded.error().context;
}

TEST_F(RecipientTablesTest, AMalformedFileRefusesTheStart) {
    configure("example.com", from_files({put("bad", "joe@example.com\njoe\n")}));
    create();
    const auto loaded = tables_->load_first();
    ASSERT_TRUE(loaded.has_error());
    EXPECT_NE(loaded.error().context.find("bad: line 2: 'joe'"), std::string::npos)
        << loaded.error().context;
}

TEST_F(RecipientTablesTest, ADirectoryIsNoFile) {
    configure("example.com", from_files({directory_.path().string()}));
    create();
    const auto loaded = tables_->load_first();
    ASSERT_TRUE(loaded.has_error());
    EXPECT_NE(loaded.error().context.find("not a regular file"), std::string::npos);
}

TEST_F(RecipientTablesTest, RefreshLoadsWhatChanged) {
    configure("example.com", from_files({put("file", "joe@example.com\n")}));
    start();
    const auto before = tables_->get();
    refresh();
    EXPECT_EQ(tables_->get(), before);  // nothing has
    put("file", "ann@example.com\n");
    refresh();
    EXPECT_EQ(find("ann@example.com"), Answer::known);
    EXPECT_EQ(find("joe@example.com"), Answer::unknown);
    EXPECT_EQ(
        before->find(Address::parse("joe@example.com").value(), "+"), Answer::known
    );  // a transaction's view stays
}

TEST_F(RecipientTablesTest, WhatBreaksKeepsTheLastGoodContentAndRecovers) {
    const auto file = put("file", "joe@example.com\n");
    configure("example.com", from_files({file}));
    start();
    const auto expect_kept = [&](const char* why) {
        refresh();
        EXPECT_EQ(find("joe@example.com"), Answer::known) << why;
        EXPECT_EQ(find("ann@example.com"), Answer::unknown) << why;
        EXPECT_TRUE(is_stale(file)) << why;
    };
    EXPECT_FALSE(is_stale(file));
    put("file", "ann@example.com\nand this\n");
    expect_kept("malformed");
    put("file", "");
    expect_kept("empty");
    std::filesystem::rename(file, path("aside"));
    expect_kept("vanished");
    put("file", "ann@example.com\n");
    refresh();
    EXPECT_EQ(find("ann@example.com"), Answer::known);
    EXPECT_FALSE(is_stale(file));
}

TEST_F(RecipientTablesTest, TheSameFileThatComesBackIsGoodAgain) {
    const auto file = put("file", "joe@example.com\n");
    configure("example.com", from_files({file}));
    start();
    std::filesystem::rename(file, path("aside"));
    refresh();
    EXPECT_TRUE(is_stale(file));
    std::filesystem::rename(path("aside"), file);
    refresh();
    EXPECT_FALSE(is_stale(file));
    EXPECT_EQ(find("joe@example.com"), Answer::known);
}

TEST_F(RecipientTablesTest, AConfigurationWithABrokenFileKeepsWhatTheDomainHad) {
    configure("example.com", from_files({put("old", "joe@example.com\n")}));
    start();
    configure("example.com", from_files({put("new", "no address\n")}));
    configure("example.org", from_files({path("absent")}));
    live_->apply(config_);
    refresh();
    EXPECT_EQ(find("joe@example.com"), Answer::known);
    EXPECT_EQ(find("ann@example.com"), Answer::unknown);
    EXPECT_EQ(find("joe@example.org"), Answer::no_files);  // not known yet, so for later
    put("new", "ann@example.com\n");
    put("absent", "joe@example.org\n");
    refresh();
    EXPECT_EQ(find("joe@example.com"), Answer::unknown);
    EXPECT_EQ(find("ann@example.com"), Answer::known);
    EXPECT_EQ(find("joe@example.org"), Answer::known);
}

TEST_F(RecipientTablesTest, ADomainThatIsTakenOutIsForgottenWithItsFailure) {
    const auto file = put("file", "joe@example.com\n");
    configure("example.com", from_files({file}));
    start();
    std::filesystem::remove(file);
    refresh();
    EXPECT_TRUE(is_stale(file));
    configure("example.com", {});
    live_->apply(config_);
    refresh();
    EXPECT_EQ(find("joe@example.com"), Answer::no_files);
    EXPECT_FALSE(is_stale(file));
}

TEST_F(RecipientTablesTest, ReadsEveryFormatAndTheRewriteMap) {
    using enum config::RecipientMapFormat;
    config::DomainSettings settings = from_files({});
    const auto add = [&](const std::string& file, config::RecipientMapFormat format) {
        config::RecipientFile source;
        source.path = file;
        source.format = format;
        source.column = format == csv ? "mail" : "";
        settings.recipients.files.push_back(source);
    };
    add(put("list", "list@example.com\n"), list);
    add(put("virtual", "virtual x@y.example\n"), virtual_map);
    add(put("aliases", "alias: x\n"), aliases);
    add(put("relay", "relay@example.com OK\n"), relay_recipients);
    add(put("csv", "mail\ncsv@example.com\n"), csv);
    settings.rewrite = put("rewrite", "csv@example.com new@example.com\n");
    configure("example.com", settings);
    start();
    for (const char* name : {"list", "virtual", "alias", "relay", "csv"}) {
        EXPECT_EQ(find(std::string{name} + "@example.com"), Answer::known) << name;
    }
    EXPECT_EQ(find("nobody@example.com"), Answer::unknown);
    const auto paths = tables_->get()->rewrite(Address::parse("csv+1@example.com").value(), "+");
    EXPECT_EQ(paths, std::vector<std::string>{"new+1@example.com"});
}

TEST_F(RecipientTablesTest, WatchFollowsTheFileUntilItIsCancelled) {
    const auto file = put("file", "joe@example.com\n");
    configure("example.com", from_files({file}));
    start();
    net::TaskGroup tasks{loop_.executor(), "recipients", 1};
    ASSERT_TRUE(tasks.spawn(tables_->watch()));
    const auto run_until = [&](const std::function<bool()>& is_so) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{20};
        loop_.context().restart();
        while (!is_so() && std::chrono::steady_clock::now() < end) {
            loop_.context().run_one_for(std::chrono::milliseconds{20});
        }
        EXPECT_TRUE(is_so());
    };
    put("file", "ann@example.com\n");
    run_until([&] { return find("ann@example.com") == Answer::known; });
    std::filesystem::remove(file);
    run_until([&] { return is_stale(file); });
    EXPECT_EQ(find("ann@example.com"), Answer::known);
    put("file", "bob@example.com\n");
    run_until([&] { return find("bob@example.com") == Answer::known && !is_stale(file); });
    tasks.cancel();
    loop_.run(tasks.join());
    EXPECT_EQ(tasks.count(), 0U);
}

TEST_F(RecipientTablesTest, WatchEndsWhenItIsCancelledWhileItLoads) {
    configure("example.com", from_files({put("file", "joe@example.com\n")}));
    net::asio::io_context blocking;  // runs when the test says so
    live_ = std::make_unique<config::Live>(config_);
    RecipientTables tables{blocking.get_executor(), *live_, metrics_, std::chrono::milliseconds{1}};
    net::TaskGroup tasks{loop_.executor(), "recipients", 1};
    ASSERT_TRUE(tasks.spawn(tables.watch()));
    while (blocking.poll() == 0) {  // the first look; what it found is not told yet
        blocking.restart();
        loop_.context().run_one_for(std::chrono::milliseconds{20});
    }
    tasks.cancel();
    loop_.run(tasks.join());
    EXPECT_EQ(tasks.count(), 0U);
}

// A look at a file that differs from the last look waits: it may be in the middle of being written.
TEST_F(RecipientTablesTest, AFileThatIsBeingWrittenIsLeftAlone) {
    configure("example.com", from_files({put("file", "joe@example.com\n")}));
    RecipientSources sources{metrics_};
    ASSERT_TRUE(sources.look(config_, RecipientSources::When::now));
    put("file", "ann@example.com\n");
    EXPECT_FALSE(sources.look(config_, RecipientSources::When::once_quiet));
    std::ofstream{directory_ / "file", std::ios::app} << "bob@example.com\n";
    EXPECT_FALSE(sources.look(config_, RecipientSources::When::once_quiet));
    EXPECT_TRUE(sources.look(config_, RecipientSources::When::once_quiet));
    EXPECT_FALSE(sources.look(config_, RecipientSources::When::once_quiet));
    EXPECT_TRUE(sources.failures().empty());
}

}  // namespace
}  // namespace siding::relay
