#include "cutover/senders.hpp"

#include "base/limits.hpp"
#include "cutover/sender_feed.hpp"
#include "cutover/sender_values.hpp"
#include "queue/rocks_store.hpp"
#include "tests/cutover/mail.hpp"
#include "tests/support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <fmt/format.h>

namespace siding::cutover {
namespace {

using namespace std::chrono_literals;
using test::noon;

Domain domain(const char* text = "example.com") {
    return Domain::parse(text).value();
}

LoggedMail logged(WallTime at, const std::string& name, const std::string& address) {
    LoggedMail mail;
    mail.at = at;
    mail.client_name = name;
    mail.client_address = address;
    mail.sender = "ann@example.net";
    mail.recipients = {"Joe@Example.COM"};
    return mail;
}

SeenMail seen(WallTime at, const std::string& name, const std::string& address) {
    SeenMail mail;
    mail.at = at;
    mail.client.name = name;
    mail.client.address = address;
    mail.sender = "ann@example.net";
    return mail;
}

// 90 of google.com, 10 of bank.example, over two weeks.
SenderBaseline baseline() {
    SenderBaseline all;
    for (int i = 0; i < 100; ++i) {
        const bool big = i % 10 != 0;
        all.add(
            logged(
                noon - 14 * 24h + i * 14 * 24h / 99,
                big ? "mail.google.com" : "mx.bank.example",
                big ? "209.85.221.51" : "198.51.100.7"
            ),
            domain()
        );
    }
    return all;
}

TEST(SenderBaseline, counts_mail_from_outside_for_the_domain) {
    SenderBaseline all;
    EXPECT_TRUE(all.add(logged(noon, "mail.google.com", "209.85.221.51"), domain()));
    EXPECT_FALSE(all.add(logged(noon, "mail.google.com", "209.85.221.51"), domain("example.net")));
    LoggedMail internal = logged(noon, "pc.example.com", "192.0.2.1");
    internal.is_internal = true;
    EXPECT_FALSE(all.add(internal, domain()));
    EXPECT_FALSE(all.add(logged(noon, "", ""), domain())) << "nobody";
    EXPECT_EQ(all.messages, 1U);
    EXPECT_EQ(all.providers.at("google.com"), 1U);
    EXPECT_EQ(all.networks.at("209.85.221.0/24"), "google.com");
    EXPECT_EQ(all.hours.at(dns::hour_of_week(noon)), 1U);
}

TEST(SenderBaseline, profile_is_a_mean_week) {
    SenderBaseline all = baseline();
    EXPECT_NEAR(all.profile().per_week(), 50, 0.01);
    SenderBaseline day;
    day.add(logged(noon, "mail.google.com", "209.85.221.51"), domain());
    EXPECT_EQ(day.profile().per_week(), 1) << "less than a week is not multiplied";
    SenderBaseline sum = day;
    sum.add(baseline());
    EXPECT_EQ(sum.messages, 101U);
    EXPECT_EQ(sum.first, noon - 14 * 24h);
}

TEST(SenderBaseline, keeps_the_largest) {
    SenderBaseline all;
    for (std::size_t i = 0; i < limits::sender_providers_max + 500; ++i) {
        const std::string name = fmt::format("p{}.example", i);
        all.providers[name] = 1 + i % 1000;
        all.networks[fmt::format("10.{}.{}.0/24", i / 250, i % 250)] = name;
    }
    all.trim();
    EXPECT_EQ(all.providers.size(), limits::sender_providers_max);
    EXPECT_TRUE(all.providers.contains("p999.example"));
    EXPECT_FALSE(all.providers.contains("p0.example"));
    EXPECT_EQ(all.networks.size(), all.providers.size());
}

TEST(SenderBook, coverage_of_an_imported_baseline) {
    SenderBook book{domain()};
    book.import(baseline(), ImportMode::replace);
    const dns::CoverageWindow window{noon, 2h, noon + 3h};
    EXPECT_EQ(book.coverage(window).share, 0);
    book.note_at_siding(seen(noon - 1h, "mx.bank.example", "198.51.100.7"));
    book.note_at_siding(seen(noon + 1h, "", "209.85.221.99"));
    EXPECT_DOUBLE_EQ(book.coverage(window).share, 0.9) << "its network was in the logs";
    book.note_at_siding(seen(noon + 2h, "mx2.bank.example", "203.0.113.1"));
    EXPECT_EQ(book.coverage(window).share, 1);
    book.note_at_old(seen(noon + 2h, "mx.bank.example", "198.51.100.7"));
    EXPECT_DOUBLE_EQ(book.coverage(window).share, 0.9) << "it is still there, too";
    book.import(baseline(), ImportMode::replace);
    EXPECT_EQ(book.coverage(window).baseline_messages, 100U);
    book.import(baseline(), ImportMode::add);
    EXPECT_EQ(book.coverage(window).baseline_messages, 200U);
    SenderBaseline other;
    other.add(logged(noon, "mx.other.example", "192.0.2.77"), domain());
    book.import(other, ImportMode::replace);
    EXPECT_EQ(book.coverage(window).baseline_messages, 1U);
    EXPECT_EQ(book.coverage(window).share, 0);
}

TEST(SenderBook, learns_without_an_import) {
    SenderBook book{domain()};
    const dns::CoverageWindow window{noon, 2h, noon + 3h};
    book.note_at_siding(seen(noon + 1h, "mail.google.com", "209.85.221.51"));
    EXPECT_EQ(book.coverage(window).baseline_messages, 0U) << "it may be after the switch";
    book.set_learning(true);
    for (int i = 0; i < 9; ++i) {
        book.note_at_siding(seen(noon + 1h, "mail.google.com", "209.85.221.51"));
    }
    book.note_at_old(seen(noon + 1h, "mx.bank.example", "198.51.100.7"));
    EXPECT_DOUBLE_EQ(book.coverage(window).share, 0.9);
    book.set_learning(false);
    book.note_at_siding(seen(noon + 1h, "mx.new.example", "203.0.113.9"));
    EXPECT_EQ(book.coverage(window).baseline_messages, 10U) << "it came after the switch";
    EXPECT_EQ(book.seen_since(noon), 11U);
    EXPECT_EQ(book.seen_since(noon + 1h + 1min), 0U) << "full hours only";
}

TEST(SenderBook, asks_for_the_names_of_addresses_that_nobody_knows) {
    SenderBook book{domain()};
    book.set_learning(true);
    book.note_at_siding(seen(noon, "", "198.51.100.7"));
    book.note_at_siding(seen(noon, "", "198.51.100.7"));
    book.note_at_siding(seen(noon, "mail.google.com", "209.85.221.51"));
    ASSERT_EQ(book.unnamed().size(), 1U);
    EXPECT_EQ(book.providers().at(0).name, "198.51.100.0/24");
    book.name("198.51.100.7", "mx.bank.example");
    EXPECT_TRUE(book.unnamed().empty());
    EXPECT_EQ(book.providers().at(0).name, "bank.example");
    EXPECT_EQ(book.providers().at(0).messages, 2U);
    EXPECT_EQ(book.provider_of({"", "198.51.100.200"}), "bank.example");
    book.note_at_siding(seen(noon, "", "192.0.2.7"));
    book.name("192.0.2.7", "");
    book.note_at_siding(seen(noon, "", "192.0.2.8"));
    EXPECT_TRUE(book.unnamed().empty()) << "that network has no names";
}

TEST(SenderBook, stragglers_since_the_deadline) {
    SenderBook book{domain()};
    book.import(baseline(), ImportMode::replace);
    book.note_at_siding(seen(noon + 1h, "mail.google.com", "209.85.221.51"));
    book.note_at_old(seen(noon + 1h, "mx.bank.example", "198.51.100.7"));
    book.note_at_old(seen(noon + 3h, "mx.bank.example", "198.51.100.7"));
    book.note_at_old(seen(noon + 3h, "mx.bank.example", "198.51.100.7"));  // the same
    book.note_at_old(seen(noon + 4h, "mail.google.com", "209.85.221.51"));
    SeenMail spam = seen(noon + 4h, "", "203.0.113.9");
    spam.is_spam = true;
    book.note_at_old(spam);
    SeenMail local = seen(noon + 5h, "", "");
    local.is_old_server = true;
    book.note_at_old(local);

    StragglerQuestion question;
    question.published_at = noon;
    question.mx_deadline = noon + 2h;
    question.hard_deadline = noon + 26h;
    question.now = noon + 6h;
    question.has_source = true;
    question.source = "a log";
    const dns::StragglerCount count = book.stragglers(question);
    EXPECT_EQ(count.since, noon + 2h);
    EXPECT_EQ(count.count, 3U);
    EXPECT_EQ(count.spam, 1U);
    EXPECT_EQ(count.last_at, noon + 5h);
    const auto of = [&](dns::StragglerClass kind) {
        return count.classes.at(static_cast<std::size_t>(kind));
    };
    EXPECT_EQ(of(dns::StragglerClass::mta_cache), 1U);
    EXPECT_EQ(of(dns::StragglerClass::dns_lag), 1U);
    EXPECT_EQ(of(dns::StragglerClass::local_domain), 1U);
    EXPECT_TRUE(count.profile);
    EXPECT_DOUBLE_EQ(count.expected, dns::expected_messages(*count.profile, noon + 2h, noon + 6h));
    const auto rows = book.recent_stragglers(question, 2);
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0].kind, dns::StragglerClass::local_domain);
    question.now = noon + 30 * 24h;
    EXPECT_EQ(book.stragglers(question).count, 0U) << "of the last week";
}

TEST(SenderBook, a_flood_of_stragglers_is_counted_not_kept) {
    SenderBook book{domain()};
    const std::size_t flood = limits::stragglers_kept_max + 300;
    for (std::size_t i = 0; i < flood; ++i) {
        book.note_at_old(seen(noon + i * 1s, "mx.bank.example", "198.51.100.7"));
    }
    StragglerQuestion question;
    question.mx_deadline = noon;
    question.now = noon + 10h;
    EXPECT_EQ(book.stragglers(question).count, flood);
    EXPECT_EQ(book.recent_stragglers(question, flood).size(), limits::stragglers_kept_max);
}

TEST(SenderBook, what_of_the_old_servers_log_is_a_straggler) {
    const SidingItself siding{{Network::parse("203.0.113.25").value()}, "hold.example.net"};
    const auto from = [&](const LoggedMail& mail) { return straggler_of(mail, domain(), siding); };
    EXPECT_TRUE(from(logged(noon, "mx.bank.example", "198.51.100.7")));
    EXPECT_FALSE(from(logged(noon, "mx.bank.example", "203.0.113.25"))) << "Siding passes mail on";
    EXPECT_FALSE(from(logged(noon, "HOLD.example.net", "192.0.2.1")));
    LoggedMail other = logged(noon, "mx.bank.example", "198.51.100.7");
    other.recipients = {"joe@example.net"};
    EXPECT_FALSE(from(other));
    LoggedMail printer = logged(noon, "", "10.1.2.3");
    printer.is_internal = true;
    EXPECT_FALSE(from(printer)->is_old_server);
    LoggedMail login = logged(noon, "dsl.example.org", "192.0.2.1");
    login.is_internal = true;
    EXPECT_TRUE(from(login)->is_old_server);
}

TEST(SenderBook, this_host_is_siding_but_loopback_is_not) {
    const SidingItself siding = this_siding("hold.example.net");
    EXPECT_EQ(siding.hostname, "hold.example.net");
    EXPECT_FALSE(contains(siding.networks, "127.0.0.1"));
    EXPECT_FALSE(contains(siding.networks, "::1"));
    EXPECT_FALSE(contains(siding.networks, "198.51.100.7"));
}

TEST(SenderValues, come_back_as_they_were) {
    const ProviderValue provider{5, 7, noon, std::nullopt};
    EXPECT_EQ(parse_provider(format_provider(provider)), provider);
    SenderBaseline all = baseline();
    all.providers.clear();
    all.networks.clear();
    EXPECT_EQ(parse_baseline(format_baseline(all)), all);
    const HoursValue hours{{{498685, 7}, {498686, 0}}, {{498685, 3}}};
    EXPECT_EQ(parse_hours(format_hours(hours)), hours);
    EXPECT_EQ(parse_straggler_key(straggler_key(noon, 42)), 42U);
    EXPECT_LT(straggler_key(noon, 9), straggler_key(noon + 1ms, 1));
    for (const char* const bad : {"", "1 2 3", "x 0 - -", "1 2 3 4 5", "-1 0 - -"}) {
        EXPECT_FALSE(parse_provider(bad)) << bad;
        EXPECT_FALSE(parse_baseline(bad)) << bad;
        EXPECT_FALSE(parse_straggler(bad)) << bad;
        EXPECT_FALSE(parse_straggler_key(bad)) << bad;
    }
    for (const char* const bad : {"", "0", "1 x5:1", "1 m5", "1 m5:", "1 m5:1:1"}) {
        EXPECT_FALSE(parse_hours(bad)) << bad;
    }
}

class SenderStoreTest : public testing::Test {
protected:
    SenderStoreTest() : store_{std::move(queue::open_store(directory_.path(), noon)).value()} {}

    void keep(SenderBook& book) {
        for (queue::PutValues& page : book.take_changes()) {
            test::apply(*store_, std::move(page));
        }
    }

    SenderBook load() { return std::move(SenderBook::load(*store_, domain())).value(); }

    static MessageId id(std::uint64_t n) { return MessageId{MessageId::at(noon).value() + n}; }

    test::TempDirectory directory_;
    std::unique_ptr<queue::Store> store_;
};

TEST_F(SenderStoreTest, a_book_comes_back_from_the_store) {
    SenderBook book{domain()};
    book.import(baseline(), ImportMode::replace);
    book.note_at_siding(seen(noon + 1h, "mail.google.com", "209.85.221.51"));
    book.note_at_old(seen(noon + 1h, "mx.bank.example", "198.51.100.7"));
    keep(book);
    EXPECT_TRUE(book.take_changes().empty());
    SenderBook other{domain("example.net")};
    other.import(baseline(), ImportMode::replace);
    keep(other);

    SenderBook loaded = load();
    EXPECT_EQ(loaded.baseline(), book.baseline());
    const dns::CoverageWindow window{noon, 2h, noon + 2h};
    EXPECT_EQ(loaded.coverage(window).share, book.coverage(window).share);
    EXPECT_EQ(loaded.seen_since(noon), 1U);
    StragglerQuestion question;
    question.mx_deadline = noon;
    question.now = noon + 2h;
    EXPECT_EQ(loaded.stragglers(question).count, 1U);

    SenderBaseline small;
    small.add(logged(noon, "mx.other.example", "192.0.2.77"), domain());
    loaded.import(small, ImportMode::replace);
    loaded.note_at_old(seen(noon + 1h + 1s, "mx.bank.example", "198.51.100.7"));
    keep(loaded);
    const SenderBook again = load();
    EXPECT_EQ(again.baseline().providers, small.providers) << "the earlier import is gone";
    EXPECT_EQ(again.stragglers(question).count, 2U);
}

TEST_F(SenderStoreTest, values_that_are_unreadable_are_passed_over) {
    queue::PutValues change;
    for (const char* const key : {"b", "h", "p/x.example", "s/1", "s/1-1", "z", ""}) {
        change.values.push_back({std::string{"dns/senders/example.com/"} + key, "nonsense"});
    }
    test::apply(*store_, change);
    EXPECT_TRUE(load().providers().empty());
}

TEST_F(SenderStoreTest, the_feed_reads_what_was_accepted) {
    queue::AcceptMessage named = test::make_mail(id(1), {"a@example.com", "b@example.com"});
    named.envelope.client_name = "mail.google.com";
    named.envelope.client_address = "209.85.221.51";
    named.envelope.proxy_address = "203.0.113.7";
    test::apply(*store_, named);
    queue::AcceptMessage two = test::make_mail(id(2), {"a@example.com", "c@example.net"});
    two.envelope.tags = {"spam"};
    test::apply(*store_, two);
    queue::AcceptMessage passed = test::make_mail(id(3), {"a@example.com"});
    passed.placements[0].state = queue::State::delivered;
    passed.placements[0].lane = "new";
    passed.envelope.proxy_address = "203.0.113.8";
    test::apply(*store_, passed);
    queue::AcceptMessage report = test::make_mail(id(4), {"a@example.com"});
    report.envelope.client_address.clear();
    test::apply(*store_, report);

    SenderFeed feed;
    const auto page = feed.read(*store_, {"example.com", "example.net"});
    ASSERT_TRUE(page.has_value());
    EXPECT_TRUE(page->at_end);
    ASSERT_EQ(page->mails.size(), 4U);
    EXPECT_EQ(page->mails[0].domain, "example.com");
    EXPECT_EQ(page->mails[0].mail.client.name, "mail.google.com");
    EXPECT_EQ(page->mails[0].proxy_address, "203.0.113.7");
    EXPECT_TRUE(page->mails[1].mail.is_spam);
    EXPECT_EQ(page->mails[2].domain, "example.net");
    EXPECT_EQ(page->mails[3].mail.client.address, "192.0.2.1");
    EXPECT_EQ(page->mails[3].proxy_address, "203.0.113.8") << "though its envelope is gone";
    EXPECT_EQ(page->mails[3].mail.client.helo, "mx.example.org") << "seen with an earlier message";
    EXPECT_TRUE(feed.read(*store_, {"example.com"})->mails.empty());

    SenderFeed later{feed.sequence()};
    test::apply(*store_, test::make_mail(id(5), {"a@example.com"}));
    EXPECT_EQ(later.read(*store_, {"example.com"})->mails.size(), 1U);
    EXPECT_TRUE(SenderFeed{}.read(*store_, {"other.example"})->mails.empty());
}

}  // namespace
}  // namespace siding::cutover
