// A verifier over a real queue and scripted servers, on the test's own loop.
#pragma once

#include "relay/verifier.hpp"
#include "tests/relay/relay_fixture.hpp"
#include "tests/relay/scripted_prober.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace siding::relay {

inline const std::vector<std::string> both{"old", "new"};

class VerifierTest : public RelayTest {
protected:
    VerifierTest() { start(); }
    ~VerifierTest() override { stop(); }

    static config::Config make_verify_config() {
        config::Config config = make_config();
        config.servers["old"] = {};
        config.verify.sender = "double-bounce@hold.example.net";
        config::DomainSettings& settings = config.domains.at(example());
        settings.recipients.any = false;
        settings.recipients.verify = both;
        return config;
    }
    void start() {
        verifier_ = std::make_unique<Verifier>(
            *queue_, live_, servers_.prober(), metrics_, loop_.executor()
        );
    }
    void stop() {
        servers_.release();
        if (verifier_) {
            loop_.run(verifier_->stop());
            verifier_.reset();
        }
    }
    void restart() {
        stop();
        queue_.reset();
        open();
        start();
    }
    void change(const std::function<void(config::Verify&)>& edit) {
        config::Config config = *live_.get();
        edit(config.verify);
        live_.apply(std::move(config));
    }

    VerifyAnswer verify(const std::string& text, std::vector<std::string> servers = both) {
        return get(verifier_->verify(Address::parse(text).value(), std::move(servers)));
    }
    Existence existence(const std::string& text, std::vector<std::string> servers = both) {
        return verify(text, std::move(servers)).existence;
    }
    std::uint64_t flush(const std::string& what) {
        const auto count = get(verifier_->flush(what));
        EXPECT_TRUE(count) << count.error().message();
        return count ? *count : 0;
    }

    using Answer = std::optional<VerifyAnswer>;
    void ask(const std::string& text, Answer& out, std::vector<std::string> servers = both) {
        auto work = verifier_->verify(Address::parse(text).value(), std::move(servers));
        asked_.push_back(
            net::asio::co_spawn(loop_.context(), keep(std::move(work), out), net::asio::use_future)
        );
    }

    std::optional<std::string> stored(const std::string& key) const {
        return queue_->store().read_value(key).value();
    }
    void wait_stored(const std::string& key) {
        run_until([&] { return stored(key).has_value(); });
    }
    std::string metric(const std::string& name) const {
        const std::string text = metrics_.text();
        const auto line = text.find("\n" + name);
        return line == std::string::npos
                   ? std::string{}
                   : text.substr(line + 1, text.find('\n', line + 1) - line - 1);
    }

    config::Live live_{make_verify_config()};
    ScriptedProber servers_{loop_.executor()};
    std::unique_ptr<Verifier> verifier_;
    std::vector<std::future<void>> asked_;
};

}  // namespace siding::relay
