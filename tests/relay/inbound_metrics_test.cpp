#include "relay/inbound_metrics.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace siding::relay {
namespace {

class InboundMetricsTest : public testing::Test {
protected:
    // The value of a cell, by its name and labels as the exposition writes them.
    std::string value(const std::string& cell) const {
        const std::string text = "\n" + metrics_.text();
        const auto at = text.find("\n" + cell + " ");
        if (at == std::string::npos) {
            return "none";
        }
        const auto begin = at + cell.size() + 2;
        return text.substr(begin, text.find('\n', begin) - begin);
    }
    std::string replies(const std::string& code, const std::string& reason) const {
        return value(
            "siding_smtpd_replies_total{code=\"" + code + "\",listener=\"a:25\",reason=\"" +
            reason + "\"}"
        );
    }
    std::string commands(const std::string& verb) const {
        return value("siding_smtpd_commands_total{listener=\"a:25\",verb=\"" + verb + "\"}");
    }

    Metrics metrics_;
    InboundMetrics inbound_{metrics_};
    const ListenerMetrics& listener_ = inbound_.of("a:25");
};

TEST_F(InboundMetricsTest, AListenerHasItsOwnCells) {
    const ListenerMetrics& other = inbound_.of("b:465");
    EXPECT_EQ(&inbound_.of("a:25"), &listener_);
    EXPECT_NE(&other, &listener_);
    listener_.connections.add();
    listener_.connections.add();
    other.sessions.add(1);
    other.end_of_data.observe(0.5);
    other.filter.observe(0.02);
    listener_.count_refused(RefusalClass::relay_denied);
    listener_.count_refused(RefusalClass::other);
    EXPECT_EQ(value("siding_smtpd_connections_total{listener=\"a:25\"}"), "2");
    EXPECT_EQ(value("siding_smtpd_connections_total{listener=\"b:465\"}"), "0");
    EXPECT_EQ(value("siding_smtpd_sessions{listener=\"b:465\"}"), "1");
    EXPECT_EQ(value("siding_smtpd_end_of_data_seconds_count{listener=\"b:465\"}"), "1");
    EXPECT_EQ(value("siding_smtpd_stage_seconds_count{listener=\"b:465\",stage=\"filter\"}"), "1");
    for (const char* reason : {"relay_denied", "other"}) {
        EXPECT_EQ(
            value(
                std::string{"siding_smtpd_refused_total{listener=\"a:25\",reason=\""} + reason +
                "\"}"
            ),
            "1"
        );
    }
}

TEST_F(InboundMetricsTest, RepliesByCodeAndReason) {
    listener_.count_replies("220 hold.example.net ESMTP Siding\r\n");
    listener_.count_replies("250-hold.example.net\r\n250-PIPELINING\r\n250 SIZE 1000\r\n");
    listener_.count_replies(
        "250 2.1.0 Ok\r\n550 5.1.1 Unknown\r\n250 2.1.0 Ok\r\n250\r\n354 Go ahead\r\n"
    );
    listener_.count_replies("550 5.7.1234 odd\r\n550 2.1.0 odd\r\n550 5.1.1x odd\r\n");
    listener_.count_replies("999 what\r\n");
    EXPECT_EQ(replies("220", ""), "1");
    EXPECT_EQ(replies("250", ""), "2");
    EXPECT_EQ(replies("250", "2.1.0"), "2");
    EXPECT_EQ(replies("550", "5.1.1"), "1");
    EXPECT_EQ(replies("550", ""), "3");
    EXPECT_EQ(replies("354", ""), "1");
    EXPECT_EQ(replies("other", ""), "1");
}

TEST_F(InboundMetricsTest, TheKindsOfRepliesAreBounded) {
    for (int detail = 0; detail < 1000; ++detail) {
        listener_.count_replies("550 5.7." + std::to_string(detail) + " no\r\n");
    }
    listener_.count_replies("550 5.7.0 no\r\n");
    EXPECT_EQ(replies("550", "5.7.0"), "2");
    EXPECT_EQ(replies("550", "5.7.127"), "1");
    EXPECT_EQ(replies("550", "5.7.128"), "none");
    EXPECT_EQ(replies("other", ""), "872");
}

TEST_F(InboundMetricsTest, RepliesFromManyThreads) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([this] {
            for (int i = 0; i < 1000; ++i) {
                listener_.count_replies("250 2.1." + std::to_string(i % 50) + " Ok\r\n");
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    for (int detail = 0; detail < 50; ++detail) {
        EXPECT_EQ(replies("250", "2.1." + std::to_string(detail)), "80");
    }
}

TEST_F(InboundMetricsTest, WhatAClientSaysIsNoLabel) {
    listener_.count_command("MAIL FROM:<a@b>");
    listener_.count_command("mail");
    listener_.count_command("EHLO\tx");
    listener_.count_command("GET / HTTP/1.1");
    listener_.count_command("");
    listener_.count_tls_handshake("TLSv1.3");
    listener_.count_tls_handshake("TLSv1.1");
    EXPECT_EQ(commands("MAIL"), "2");
    EXPECT_EQ(commands("EHLO"), "1");
    EXPECT_EQ(commands("other"), "2");
    const std::string cell = "siding_smtpd_tls_handshakes_total{listener=\"a:25\",version=\"";
    EXPECT_EQ(value(cell + "TLSv1.3\"}"), "1");
    EXPECT_EQ(value(cell + "other\"}"), "1");
    EXPECT_EQ(metrics_.text().find("GET"), std::string::npos);
}

}  // namespace
}  // namespace siding::relay
