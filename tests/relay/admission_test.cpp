#include "relay/admission.hpp"

#include "tests/relay/inbound_parts.hpp"
#include "tests/relay/relay_fixture.hpp"

namespace siding::relay {
namespace {

Admission admission(std::optional<Phase> phase) {
    config::Config config;
    config.domains.emplace(Domain::parse("example.com").value(), config::DomainSettings{});
    queue::PhaseTable phases;
    if (phase) {
        phases.phases[{"example.com", "default"}] = *phase;
    }
    return {
        std::make_shared<const config::Config>(std::move(config)),
        std::make_shared<const queue::PhaseTable>(std::move(phases))};
}

class AdmissionTest : public RelayTest {
protected:
    // What RCPT is answered: the reply's first words, or "domain/wave".
    std::string answer(const Admission& admission, const std::string& text) {
        const auto parsed = smtp::parse_forward_path(text);
        EXPECT_TRUE(parsed) << text;
        const auto answered = get(admission.check_rcpt(parsed->path, parts_.directory));
        if (const auto* admitted = std::get_if<Admitted>(&answered)) {
            return admitted->domain.text() + "/" + admitted->wave;
        }
        return std::get<Refused>(answered).reply.text().substr(0, 9);
    }

    test::InboundParts parts_{*queue_, runtime_, loop_, metrics_, make_config()};
};

struct Rcpt {
    std::optional<Phase> phase;
    const char* path;
    const char* expected;
};

TEST_F(AdmissionTest, AnswersRcptByDomainAndPhase) {
    const std::vector<Rcpt> cases{
        {Phase::hold, "<joe@example.com>", "example.com/default"},
        {Phase::hold, "<Joe@EXAMPLE.com>", "example.com/default"},
        {Phase::pass_old, "<joe@example.com>", "example.com/default"},
        {Phase::release, "<joe@example.com>", "example.com/default"},
        {Phase::pass_new, "<joe@example.com>", "example.com/default"},
        {Phase::prep, "<joe@example.com>", "450 4.7.1"},
        {std::nullopt, "<joe@example.com>", "450 4.7.1"},  // configured, never begun
        {Phase::retired, "<joe@example.com>", "550 5.1.2"},
        {Phase::hold, "<postmaster>", "example.com/default"},  // RFC 5321 §4.5.1
        {Phase::hold, "<Postmaster@example.com>", "example.com/default"},
        // Other people's mail, however it is dressed.
        {Phase::hold, "<joe@example.org>", "550 5.7.1"},
        {Phase::hold, "<joe@sub.example.com>", "550 5.7.1"},
        {Phase::hold, "<joe@example.com.evil.example>", "550 5.7.1"},
        {Phase::hold, "<victim%other.example@example.org>", "550 5.7.1"},
        {Phase::hold, "<joe@[192.0.2.1]>", "550 5.7.1"},
        {Phase::hold, "<victim%other.example@example.com>", "550 5.7.1"},
        {Phase::hold, "<other.example!victim@example.com>", "550 5.7.1"},
        {Phase::hold, "<\"victim@other.example\"@example.com>", "550 5.7.1"},
        {Phase::hold, "<@example.com:victim%other.example@example.com>", "550 5.7.1"},
        {Phase::hold, "<victim=other.example@example.com>", "example.com/default"},
    };
    for (const Rcpt& one : cases) {
        EXPECT_EQ(answer(admission(one.phase), one.path), one.expected)
            << (one.phase ? format_phase(*one.phase) : "none") << " " << one.path;
    }
}

TEST_F(AdmissionTest, PlacesByThePhaseOfItsTransaction) {
    const Admitted joe{Domain::parse("example.com").value(), "default", {}};
    const std::vector<std::pair<Phase, std::string>> cases{
        {Phase::pass_old, "old"},
        {Phase::hold, ""},
        {Phase::release, ""},  // behind the backlog
        {Phase::pass_new, "new"},
    };
    for (const auto& [phase, lane] : cases) {
        const auto placement = admission(phase).place(joe);
        EXPECT_EQ(placement.lane, lane);
        EXPECT_EQ(placement.state, lane.empty() ? State::held : State::due);
    }
}

TEST_F(AdmissionTest, SaysWhatFailedWithoutDetails) {
    EXPECT_EQ(
        refuse_storage(Error{Errc::limit_exceeded, "3 octets in /x"}).reply.text().substr(0, 9),
        "452 4.3.1"
    );
    for (const Errc code : {Errc::storage_failure, Errc::unavailable, Errc::internal}) {
        const auto reply = refuse_storage(Error{code, "/var/lib/siding"}).reply;
        EXPECT_EQ(reply.text().substr(0, 9), "451 4.3.0");
        EXPECT_EQ(reply.text().find("/var"), std::string::npos);
    }
}

class AdmissionRoomTest : public RelayTest {
protected:
    void reserve(queue::DiskSpace::Reserve reserve) {
        reserve_ = std::move(reserve);
        queue_.reset();
        open();
    }
    std::string check_mail(std::optional<std::uint64_t> size) {
        smtp::MailParameters parameters;
        parameters.size = size;
        const auto refusal = admission(Phase::hold).check_mail(*queue_, parameters);
        return refusal ? refusal->reply.text().substr(0, 9) : "";
    }
};

TEST_F(AdmissionRoomTest, KeepsTheDisksReserve) {
    EXPECT_EQ(check_mail(std::nullopt), "");
    EXPECT_EQ(check_mail(100), "");
    EXPECT_EQ(check_mail(UINT64_MAX), "452 4.3.1") << "announced by SIZE";
    reserve([](std::uint64_t disk) { return disk; });
    EXPECT_EQ(check_mail(std::nullopt), "452 4.3.1");
}

}  // namespace
}  // namespace siding::relay
