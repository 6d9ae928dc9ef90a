#include "relay/inbound_listener.hpp"

#include "tests/support/temp_directory.hpp"
#include "tests/support/test_certificates.hpp"

#include <gtest/gtest.h>

namespace siding::relay {
namespace {

using namespace std::chrono_literals;
using Load = InboundListener::Load;

class InboundListenerTest : public testing::Test {
protected:
    static config::Listener with_starttls() {
        config::Listener settings;
        settings.tls = config::ListenerTls::starttls;
        return settings;
    }

    // Known by its life.
    config::Tls write(const std::string& name, std::chrono::hours life) {
        test::CertificateOptions options;
        options.valid_until = life;
        const auto certificate = test::TestCertificate::self_signed(options);
        const auto files = test::write_files(certificate, (directory_ / name.c_str()).string());
        return {.identity = config::Identity{files.certificate, files.key}};
    }
    std::chrono::hours life() const {
        const auto left = *listener_.tls()->earliest_expiry() - SystemClock{}.now();
        return std::chrono::round<std::chrono::hours>(left);
    }

    test::TempDirectory directory_;
    Metrics metrics_;
    InboundMetrics all_{metrics_};
    InboundListener listener_{with_starttls(), "test", all_.of("test")};
};

TEST_F(InboundListenerTest, CertificatesAreReadAgainWhenTheyChange) {
    const auto tls = write("mx", 10h);
    listener_.load_tls(tls, Load::anyway);
    EXPECT_EQ(life(), 10h);
    listener_.load_tls(tls, Load::if_changed);
    write("mx", 20h);
    listener_.load_tls(tls, Load::if_changed);
    EXPECT_EQ(life(), 20h);
}

TEST_F(InboundListenerTest, NoCertificateIsNoTlsUntilThereIsOne) {
    const auto tls = write("mx", 10h);
    std::filesystem::remove(tls.identity->key);
    listener_.load_tls(tls, Load::anyway);
    EXPECT_EQ(listener_.tls(), nullptr);
    write("mx", 20h);
    listener_.load_tls(tls, Load::if_changed);
    EXPECT_EQ(life(), 20h);
}

// A reload names files that cannot be used yet: the old ones serve on, and are not all there is to
// look at.
TEST_F(InboundListenerTest, WhatCouldNotBeReadIsTriedAgain) {
    listener_.load_tls(write("old", 10h), Load::anyway);
    const auto tls = write("new", 20h);
    std::filesystem::remove(tls.identity->key);
    listener_.load_tls(tls, Load::anyway);
    EXPECT_EQ(life(), 10h);
    write("new", 30h);
    listener_.load_tls(tls, Load::if_changed);
    EXPECT_EQ(life(), 30h);
}

// RFC 8689 §4.2.1: PKIX or DANE, and a name that nobody can forge.
TEST_F(InboundListenerTest, RequiretlsIsForServersThatAreAuthenticated) {
    const auto is_offered = [this](const std::vector<config::Server>& servers) {
        config::Config config;
        for (const config::Server& server : servers) {
            config.servers.emplace("server" + std::to_string(config.servers.size()), server);
        }
        const auto options = listener_.dialogue_options(config, {});
        return options.offered.has(smtp::Extension::requiretls);
    };
    const auto with = [](config::ServerTls tls) {
        config::Server server;
        server.tls = tls;
        return server;
    };
    const config::Server verify = with(config::ServerTls::verify);
    const config::Server dane = with(config::ServerTls::dane);
    EXPECT_TRUE(is_offered({verify}));
    EXPECT_TRUE(is_offered({verify, dane}));
    for (const auto weaker :
         {config::ServerTls::off,
          config::ServerTls::opportunistic,
          config::ServerTls::required,
          config::ServerTls::fingerprint}) {
        EXPECT_FALSE(is_offered({verify, with(weaker), dane}));
    }
    config::Server mx = verify;
    mx.mx = true;
    EXPECT_FALSE(is_offered({mx})) << "whatever host DNS names";
    mx.tls_name = "mx.example.com";
    EXPECT_TRUE(is_offered({mx}));
    mx = dane;
    mx.mx = true;
    EXPECT_TRUE(is_offered({mx}));
}

}  // namespace
}  // namespace siding::relay
