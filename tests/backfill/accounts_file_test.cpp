#include "backfill/accounts_file.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

namespace siding::backfill {
namespace {

using config::Endpoint;
using config::ImapTls;

config::Backfill usual() {
    config::Backfill defaults;
    defaults.source.address = Endpoint{"imap.old.example", 993};
    defaults.destination.address = Endpoint{"imap.new.example", 993};
    return defaults;
}

Accounts read(std::string_view text, const config::Backfill& defaults = usual()) {
    auto accounts = parse_accounts(text, defaults, "/etc/siding");
    EXPECT_TRUE(accounts) << accounts.error().context;
    return accounts ? *accounts : Accounts{};
}

Account read_one(std::string_view text, const config::Backfill& defaults = usual()) {
    const Accounts accounts = read(text, defaults);
    for (const AccountsProblem& problem : accounts.problems) {
        ADD_FAILURE() << problem.text();
    }
    EXPECT_EQ(accounts.list.size(), 1U);
    return accounts.list.empty() ? Account{} : accounts.list.front();
}

std::vector<std::string> texts(const std::vector<AccountsProblem>& problems) {
    std::vector<std::string> lines;
    for (const AccountsProblem& problem : problems) {
        lines.push_back(problem.text());
    }
    return lines;
}

using Lines = std::vector<std::string>;

TEST(AccountsFile, ARowSaysAllThereIsToSay) {
    const Account account = read_one(
        "\xef\xbb\xbf# of the first weekend\r\n"
        "name,source_host,source_port,source_tls,source_user,source_secret,destination_host,"
        "destination_tls,destination_user,destination_authzid,destination_auth,"
        "destination_secret_file,destination_fingerprints,destination_folder,skip,only,map,plan,"
        "source_prefix\r\n"
        "\r\n"
        "joe,mail.old.example,1143,off,joe@old.example,\"a,b\"\"c\",[2001:db8::1]:994,"
        "implicit,"
        "admin,joe@new.example,plain,joe.secret,"
        "9F:86:D0:81:88:4C:7D:65:9A:2F:EA:A0:C5:5A:D0:15:A3:BF:4F:1B:2B:0B:82:2C:D1:5D:6C:15:B0:F0:"
        "0A:08,Old mail,Junk|Lists/*,INBOX*,Sent=Sent Items|A=B/C,joe.yaml,INBOX.\r\n"
    );
    EXPECT_EQ(account.name, "joe");
    EXPECT_EQ(account.line, 4);
    EXPECT_EQ(account.source.address, (Endpoint{"mail.old.example", 1143}));
    EXPECT_EQ(account.source.tls, ImapTls::off);
    EXPECT_EQ(account.source.user, "joe@old.example");
    EXPECT_EQ(account.source.prefix, "INBOX.");
    EXPECT_EQ(account.destination.address, (Endpoint{"2001:db8::1", 994}));
    EXPECT_EQ(account.destination.user, "admin");
    EXPECT_EQ(account.destination.authzid, "joe@new.example");
    EXPECT_EQ(account.destination.mechanism, Mechanism::plain);
    EXPECT_EQ(account.destination.secret, (Secret{Secret::Kind::file, "/etc/siding/joe.secret"}));
    EXPECT_EQ(account.destination.fingerprints.size(), 1U);
    EXPECT_EQ(account.rules.below, "Old mail");
    EXPECT_EQ(account.rules.skip, (Lines{"Junk", "Lists/*"}));
    EXPECT_EQ(account.rules.only, Lines{"INBOX*"});
    EXPECT_EQ(account.rules.map.at(1), (std::pair<std::string, std::string>{"A", "B/C"}));
    EXPECT_EQ(account.plan_file, "/etc/siding/joe.yaml");
}

TEST(AccountsFile, ALineEndInAPasswordIsRefusedAndAQuoteIsNot) {
    const Accounts accounts = read(
        "name,source_secret,destination_secret\n"
        "ann,\"a,b\"\"c\",d\"e\n"
        "joe,\"a\nb\",c\n"
        "zoe,a,b\n"
    );
    ASSERT_EQ(accounts.list.size(), 2U);
    EXPECT_EQ(accounts.list[0].source.secret.value, "a,b\"c");
    EXPECT_EQ(accounts.list[0].destination.secret.value, "d\"e");
    EXPECT_EQ(accounts.list[1].line, 5);
    EXPECT_EQ(
        texts(accounts.problems),
        Lines{"3:5: source_secret has an octet that is no UTF-8, or a control character"}
    );
}

TEST(AccountsFile, TheConfigurationSaysTheRest) {
    config::Backfill defaults = usual();
    defaults.source.tls = ImapTls::off;
    defaults.source.address = Endpoint{"127.0.0.1", 1143};
    defaults.destination.ca_file = "/ca.pem";
    const Account account = read_one(
        "source_user,source_secret_env,destination_secret_credential\njoe@a.example,PW,joe\n",
        defaults
    );
    EXPECT_EQ(account.name, "joe@a.example");
    EXPECT_EQ(account.source.address, (Endpoint{"127.0.0.1", 1143}));
    EXPECT_EQ(account.source.tls, ImapTls::off);
    EXPECT_EQ(account.source.secret, (Secret{Secret::Kind::environment, "PW"}));
    EXPECT_EQ(account.destination.address, (Endpoint{"imap.new.example", 993}));
    EXPECT_EQ(account.destination.user, "joe@a.example");
    EXPECT_EQ(account.destination.ca_file, "/ca.pem");
    EXPECT_EQ(account.destination.secret, (Secret{Secret::Kind::credential, "joe"}));
}

TEST(AccountsFile, ThePortGoesWithTlsAndTlsWithThePort) {
    struct Case {
        const char* host;
        const char* port;
        const char* tls;
        std::uint16_t port_then;
        ImapTls tls_then;
    };
    const Case cases[] = {
        {"a.example", "", "", 993, ImapTls::implicit},
        {"a.example:143", "", "", 143, ImapTls::starttls},
        {"a.example", "143", "", 143, ImapTls::starttls},
        {"a.example", "", "STARTTLS", 143, ImapTls::starttls},
        {"a.example", "", "off", 143, ImapTls::off},
        {"a.example:1", "", "off", 1, ImapTls::off},
        {"a.example", "10993", "ssl", 10993, ImapTls::implicit},
        {"", "", "starttls", 143, ImapTls::starttls},  // the host is that of the configuration
        {"", "1993", "", 1993, ImapTls::implicit},
        {"2001:db8::1", "", "", 993, ImapTls::implicit},
    };
    for (const Case& one : cases) {
        const std::string text =
            std::string{
                "name,source_host,source_port,source_tls,source_secret,"
                "destination_secret\njoe,"} +
            one.host + "," + one.port + "," + one.tls + ",a,b\n";
        const Account account = read_one(text);
        EXPECT_EQ(account.source.address.port, one.port_then) << text;
        EXPECT_EQ(account.source.tls, one.tls_then) << text;
    }
}

TEST(AccountsFile, ColumnsOfOtherProgramsAreKnown) {
    const Account imapsync = read_one(
        "host1;user1;password1;host2;authuser2;user2;passfile2\na.example;u;p;b.example;root;v;/f"
    );
    EXPECT_EQ(imapsync.source.address.host, "a.example");
    EXPECT_EQ(imapsync.source.secret, (Secret{Secret::Kind::text, "p"}));
    EXPECT_EQ(imapsync.destination.user, "root");
    EXPECT_EQ(imapsync.destination.authzid, "v");
    EXPECT_EQ(imapsync.destination.secret, (Secret{Secret::Kind::file, "/f"}));
    const Account microsoft = read_one(
        "EmailAddress,UserName,Password,UserRoot,destination_secret\n"
        "joe@new.example,joe.old,p,INBOX.,q\n"
    );
    EXPECT_EQ(microsoft.name, "joe@new.example");
    EXPECT_EQ(microsoft.source.user, "joe.old");
    EXPECT_EQ(microsoft.source.prefix, "INBOX.");
    EXPECT_EQ(microsoft.destination.user, "joe@new.example");
    const Account words =
        read_one("Name\tOld Host\tSource-User\tSource Password\tnew password\nj\th\tu\tp\tq\n");
    EXPECT_EQ(words.source.address.host, "h");
    EXPECT_EQ(words.destination.user, "u");
}

TEST(AccountsFile, LinesOfImapsyncNeedNoHeader) {
    const Accounts accounts = read(
        "# host1;user1;password1;host2;user2;password2;\n"
        "a.example;joe;p\"w,1 ;b.example:143;joe2;p2;\n"
        "a.example;ann;p;b.example;ann;p;--automap;\n"
        "a.example;zoe;p\n"
    );
    ASSERT_EQ(accounts.list.size(), 2U);
    EXPECT_EQ(accounts.list[0].name, "joe");
    EXPECT_EQ(accounts.list[0].source.secret.value, "p\"w,1 ");
    EXPECT_EQ(accounts.list[0].destination.address, (Endpoint{"b.example", 143}));
    EXPECT_EQ(accounts.list[0].destination.tls, ImapTls::starttls);
    EXPECT_EQ(
        texts(accounts.warnings),
        (Lines{
            "2:15: source_secret has a blank at one end, which is part of it",
            "3:33: what follows the sixth field is not read"})
    );
    EXPECT_EQ(
        texts(accounts.problems),
        Lines{"4: has 3 fields where 6 are expected; a field with ';' in it needs quotes"}
    );
}

TEST(AccountsFile, ARowNamedStarGivesWhatIsEmptyBelow) {
    const Accounts accounts = read(
        "name,source_admin,source_authzid,source_secret,source_secret_file,destination_secret\n"
        "*,root,,,/etc/root.secret,z\n"
        "joe,,,,,\n"
        "ann,,,p,,q\n"
        "zoe*master,,zoe,p,,\n"
    );
    EXPECT_EQ(texts(accounts.problems), Lines{});
    ASSERT_EQ(accounts.list.size(), 3U);
    EXPECT_EQ(accounts.list[0].source.user, "root");
    EXPECT_EQ(accounts.list[0].source.authzid, "joe");
    EXPECT_EQ(accounts.list[0].source.secret, (Secret{Secret::Kind::file, "/etc/root.secret"}));
    EXPECT_EQ(accounts.list[0].destination.secret.value, "z");
    EXPECT_EQ(accounts.list[1].source.user, "root");
    EXPECT_EQ(accounts.list[1].source.secret.value, "p");
    EXPECT_EQ(accounts.list[1].destination.secret.value, "q");
    EXPECT_EQ(accounts.list[2].source.user, "zoe*master");
    EXPECT_EQ(accounts.list[2].source.authzid, "zoe");
    EXPECT_EQ(accounts.list[2].destination.user, "zoe");
}

TEST(AccountsFile, AMasterUserOfDovecotIsSentAsItStands) {
    const Accounts accounts = read(
        "name,source_user,source_secret,destination_user,destination_secret\n"
        "joe,joe*master,p,joe*master,q\n"
        "ann,ann*master,p,,q\n"
    );
    ASSERT_EQ(accounts.list.size(), 1U);
    EXPECT_EQ(accounts.list[0].source.user, "joe*master");
    EXPECT_EQ(accounts.list[0].destination.user, "joe*master");
    EXPECT_EQ(texts(accounts.problems), Lines{"3: destination_user is missing"});
}

TEST(AccountsFile, ALoginKnowsWhoseItIsAndWhereItsTokensComeFrom) {
    const Account account = read_one(
        "name,source_user,source_secret,destination_token_endpoint,destination_token_client_id,"
        "destination_token_device_endpoint,destination_token_ca_file\n"
        "joe,j,p,https://login.example/t,siding,https://login.example/device,ca.pem\n"
    );
    EXPECT_EQ(account.source.account, "joe");
    EXPECT_EQ(account.source.side, Side::source);
    EXPECT_FALSE(account.source.needs_token());
    EXPECT_EQ(account.destination.account, "joe");
    EXPECT_EQ(account.destination.side, Side::destination);
    EXPECT_TRUE(account.destination.needs_token());
    EXPECT_EQ(account.destination.tokens->device_endpoint, "https://login.example/device");
    EXPECT_TRUE(account.destination.tokens->ca_file->ends_with("/ca.pem"));
}

TEST(AccountsFile, TokensNeedNoSecretOfTheAccount) {
    config::Backfill defaults = usual();
    defaults.source.tokens = config::TokenSource{"https://login.example/t", "id", {}, "s", "", {}};
    const Account account = read_one(
        "name,source_auth,destination_auth,destination_secret,destination_token_endpoint,"
        "destination_token_client_id\n"
        "joe,XOAUTH2,oauthbearer,refresh,http://127.0.0.1:80/t,siding\n",
        defaults
    );
    EXPECT_EQ(account.source.secret.kind, Secret::Kind::none);
    EXPECT_EQ(account.source.tokens, defaults.source.tokens);
    EXPECT_EQ(account.destination.mechanism, Mechanism::oauthbearer);
    EXPECT_EQ(account.destination.secret.value, "refresh");
    EXPECT_EQ(account.destination.tokens->endpoint, "http://127.0.0.1:80/t");
}

struct Mistake {
    const char* header;
    const char* row;
    const char* problem;  // the only one
};

constexpr const char* secrets = ",source_secret,destination_secret";

TEST(AccountsFile, MistakesAreToldWithTheirPlaceAndWithoutWhatStandsThere) {
    const Mistake mistakes[] = {
        {"name,source_port", "joe,99999,p,q", "2:5: source_port is no port; allowed: 1 to 65535"},
        {"name,source_port", "joe,0,p,q", "2:5: source_port is no port; allowed: 1 to 65535"},
        {"name,source_host",
         "joe,a_b c,p,q",
         "2:5: source_host is no host; allowed: a name or an address, and a port, such as "
         "imap.example.com, 192.0.2.1:993 or [2001:db8::1]:993"},
        {"name,source_host,source_port",
         "joe,a.example:1,2,p,q",
         "2:17: source_port is another one than the host's; write one of them"},
        {"name,source_tls",
         "joe,tls,p,q",
         "2:5: source_tls is not accepted; allowed: implicit, starttls or off"},
        {"name,source_auth",
         "joe,ntlm,p,q",
         "2:5: source_auth is not accepted; allowed: auto, plain, login, scram-sha-256, xoauth2 or "
         "oauthbearer"},
        {"name,source_auth,source_authzid",
         "joe,login,ann,p,q",
         "2:5: source_auth is login, which cannot log in for another user; use plain or proxyauth"},
        {"name,source_admin,source_authzid",
         "joe,root,ann,p,q",
         "2:10: source_authzid stands beside source_admin, which says the same; write one of them"},
        {"name,source_proxyauth",
         "joe,yes,p,q",
         "2:5: source_proxyauth needs to know for whom; write authzid"},
        {"name,source_proxyauth",
         "joe,perhaps,p,q",
         "2:5: source_proxyauth is not accepted; allowed: true or false"},
        {"name,source_secret_file",
         "joe,/f,p,q",
         "2:5: source_secret_file is a second secret for this login; write one of them"},
        {"name,source_fingerprints",
         "joe,abc,p,q",
         "2:5: source_fingerprints is no SHA-256 fingerprint of 64 digits, or several with | "
         "between"},
        {"name,source_token_scope,source_token_client_id",
         "joe,s,c,p,q",
         "2: source_token_endpoint is missing; the other columns of tokens need it"},
        {"name,source_token_endpoint,source_token_client_id",
         "joe,http://login.example/,c,p,q",
         "2:5: source_token_endpoint is not accepted; allowed: https://host/path, or http:// with "
         "a loopback address"},
        {"name,source_token_endpoint,source_token_client_id,source_token_device_endpoint",
         "joe,https://login.example/,c,login.example/device,p,q",
         "2:30: source_token_device_endpoint is not accepted; allowed: https://host/path, or "
         "http:// with a loopback address"},
        {"name,map",
         "joe,A,p,q",
         "2:5: map is no list such as Old=New|Older=Archive/Older; a plan can say the rest"},
        {"name,skip",
         "joe,p,q",
         "2: has 3 fields where 4 are expected; a field with ',' in it needs quotes"},
        {"name,skip",
         "joe,,p,q,hunter2",
         "2: has 5 fields where 4 are expected; a field with ',' in it needs quotes"},
        {"name,skip",
         "joe,\"a\"b,p,q",
         "2:5: this field goes on after its closing quote; a quote "
         "inside a field is written twice"},
        {"name,skip", "joe,\"a,p,q", "2:5: this field has a quote that is not closed"},
        {"name,skip",
         "joe,\xff,p,q",
         "2:5: skip has an octet that is no UTF-8, or a control character"},
        {"name,skip",
         "joe,,,q",
         "2: source_secret is missing; source_secret, source_secret_file, source_secret_env or "
         "source_secret_credential says how to log in"},
        {"name,skip",
         "joe,,p,q\nann,,p,q\nJoe,,p,q",
         "4: has the name of the account in line 2; a column name can tell them apart"},
    };
    for (const Mistake& mistake : mistakes) {
        const Accounts accounts =
            read(std::string{mistake.header} + secrets + "\n" + mistake.row + "\n");
        EXPECT_EQ(texts(accounts.problems), Lines{mistake.problem}) << mistake.row;
    }
}

TEST(AccountsFile, TheOtherLinesAreReadAndEveryMistakeIsTold) {
    const Accounts accounts = read(
        "name,source_port,source_secret,destination_secret\n"
        "joe,x,p,q\n"
        "ann,143,\"p,q\n"
        "zoe,143,p,q\n"
        "\n"
        ",,,\n"
        "max,143,p\n"
    );
    ASSERT_EQ(accounts.list.size(), 1U);
    EXPECT_EQ(accounts.list[0].name, "zoe");
    EXPECT_EQ(accounts.problems.size(), 3U);
    EXPECT_NE(find_account(accounts, "ZOE"), nullptr);
    EXPECT_EQ(find_account(accounts, "joe"), nullptr);
}

TEST(AccountsFile, WhatIsNoAccountsFileIsRefused) {
    struct Case {
        const char* text;
        const char* error;
    };
    const Case cases[] = {
        {"", "this is no accounts file: nothing is in it"},
        {"# name\n\n", "this is no accounts file: nothing is in it"},
        {"\xff\xfen\0a\0", "this is no accounts file: it is UTF-16; save it as UTF-8"},
        {"a.example,joe,hunter2,b.example\n",
         "this is no accounts file: line 1 names no columns that are known, such as "
         "name,source_host,source_user,source_secret_file,destination_host,…, and is no "
         "host1;user1;password1;host2;user2;password2;"},
        {"name,source_user,Name\n",
         "this is no accounts file: line 1, column 18: name is there a second time"},
        {"name,source_user,source_pasword\n",
         "this is no accounts file: line 1, column 18: no such column; did you mean "
         "source_secret_file?"},
        {"name;source_user;\"source_secret;source_port;skip;only;map\n",
         "this is no accounts file: line 1, column 18: has a quote that is not closed"},
        {"source_host,source_port\n",
         "this is no accounts file: there is no column name and none source_user"},
    };
    for (const Case& one : cases) {
        const auto accounts = parse_accounts(one.text, usual());
        ASSERT_FALSE(accounts) << one.text;
        EXPECT_EQ(accounts.error().context.find("hunter2"), std::string::npos);
        if (std::string_view{one.error}.find("did you mean") == std::string_view::npos) {
            EXPECT_EQ(accounts.error().context, one.error);
        } else {
            EXPECT_TRUE(accounts.error().context.starts_with(
                "this is no accounts file: line 1, column 18: no such column"
            )) << accounts.error().context;
        }
    }
}

TEST(AccountsFile, ColumnsThatAreNotReadAreToldByTheirPlace) {
    const Accounts accounts =
        read("name,Department,source_secret,destination_secret\njoe,Sales,p,q\n");
    EXPECT_EQ(texts(accounts.warnings), Lines{"1:6: what stands in this column is not read"});
    EXPECT_EQ(accounts.list.size(), 1U);
}

TEST(AccountsFile, ClearTextIsWarnedOfUnlessItStaysOnThisMachine) {
    const Accounts accounts = read(
        "name,source_host,source_tls,source_secret,destination_secret\n"
        "joe,192.0.2.1,off,p,q\nann,127.0.0.1,off,p,q\n"
    );
    EXPECT_EQ(
        texts(accounts.warnings),
        Lines{"2:15: source_tls is off: the password and all mail go in the clear"}
    );
}

TEST(AccountsFile, ManyMistakesEndTheReading) {
    std::string text = "name,source_secret,destination_secret\n";
    for (int i = 0; i < 5000; ++i) {
        text += "joe,p\n";
    }
    const Accounts accounts = read(text);
    EXPECT_EQ(accounts.problems.size(), 1001U);
    EXPECT_EQ(accounts.problems.back().what, "there are too many mistakes; the rest is not read");
}

TEST(AccountsFile, AFileThatOthersCanReadIsWarnedOf) {
    const std::filesystem::path directory =
        std::filesystem::path{testing::TempDir()} / ("accounts-" + std::to_string(getpid()));
    std::filesystem::create_directories(directory);
    config::Backfill defaults = usual();
    EXPECT_TRUE(load_accounts(defaults).error().is(Errc::not_found));
    defaults.accounts = (directory / "accounts.csv").string();
    EXPECT_TRUE(load_accounts(defaults).error().is(Errc::not_found));
    const auto write = [&](const char* text, mode_t mode) {
        std::ofstream{*defaults.accounts} << text;
        chmod(defaults.accounts->c_str(), mode);
        return load_accounts(defaults);
    };
    const char* with_secret = "name,source_secret,destination_secret_file\njoe,p,joe.secret\n";
    EXPECT_EQ(write(with_secret, 0644)->warnings.size(), 1U);
    const auto accounts = write(with_secret, 0640);
    EXPECT_EQ(texts(accounts->warnings), Lines{});
    EXPECT_EQ(accounts->list.at(0).destination.secret.value, (directory / "joe.secret").string());
    const char* without = "name,source_secret_file,destination_secret_file\njoe,a,b\n";
    EXPECT_EQ(texts(write(without, 0644)->warnings), Lines{});
    std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace siding::backfill
