#include "net/tls_server.hpp"

#include "net/network_error.hpp"
#include "tests/net/run_loop.hpp"
#include "tests/net/tls_pair.hpp"

#include <algorithm>
#include <filesystem>
#include <vector>

namespace siding::net {
namespace {

using namespace std::chrono_literals;
using test::CertificateOptions;
using test::TestCertificate;

class TlsServerTest : public testing::Test {
protected:
    TlsIdentityFiles store(const TestCertificate& certificate, const std::string& stem) {
        const auto files = test::write_files(certificate, directory_ / stem);
        return {files.certificate, files.key};
    }

    TlsIdentityFiles store(const CertificateOptions& options, const std::string& stem) {
        return store(TestCertificate::self_signed(options), stem);
    }

    TlsServer::Options options(const std::string& context = "mx") {
        TlsServer::Options made;
        made.identity = TlsIdentityFiles{directory_ / "default.crt", directory_ / "default.key"};
        made.session_context = context;
        return made;
    }

    std::shared_ptr<TlsServer> serve(const TlsServer::Options& wanted) {
        auto server = TlsServer::create(wanted);
        EXPECT_TRUE(server.has_value()) << server.error().message();
        return std::move(server).value();
    }

    TemporaryDirectory directory_;
    TestCertificate default_ = TestCertificate::self_signed({});
    TlsIdentityFiles default_files_ = store(default_, "default");
};

TEST_F(TlsServerTest, tells_what_was_agreed) {
    const auto server = serve(options());
    TlsPair pair{*server, {.server_name = "Mx.Example.COM"}};
    ASSERT_TRUE(pair.shake_hands());
    const TlsFacts facts = pair.server().facts();
    EXPECT_EQ(facts.version, "TLSv1.3");
    EXPECT_EQ(facts.cipher, "TLS_AES_256_GCM_SHA384");
    EXPECT_EQ(facts.cipher_bits, 256);
    EXPECT_EQ(facts.server_name, "mx.example.com");
    EXPECT_EQ(facts.peer_fingerprint, "");
    EXPECT_FALSE(facts.peer_verified);
    EXPECT_FALSE(facts.resumed);
}

TEST_F(TlsServerTest, chooses_the_certificate_by_name) {
    const auto two = TestCertificate::self_signed({.common_name = "mx2.example.com"});
    const auto star = TestCertificate::self_signed({.common_name = "*.example.org"});
    auto wanted = options();
    wanted.names["mx2.example.com"] = store(two, "two");
    wanted.names["*.example.org"] = store(star, "star");
    const auto server = serve(wanted);
    const std::vector<std::pair<std::string, const TestCertificate*>> rows{
        {"", &default_},
        {"mx2.example.com", &two},
        {"MX2.example.COM", &two},
        {"mx3.example.com", &default_},
        {"a.example.org", &star},
        {"a.b.example.org", &default_},  // RFC 6125 §6.4.3: one label
        {"example.org", &default_},
        {"localhost", &default_},
    };
    for (const auto& [name, certificate] : rows) {
        TlsPair pair{*server, {.server_name = name}};
        EXPECT_TRUE(pair.shake_hands()) << name;
        EXPECT_EQ(pair.shown(), certificate->fingerprint()) << name;
    }
}

TEST_F(TlsServerTest, serves_the_first_name_where_there_is_no_default) {
    const auto one = TestCertificate::self_signed({.common_name = "one.example.com"});
    TlsServer::Options wanted;
    wanted.names["one.example.com"] = store(one, "one");
    wanted.names["two.example.com"] = store({.common_name = "two.example.com"}, "two");
    const auto server = serve(wanted);
    TlsPair pair{*server, {}};
    EXPECT_TRUE(pair.shake_hands());
    EXPECT_EQ(pair.shown(), one.fingerprint());
}

TEST_F(TlsServerTest, takes_rsa_too) {
    store({.rsa = true}, "default");
    const auto server = serve(options());
    TlsPair pair{*server, {.version_max = TLS1_2_VERSION}};
    EXPECT_TRUE(pair.shake_hands());
    EXPECT_EQ(pair.server().facts().cipher, "ECDHE-RSA-AES128-GCM-SHA256");
}

TEST_F(TlsServerTest, refuses_what_is_old) {
    const auto server = serve(options());
    auto strict = options();
    strict.tls13_only = true;
    const auto strict_server = serve(strict);
    struct Row {
        const TlsServer& server;
        ClientSettings client;
        bool welcome;
    };
    const std::vector<Row> rows{
        {*server, {.version_max = TLS1_2_VERSION}, true},
        {*server, {.version_max = TLS1_1_VERSION}, false},
        {*server, {.version_max = TLS1_VERSION}, false},
        {*server, {.version_max = TLS1_2_VERSION, .ciphers = "kRSA"}, false},
        {*server, {.version_max = TLS1_2_VERSION, .ciphers = "ECDHE-ECDSA-AES128-SHA256"}, false},
        {*server, {.version_max = TLS1_2_VERSION, .ciphers = "aNULL:eNULL"}, false},
        {*strict_server, {}, true},
        {*strict_server, {.version_max = TLS1_2_VERSION}, false},
    };
    for (std::size_t n = 0; n < rows.size(); ++n) {
        TlsPair pair{rows[n].server, rows[n].client};
        EXPECT_EQ(pair.shake_hands(), rows[n].welcome) << n;
        const Error failure{pair.server().failure(), "handshake"};
        EXPECT_EQ(is_tls_failure(failure), !rows[n].welcome) << n << failure.message();
    }
}

TEST_F(TlsServerTest, does_not_renegotiate) {
    const auto server = serve(options());
    TlsPair pair{*server, {.version_max = TLS1_2_VERSION}};
    ASSERT_TRUE(pair.shake_hands());
    ASSERT_EQ(::SSL_renegotiate(pair.client_ssl()), 1);
    std::array<char, 16> room;
    std::size_t count = 0;
    EXPECT_EQ(pair.client().shake_hands(), TlsEngine::Status::want_read);
    EXPECT_EQ(pair.server().read(room, count), TlsEngine::Status::want_read);
    EXPECT_EQ(pair.client().shake_hands(), TlsEngine::Status::failed);
}

TEST_F(TlsServerTest, is_not_kept_busy_by_key_updates) {
    const auto server = serve(options());
    TlsPair pair{*server, {}};
    ASSERT_TRUE(pair.shake_hands());
    std::array<char, 16> room;
    std::size_t count = 0;
    for (int n = 0; n < 3000; ++n) {
        ASSERT_EQ(::SSL_key_update(pair.client_ssl(), SSL_KEY_UPDATE_NOT_REQUESTED), 1);
        while (pair.client().shake_hands() == TlsEngine::Status::want_write) {
            ASSERT_EQ(pair.server().peek(), TlsEngine::Status::want_read);
        }
    }
    ASSERT_EQ(pair.client().write("x", count), TlsEngine::Status::done);
    for (int turn = 0; turn < 10 && pair.server().peek() != TlsEngine::Status::done; ++turn) {
    }
    EXPECT_EQ(pair.server().read(room, count), TlsEngine::Status::done);
    EXPECT_EQ(std::string_view(room.data(), count), "x");
}

class TicketTest : public TlsServerTest, public testing::WithParamInterface<int> {
protected:
    Session first_session(const TlsServer& server) {
        TlsPair pair{server, {.version_max = GetParam()}};
        EXPECT_TRUE(pair.shake_hands());
        EXPECT_FALSE(pair.server().facts().resumed);
        return pair.session();
    }

    bool resumes(const TlsServer& server, const Session& session) {
        TlsPair pair{server, {.version_max = GetParam(), .session = session.get()}};
        EXPECT_TRUE(pair.shake_hands());
        return pair.server().facts().resumed;
    }
};

// TLS 1.3 tickets are for one use by custom (RFC 8446 §C.4), so each question takes a new one.
TEST_P(TicketTest, is_good_at_its_own_listener_only) {
    const auto one = serve(options("mx"));
    const auto same_name = serve(options("mx"));
    const auto other = serve(options("submission"));
    EXPECT_TRUE(resumes(*one, first_session(*one)));
    EXPECT_FALSE(resumes(*same_name, first_session(*one)));
    EXPECT_FALSE(resumes(*other, first_session(*one)));
}

TEST_P(TicketTest, survives_a_reload) {
    const auto server = serve(options());
    const Session session = first_session(*server);
    ASSERT_TRUE(server->reload(options()).has_value());
    EXPECT_TRUE(resumes(*server, session));
}

INSTANTIATE_TEST_SUITE_P(Versions, TicketTest, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION));

TEST_F(TlsServerTest, records_a_client_certificate_and_takes_any) {
    auto asking = options();
    asking.request_client_certificate = true;
    const auto server = serve(asking);
    const auto authority = TestCertificate::authority("Nobody's Root\x1b[2J");
    const auto client = authority.issue({.common_name = "relay.example.net"});
    const auto expired = authority.issue({.common_name = "old", .valid_until = -1s});
    for (const auto* const certificate : {&client, &expired}) {
        TlsPair pair{*server, {.certificate = certificate}};
        ASSERT_TRUE(pair.shake_hands());
        const TlsFacts facts = pair.server().facts();
        EXPECT_EQ(facts.peer_fingerprint, certificate->fingerprint());
        EXPECT_EQ(facts.peer_issuer, "Nobody's Root\\x1b[2J");
        EXPECT_FALSE(facts.peer_verified);
    }
    TlsPair without{*server, {}};
    ASSERT_TRUE(without.shake_hands());
    EXPECT_EQ(without.server().facts().peer_fingerprint, "");
    EXPECT_FALSE(without.server().facts().peer_verified);
}

TEST_F(TlsServerTest, does_not_ask_for_certificates_unless_told) {
    const auto server = serve(options());
    const auto client = TestCertificate::self_signed({.common_name = "relay.example.net"});
    TlsPair pair{*server, {.certificate = &client}};
    ASSERT_TRUE(pair.shake_hands());
    EXPECT_EQ(pair.server().facts().peer_fingerprint, "");
}

TEST_F(TlsServerTest, reloads_for_new_connections) {
    const auto server = serve(options());
    TlsPair under_way{*server, {}};
    under_way.client().shake_hands();
    EXPECT_FALSE(server->files_changed());
    const auto fresh = TestCertificate::self_signed({});
    store(fresh, "default");
    EXPECT_TRUE(server->files_changed());
    ASSERT_TRUE(server->reload(options()).has_value());
    EXPECT_FALSE(server->files_changed());
    EXPECT_TRUE(under_way.shake_hands());
    EXPECT_EQ(under_way.shown(), default_.fingerprint());
    TlsPair next{*server, {}};
    EXPECT_TRUE(next.shake_hands());
    EXPECT_EQ(next.shown(), fresh.fingerprint());
}

TEST_F(TlsServerTest, keeps_the_old_files_when_the_new_are_bad) {
    const auto server = serve(options());
    test::write_file(default_files_.certificate, "nonsense");
    EXPECT_TRUE(server->reload(options()).has_error());
    EXPECT_TRUE(server->files_changed());
    std::filesystem::remove(default_files_.certificate);
    EXPECT_TRUE(server->reload(options()).has_error());
    TlsPair pair{*server, {}};
    EXPECT_TRUE(pair.shake_hands());
    EXPECT_EQ(pair.shown(), default_.fingerprint());
}

TEST_F(TlsServerTest, says_which_file_is_wrong_and_why) {
    const auto other = store({}, "other");
    const std::string locked = directory_ / "locked.key";
    test::write_file(locked, default_.key_pem("secret"));
    const std::string cut = directory_ / "cut.crt";
    const std::string pem = default_.certificate_pem();
    test::write_file(cut, pem.substr(0, pem.size() / 2));
    const std::string missing = directory_ / "missing.pem";
    const auto& [certificate, key] = default_files_;
    struct Row {
        TlsIdentityFiles files;
        std::string words;
    };
    const std::vector<Row> rows{
        {{missing, key}, "cannot read " + missing + ": No such file"},
        {{certificate, missing}, "cannot read " + missing},
        {{key, key}, key + " holds no certificate"},
        {{certificate, certificate}, "no private key in PEM can be read from " + certificate},
        {{certificate, other.key}, "the key " + other.key + " does not belong to"},
        {{certificate, locked}, "the key " + locked + " has a passphrase"},
        {{cut, key}, "cannot read the certificates in " + cut},
        {{directory_ / "", key}, "cannot read " + (directory_ / "")},
    };
    for (const Row& row : rows) {
        auto wanted = options();
        wanted.identity = row.files;
        const auto server = TlsServer::create(wanted);
        ASSERT_TRUE(server.has_error()) << row.words;
        EXPECT_TRUE(server.error().message().starts_with(row.words)) << server.error().message();
    }
    EXPECT_TRUE(TlsServer::create({}).has_error());
}

TEST_F(TlsServerTest, warns_of_what_still_works) {
    const auto healthy = serve(options());
    EXPECT_TRUE(healthy->warnings().empty());
    store({.valid_from = -2h, .valid_until = -1h}, "default");
    auto wanted = options();
    wanted.names["mx2.example.com"] = store({.common_name = "mx3.example.com"}, "two");
    wanted.names["*.example.org"] = store({.common_name = "*.example.org"}, "star");
    wanted.names["late.example.com"] =
        store({.common_name = "late.example.com", .valid_from = 1h}, "late");
    std::filesystem::permissions(directory_ / "star.key", std::filesystem::perms{0644});
    const auto server = serve(wanted);
    const auto warnings = server->warnings();
    const auto warned = [&](const std::string& words) {
        return std::ranges::any_of(warnings, [&](const auto& w) { return w.starts_with(words); });
    };
    EXPECT_EQ(warnings.size(), 4U);
    EXPECT_TRUE(warned((directory_ / "default.crt") + ": certificate expired on 2"));
    EXPECT_TRUE(warned((directory_ / "two.crt") + ": certificate does not cover mx2.example.com"));
    EXPECT_TRUE(warned((directory_ / "star.key") + ": every user can read this key"));
    EXPECT_TRUE(warned((directory_ / "late.crt") + ": certificate is not valid before"));
    const auto now = SystemClock{}.now();
    ASSERT_TRUE(server->earliest_expiry().has_value());
    EXPECT_LT(*server->earliest_expiry(), now);
    EXPECT_GT(*healthy->earliest_expiry(), now + 24h);
}

}  // namespace
}  // namespace siding::net
