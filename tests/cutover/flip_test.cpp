#include "cutover/flip.hpp"

#include "net/runtime.hpp"
#include "tests/cutover/mail.hpp"
#include "tests/net/run_loop.hpp"
#include "tests/support/temp_directory.hpp"

#include <gtest/gtest.h>

namespace siding::cutover {
namespace {

class FlipTest : public testing::Test {
protected:
    FlipTest() {
        set(Phase::hold, "default", true);
        set(Phase::prep, "pilot", true);
    }
    ~FlipTest() override { queue_.reset(); }

    Result<queue::Applied> commit(queue::Change change) {
        Result<queue::Applied> out = Error{};
        loop_.run(keep(queue_->commit(std::move(change)), out));
        return out;
    }

    void set(Phase to, const std::string& wave, bool initial) {
        queue::PhaseMove move{domain_, wave, to, initial};
        EXPECT_TRUE(commit(queue::SetPhases{{move}, "test", ""}).has_value());
    }

    Result<Flip> flip_to(Phase to, const std::string& wave = "default") {
        Result<Flip> out = Error{};
        std::vector<queue::PhaseMove> moves{{domain_, wave, to, false}};
        loop_.run(keep(flip(*queue_, std::move(moves), "ann", "because"), out));
        return out;
    }

    template <typename T>
    static net::awaitable<void> keep(net::awaitable<Result<T>> work, Result<T>& out) {
        auto result = co_await std::move(work);
        out = std::move(result);
    }

    queue::QueueOptions options() const {
        queue::QueueOptions out;
        out.directory = directory_.path();
        return out;
    }

    test::TempDirectory directory_;
    SystemClock clock_;
    Metrics metrics_;
    net::RunLoop loop_;
    net::Runtime runtime_{{.io_threads = 1, .blocking_threads = 1}};
    std::unique_ptr<queue::Queue> queue_ =
        std::move(queue::Queue::open(options(), runtime_.blocking(), clock_, metrics_)).value();
    Domain domain_ = Domain::parse("example.com").value();
};

TEST_F(FlipTest, is_in_force_at_once_and_counts) {
    const auto before = queue_->phases()->epoch;
    const auto flipped = flip_to(Phase::pass_old);
    ASSERT_TRUE(flipped.has_value()) << flipped.error().message();
    EXPECT_EQ(flipped->from, std::vector{Phase::hold});
    EXPECT_EQ(flipped->epoch, before + 1);
    EXPECT_EQ(queue_->phases()->find(domain_), Phase::pass_old);
    EXPECT_EQ(queue_->phases()->find(domain_, "pilot"), Phase::prep);
}

TEST_F(FlipTest, an_illegal_move_names_the_legal_ones) {
    const auto flipped = flip_to(Phase::pass_new);
    ASSERT_TRUE(flipped.has_error());
    EXPECT_TRUE(flipped.error().is(Errc::conflict));
    EXPECT_EQ(
        flipped.error().message(),
        "example.com is in phase hold and cannot go to pass_new; it may go to release, pass_old"
    );
    EXPECT_EQ(queue_->phases()->find(domain_), Phase::hold);
}

TEST_F(FlipTest, an_unknown_wave_is_not_found) {
    const auto flipped = flip_to(Phase::hold, "second");
    ASSERT_TRUE(flipped.has_error());
    EXPECT_TRUE(flipped.error().is(Errc::not_found));
}

TEST_F(FlipTest, leaves_the_backlog_to_the_dispatcher) {
    auto mail = test::make_mail(queue_->next_id(), {"a@example.com"});
    ASSERT_TRUE(commit(std::move(mail)).has_value());
    ASSERT_TRUE(flip_to(Phase::release).has_value());
    EXPECT_TRUE(queue_->store().releases().value().empty());
    EXPECT_EQ(queue_->store().counters().all().of(queue::State::held), 1U);
}

TEST_F(FlipTest, the_phase_in_force_again_is_no_flip) {
    const auto before = queue_->phases()->epoch;
    const auto flipped = flip_to(Phase::hold);
    ASSERT_TRUE(flipped.has_value());
    EXPECT_EQ(flipped->epoch, before);
}

}  // namespace
}  // namespace siding::cutover
