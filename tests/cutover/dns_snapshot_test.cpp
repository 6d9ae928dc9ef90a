#include "cutover/dns_snapshot.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace siding::cutover {
namespace {

using namespace std::chrono_literals;

SnapshotRecord make_record(
    const std::string& name, const std::string& type, std::vector<std::string> data
) {
    SnapshotRecord record{name, type, {}, false};
    record.answers.push_back({std::move(data), 300s, {}});
    return record;
}

DnsSnapshot sample() {
    DnsSnapshot snapshot;
    snapshot.domain = snapshot.zone = "example.com";
    snapshot.at = parse_time("2026-11-21T14:07:30Z").value();
    snapshot.servers = {{"ns1.example 192.0.2.1", 7, ""}, {"ns2.example 192.0.2.2", 7, ""}};
    snapshot.records = {
        make_record("example.com", "MX", {"10 mx.old.example"}),
        make_record("example.com", "A", {}),
        make_record("_dmarc.example.com", "TXT", {"\"v=DMARC1; p=none\""}),
        make_record("autodiscover.example.com", "A", {"192.0.2.9"}),
    };
    snapshot.gaps = {"s1._domainkey.example.com TXT"};
    return snapshot;
}

std::vector<std::string> lines_of(const SnapshotDiff& diff) {
    std::vector<std::string> lines;
    for (const SnapshotChange& change : diff.changes) {
        for (const std::string& line : change.lines) {
            lines.push_back(change.name + " " + change.type + " " + line);
        }
    }
    return lines;
}

using Lines = std::vector<std::string>;

TEST(DnsSnapshot, is_read_as_it_was_written) {
    const DnsSnapshot snapshot = sample();
    const DnsSnapshot again = parse_snapshot(format_snapshot(snapshot)).value();
    EXPECT_EQ(again.domain, snapshot.domain);
    EXPECT_EQ(again.at, snapshot.at);
    EXPECT_EQ(again.servers, snapshot.servers);
    EXPECT_EQ(again.records, snapshot.records);
    EXPECT_EQ(again.gaps, snapshot.gaps);
    EXPECT_EQ(snapshot_file_name(snapshot), "example.com-20261121T140730Z.dns.json");
}

TEST(DnsSnapshot, refuses_what_is_none) {
    const std::string whole = format_snapshot(sample());
    for (const std::string& text :
         {std::string{},
          std::string{"[]"},
          std::string{"{}"},
          std::string{R"({"version":2})"},
          std::string{R"({"version":1,"domain":7})"},
          whole.substr(0, 100)}) {
        EXPECT_TRUE(parse_snapshot(text).has_error()) << text;
    }
}

TEST(DnsSnapshot, names_what_has_changed) {
    EXPECT_TRUE(compare_snapshots(sample(), sample()).changes.empty());
    DnsSnapshot after = sample();
    after.records[0].answers[0].data = {"10 hold.example"};
    after.records[0].answers[0].ttl = 60s;
    after.records[2].answers[0].data = {};
    EXPECT_EQ(
        lines_of(compare_snapshots(sample(), after)),
        (Lines{
            "example.com MX - 10 mx.old.example",
            "example.com MX + 10 hold.example",
            "example.com MX ttl 300 → 60",
            "_dmarc.example.com TXT - \"v=DMARC1; p=none\""})
    );
}

TEST(DnsSnapshot, names_servers_that_differ) {
    DnsSnapshot after = sample();
    after.records[0].answers = {
        {{"10 mx.old.example"}, 300s, {"ns1.example 192.0.2.1"}},
        {{}, 0s, {"ns2.example 192.0.2.2"}}};
    EXPECT_EQ(
        lines_of(compare_snapshots(sample(), after)),
        (Lines{
            "example.com MX now ns1.example 192.0.2.1: 10 mx.old.example, ttl 300",
            "example.com MX now ns2.example 192.0.2.2: none, ttl 0"})
    );
    DnsSnapshot turned = after;
    std::ranges::reverse(turned.records[0].answers);
    EXPECT_TRUE(compare_snapshots(after, turned).changes.empty());
    EXPECT_EQ(lines_of(compare_snapshots(after, sample())).size(), 2U);
}

TEST(DnsSnapshot, does_not_take_a_serial_for_a_change) {
    DnsSnapshot after = sample();
    after.servers[0].serial = 8;
    const SnapshotDiff diff = compare_snapshots(sample(), after);
    EXPECT_TRUE(diff.changes.empty());
    ASSERT_EQ(diff.notes.size(), 2U);
    EXPECT_EQ(diff.notes[0], "ns1.example 192.0.2.1: serial 7 → 8");
}

TEST(DnsSnapshot, does_not_compare_what_was_not_asked) {
    DnsSnapshot after = sample();
    after.records.push_back(make_record("s2._domainkey.example.com", "TXT", {"\"p=AAAA\""}));
    EXPECT_TRUE(compare_snapshots(sample(), after).changes.empty());
    EXPECT_TRUE(compare_snapshots(after, sample()).changes.empty());
}

TEST(DnsSnapshot, follows_a_name_that_becomes_an_alias) {
    DnsSnapshot after = sample();
    after.records[3] = make_record("autodiscover.example.com", "CNAME", {"outlook.example"});
    EXPECT_EQ(
        lines_of(compare_snapshots(sample(), after)),
        (Lines{
            "autodiscover.example.com A - 192.0.2.9",
            "autodiscover.example.com CNAME + outlook.example"})
    );
}

}  // namespace
}  // namespace siding::cutover
