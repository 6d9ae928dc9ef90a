#include "cutover/doctor_hosts.hpp"

#include "cutover/outage_cost.hpp"
#include "cutover/reverse_name.hpp"
#include "tests/cutover/doctor_facts.hpp"
#include "tests/support/scripted_peer.hpp"
#include "tests/support/test_certificates.hpp"

#include <gtest/gtest.h>

namespace siding::cutover {
namespace {

class DoctorHostsTest : public testing::Test, protected FactsRig {};

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

TEST_F(DoctorHostsTest, WithoutAConfigurationTheySaySo) {
    for (const Check::Function check :
         {check_inbound_port,
          check_open_relay,
          check_validation,
          check_extensions,
          check_reverse_names,
          check_block_lists,
          check_disk_space,
          check_disk_sync,
          check_loops,
          check_hold_certificate,
          check_client_names,
          check_file_limit}) {
        const CheckOutcome outcome = run(check);
        EXPECT_EQ(outcome.status, CheckStatus::not_checked);
        EXPECT_TRUE(has(outcome.why_not, "--config")) << outcome.why_not;
    }
}

TEST_F(DoctorHostsTest, ADomainThatIsNotInTheFileIsNamed) {
    configure();
    options.config_file = "siding.yaml";
    facts.settings = nullptr;
    EXPECT_EQ(run(check_validation).why_not, "example.com is not in siding.yaml");
}

TEST_F(DoctorHostsTest, OffersWhatAServerCannotTake) {
    configure();
    add_host("old.example", {"SIZE 1000", "8BITMIME", "SMTPUTF8", "CHUNKING"}).server = "old";
    add_host("new.example", {"8BITMIME", "BINARYMIME", "CHUNKING", "DSN"}).server = "new";
    const CheckOutcome outcome = run(check_extensions);
    EXPECT_EQ(outcome.status, CheckStatus::failed);
    EXPECT_TRUE(has(outcome.evidence, "BINARYMIME: offered by Siding, not by the old server"));
    EXPECT_TRUE(has(outcome.evidence, "SMTPUTF8: offered by Siding, not by the new server"));
    EXPECT_TRUE(has(outcome.evidence, "the old server 1000")) << outcome.evidence;
    EXPECT_FALSE(has(outcome.evidence, "REQUIRETLS"));  // is not offered without verified TLS
    EXPECT_EQ(
        outcome.fix,
        "extensions: [PIPELINING, SIZE, STARTTLS, ENHANCEDSTATUSCODES, 8BITMIME, CHUNKING, DSN, "
        "LIMITS, REQUIRETLS]\nlimits: {message_size: 1000}"
    );
}

TEST_F(DoctorHostsTest, WhatBothTakeIsWell) {
    configure("", "extensions: [8BITMIME, SIZE]\n");
    add_host("old.example", {"SIZE 0", "8BITMIME"}).server = "old";
    add_host("new.example", {"SIZE 99999999999", "8BITMIME"}).server = "new";
    EXPECT_EQ(run(check_extensions).status, CheckStatus::ok);
    facts.hosts.clear();
    EXPECT_TRUE(run(check_extensions).is_hindered);
}

TEST_F(DoctorHostsTest, ABlockedPortLooksLikeOne) {
    configure();
    for (const char* const server : {"old", "new"}) {
        HostView& host = add_host(std::string{server} + ".example");
        host.server = server;
        host.sessions[0].reach = SmtpView::Reach::timed_out;
        host.sessions[0].problem = "connection timed out";
    }
    const CheckOutcome all = run(check_outbound_port);
    EXPECT_EQ(all.status, CheckStatus::failed);
    EXPECT_TRUE(has(all.breaks, "Nothing can leave")) << all.breaks;
    facts.hosts[0].sessions[0].reach = SmtpView::Reach::answered;
    const CheckOutcome one = run(check_outbound_port);
    EXPECT_TRUE(has(one.evidence, "new.example")) << one.evidence;
    EXPECT_FALSE(has(one.evidence, "old.example"));
    facts.hosts[1].sessions[0].reach = SmtpView::Reach::answered;
    EXPECT_EQ(run(check_outbound_port).status, CheckStatus::ok);
}

TEST_F(DoctorHostsTest, AnyRecipientIsTooMany) {
    configure();
    const CheckOutcome any = run(check_validation);
    EXPECT_EQ(any.status, CheckStatus::failed);
    EXPECT_TRUE(has(any.fix, "verify: [old]"));
    configure("    recipients: {verify: [old]}\n");
    EXPECT_EQ(run(check_validation).status, CheckStatus::ok);
}

TEST_F(DoctorHostsTest, TheHoldHostMustBeSiding) {
    configure();
    facts.new_hosts = {"hold.example.net"};
    HostView& host = add_host("hold.example.net");
    host.is_hold = true;
    const CheckOutcome seen = run(check_inbound_port);
    EXPECT_EQ(seen.status, CheckStatus::not_checked);  // from outside nobody has looked
    EXPECT_TRUE(has(seen.fix, "nc -v hold.example.net 25"));
    facts.hosts[0].sessions[0].server_name = "other.example";
    EXPECT_EQ(run(check_inbound_port).status, CheckStatus::failed);
    facts.hosts[0].sessions[0].reach = SmtpView::Reach::refused;
    EXPECT_EQ(run(check_inbound_port).status, CheckStatus::failed);
    options.phase = DoctorPhase::prep;
    EXPECT_EQ(run(check_inbound_port).status, CheckStatus::not_checked);
}

TEST_F(DoctorHostsTest, MaskedWordsAreAFirewall) {
    add_host("old.example", {"8BITMIME"});
    EXPECT_EQ(run(check_masked_verbs).status, CheckStatus::ok);
    add_host("masked.example", {"8BITMIME"}).sessions[0].greeting = "220 *******2******0**";
    const CheckOutcome outcome = run(check_masked_verbs);
    EXPECT_EQ(outcome.status, CheckStatus::failed);
    EXPECT_TRUE(has(outcome.evidence, "masked.example"));
}

TEST_F(DoctorHostsTest, AFilterServiceIsKnownByItsName) {
    EXPECT_TRUE(run(check_old_gateway).is_hindered);
    facts.mx_known = true;
    add_host("mx1.example.com").is_mx = true;
    EXPECT_EQ(run(check_old_gateway).status, CheckStatus::ok);
    add_host("mx0a-001.pphosted.com").is_mx = true;
    EXPECT_TRUE(has(run(check_old_gateway).evidence, "Proofpoint"));
}

TEST_F(DoctorHostsTest, AServerThatLeadsBackIsALoop) {
    configure();
    HostView& host = add_host("old.example");
    host.server = "old";
    host.sessions[0].address = {net::Family::ipv4, "127.0.0.1", 1};
    const CheckOutcome outcome = run(check_loops);
    EXPECT_EQ(outcome.status, CheckStatus::failed);
    EXPECT_TRUE(has(outcome.evidence, "own listener")) << outcome.evidence;
    facts.hosts[0].sessions[0].address.port = 2;
    EXPECT_EQ(run(check_loops).status, CheckStatus::ok);
}

TEST_F(DoctorHostsTest, TheDiskIsHeldAgainstTheMailboxes) {
    configure();
    EXPECT_NE(run(check_disk_space).status, CheckStatus::not_checked);
    EXPECT_TRUE(has(run(check_disk_space).evidence, "no forecast"));
    options.usual = UsualMail{1000, 2};
    EXPECT_TRUE(has(run(check_disk_space).evidence, "of 2 domains bring 1000 messages"))
        << run(check_disk_space).evidence;
    options.usual = UsualMail{1e10, 1};
    EXPECT_EQ(run(check_disk_space).status, CheckStatus::failed) << "three petabytes";
    const CheckOutcome sync = run(check_disk_sync);
    EXPECT_TRUE(has(sync.evidence, "/tmp")) << sync.evidence << sync.why_not;
}

class DoctorRcptTest : public DoctorHostsTest {
protected:
    ~DoctorRcptTest() override { loop.run(peer_.stop()); }

    // The old server, that answers one RCPT so.
    void old_says(const std::string& answer) {
        if (facts.hosts.empty()) {
            HostView& host = add_host("old.example");
            host.server = "old";
            host.is_mx = true;
            host.sessions[0].address = {net::Family::ipv4, "127.0.0.1", peer_.port()};
        }
        peer_.expect(
            test::hello() +
            test::Script{{"MAIL FROM:<>", "250 ok"}, {"RCPT TO:<", answer}, {"QUIT", "221 bye"}}
        );
    }

    test::ScriptedPeer peer_{loop.executor()};
};

TEST_F(DoctorRcptTest, TheTableTellsWhetherTheOldServerThinksItIsLocal) {
    options.phase = DoctorPhase::hold;
    old_says("550 5.1.1 User unknown in local recipient table");
    EXPECT_EQ(run(check_old_routing).status, CheckStatus::failed);
    old_says("550 5.1.1 User unknown in relay recipient table");
    EXPECT_EQ(run(check_old_routing).status, CheckStatus::ok);
    old_says("554 5.7.1 Relay access denied");
    EXPECT_EQ(run(check_old_routing).status, CheckStatus::ok);
    old_says("250 ok");
    const CheckOutcome unknown = run(check_old_routing);
    EXPECT_EQ(unknown.status, CheckStatus::not_checked);
    EXPECT_TRUE(has(unknown.fix, "Set-AcceptedDomain example.com")) << unknown.fix;
    options.phase.reset();
    EXPECT_EQ(run(check_old_routing).why_not, "it matters when MX has moved");
}

TEST_F(DoctorRcptTest, GreylistingIsNotARefusal) {
    old_says("450 4.7.1 Greylisted, try again in 300 s");
    EXPECT_EQ(run(check_greylisting).status, CheckStatus::failed);
    old_says("550 5.1.1 no postmaster");
    EXPECT_EQ(run(check_greylisting).status, CheckStatus::ok);
}

TEST_F(DoctorRcptTest, AnOldServerThatRefusesLosesStragglers) {
    old_says("554 5.7.1 Relay access denied");
    EXPECT_EQ(run(check_old_accepts).status, CheckStatus::failed);
    old_says("250 ok");
    EXPECT_EQ(run(check_old_accepts).status, CheckStatus::ok);
    facts.hosts[0].sessions[0].reach = SmtpView::Reach::refused;
    EXPECT_TRUE(run(check_old_accepts).is_hindered);
    facts.hosts.clear();
    EXPECT_FALSE(run(check_old_accepts).is_hindered);
}

TEST_F(DoctorRcptTest, AListIsAskedAtBothServers) {
    configure();
    net::TemporaryDirectory directory;
    options.recipients = directory / "list.txt";
    test::write_file(
        options.recipients->string(),
        "# staff\nann@example.com\nbob@example.com\ncarl@example.com\nx@other.example\n"
    );
    test::ScriptedPeer new_peer{loop.executor()};
    const auto answer = [](const std::string& bob) {
        return test::hello() + test::Script{
                                   {"MAIL FROM:<", "250 ok"},
                                   {"RCPT TO:<ann@", "250 ok"},
                                   {"RCPT TO:<bob@", bob},
                                   {"RCPT TO:<carl@", "550 5.1.1 nobody"},
                                   {"QUIT", "221 bye"}};
    };
    for (const auto& [name, port] :
         {std::pair{"old", peer_.port()}, std::pair{"new", new_peer.port()}}) {
        HostView& host = add_host(std::string{name} + ".example");
        host.server = name;
        host.sessions[0].address = {net::Family::ipv4, "127.0.0.1", port};
    }
    peer_.expect(answer("250 ok"));
    new_peer.expect(answer("550 5.1.1 no bob"));
    const CheckOutcome outcome = run(check_recipient_list);
    EXPECT_EQ(outcome.status, CheckStatus::failed) << outcome.why_not;
    EXPECT_EQ(
        outcome.evidence,
        "3 of 3 addresses asked at both: 1 unknown to new alone, 0 to old alone, 1 to both, "
        "0 undecided\nbob@example.com: new says 550 5.1.1 no bob"
    );
    peer_.expect(answer("250 ok"));
    new_peer.expect(answer("250 ok"));
    EXPECT_EQ(run(check_recipient_list).status, CheckStatus::ok);
    loop.run(new_peer.stop());
}

TEST(ReverseNameTest, NamesBothFamilies) {
    EXPECT_EQ(reverse_name("192.0.2.1", ""), "1.2.0.192.in-addr.arpa");
    EXPECT_EQ(reverse_name("192.0.2.1", "zen.example"), "1.2.0.192.zen.example");
    EXPECT_EQ(
        reverse_name("2001:db8::1", ""),
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
    );
    EXPECT_EQ(reverse_name("mx.example", ""), "");
    EXPECT_TRUE(is_public_address("1.1.1.1"));
    EXPECT_TRUE(is_public_address("2606:4700::1"));
    for (const char* const inside :
         {"127.0.0.1", "10.1.2.3", "192.0.2.1", "172.31.0.1", "::1", "fe80::1", "no"}) {
        EXPECT_FALSE(is_public_address(inside)) << inside;
    }
}

TEST(OutageCostTest, PatienceDecides) {
    using std::chrono::hours;
    const auto effect_on = [](std::string_view name, std::chrono::minutes outage) {
        for (const SenderPatience& sender : sender_patience()) {
            if (sender.sender.starts_with(name)) {
                return effect_of(sender, outage);
            }
        }
        ADD_FAILURE() << name;
        return OutageEffect::none;
    };
    EXPECT_EQ(effect_on("Postfix", hours{2}), OutageEffect::none);
    EXPECT_EQ(effect_on("Mailgun", hours{7}), OutageEffect::late);
    EXPECT_EQ(effect_on("Mailgun", hours{8}), OutageEffect::all_lost);
    EXPECT_EQ(effect_on("Exchange Online", hours{23}), OutageEffect::late);
    EXPECT_EQ(effect_on("Exchange Online", hours{24}), OutageEffect::all_lost);
    EXPECT_EQ(effect_on("Gmail", hours{30}), OutageEffect::some_lost);
    EXPECT_EQ(effect_on("Exchange Server", hours{47}), OutageEffect::late);
    hours before{0};
    for (const SenderPatience& sender : sender_patience()) {
        EXPECT_LE(before, sender.gives_up_min) << sender.sender;
        EXPECT_LE(sender.gives_up_min, sender.gives_up_max) << sender.sender;
        before = sender.gives_up_min;
    }
}

TEST(OutageCostTest, SendersAreKnownByTheirDomain) {
    const auto row = [](std::string_view provider) {
        const SenderPatience* const found = patience_of(provider);
        return found == nullptr ? std::string_view{} : found->sender;
    };
    EXPECT_EQ(row("google.com"), "Gmail, Google Workspace");
    EXPECT_EQ(row("mailgun.net"), "Mailgun");
    EXPECT_EQ(row("mailgun.org"), "Mailgun");
    EXPECT_EQ(row("bank.example"), "");
    EXPECT_EQ(row(""), "");
}

}  // namespace
}  // namespace siding::cutover
