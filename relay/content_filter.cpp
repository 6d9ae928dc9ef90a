#include "relay/content_filter.hpp"

#include "base/log.hpp"
#include "config/endpoint.hpp"
#include "net/network_error.hpp"
#include "relay/rspamd_reply.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <utility>

namespace siding::relay {
namespace {

const Logger log{"filter"};

// rspamd lists every symbol that matched, with its options.
constexpr std::size_t answer_octets_max = 1024 * 1024;

constexpr std::string_view unavailable_text = "Content filter unavailable, try again later";

Counter result_counter(Metrics& metrics, const std::string& result) {
    return metrics.counter(
        "siding_filter_messages_total",
        "Messages for the content filter, by what came of it",
        {{"result", result}}
    );
}

bool is_tagged(const FilterVerdict& verdict, std::string_view tag) {
    return std::find(verdict.tags.begin(), verdict.tags.end(), tag) != verdict.tags.end();
}

}  // namespace

ContentFilter::Counters::Counters(Metrics& metrics)
    : accepted{result_counter(metrics, "accept")},
      spam{result_counter(metrics, "spam")},
      rejected{result_counter(metrics, "reject")},
      deferred{result_counter(metrics, "defer")},
      too_large{result_counter(metrics, "too_large")},
      failed{result_counter(metrics, "failed")},
      skipped{result_counter(metrics, "skipped")},
      paused{metrics.gauge(
          "siding_filter_paused", "1 while the content filter is left alone after failures"
      )} {}

ContentFilter::ContentFilter(
    const config::Live& config, Metrics& metrics, std::function<Time()> now
)
    : config_{config}, now_{std::move(now)}, counters_{metrics} {}

net::awaitable<FilterVerdict> ContentFilter::check(
    FilterQuestion question, net::HttpPieces next_piece
) {
    const auto config = config_.get();
    const config::Filter& filter = config->filter;
    FilterVerdict verdict;
    if (!filter.rspamd) {
        co_return verdict;
    }
    if (question.octets > filter.max_size_bytes) {
        counters_.too_large.add();
        verdict.tags.emplace_back("unscanned");
        co_return verdict;
    }
    if (!may_ask()) {
        counters_.skipped.add();
        co_return without_answer(filter);
    }
    // The queue's failure to give a piece says nothing about the filter.
    const auto lacks_piece = std::make_shared<bool>(false);
    net::HttpPieces watched =
        [lacks_piece, next = std::move(next_piece)]() -> net::awaitable<Result<std::string>> {
        auto piece = co_await next();
        *lacks_piece = piece.has_error();
        co_return piece;
    };
    auto answer = co_await ask(filter, question, std::move(watched));
    if (answer) {
        on_answer();
        count(*answer);
        co_return std::move(*answer);
    }
    if (!*lacks_piece && !net::is_cancelled(answer.error())) {
        on_failure(answer.error());
    }
    counters_.failed.add();
    co_return without_answer(filter);
}

net::awaitable<Result<FilterVerdict>> ContentFilter::ask(
    const config::Filter& filter, const FilterQuestion& question, net::HttpPieces next_piece
) {
    SIDING_CO_ASSIGN(const config::Endpoint where, config::parse_http_url(*filter.rspamd));
    net::HttpRequestOptions options;
    options.method = "POST";
    options.target = "/checkv2";
    options.headers = make_rspamd_headers(question);
    options.timeout = filter.timeout;
    options.response_octets_max = answer_octets_max;
    // Else whatever is accepted while the daemon stops would go unscanned.
    options.on_cancel = net::OnCancel::finish;
    net::HostPort peer{where.host, where.port};
    auto reply = co_await net::http_request(
        std::move(peer), std::move(options), question.octets, std::move(next_piece)
    );
    if (!reply) {
        co_return reply.error();
    }
    auto verdict = parse_rspamd_reply(reply->body, filter.on_reject);
    if (!verdict && !reply->ok()) {
        co_return with_context(
            std::move(verdict).error(), fmt::format("rspamd answered {}", reply->status)
        );
    }
    co_return verdict;
}

FilterVerdict ContentFilter::without_answer(const config::Filter& filter) {
    FilterVerdict verdict;
    switch (filter.on_failure) {
    case config::Filter::OnFailure::accept:
        verdict.tags.emplace_back("unscanned");
        break;
    case config::Filter::OnFailure::defer:
        verdict.action = FilterVerdict::Action::defer;
        verdict.reply_text = unavailable_text;
        break;
    }
    return verdict;
}

bool ContentFilter::may_ask() {
    const std::lock_guard lock{mutex_};
    const Time now = now_();
    if (failures_ < failures_max) {
        return true;
    }
    if (now < paused_until_) {
        return false;
    }
    paused_until_ = now + pause;  // this one tries; the others wait for what becomes of it
    return true;
}

void ContentFilter::on_answer() {
    const std::lock_guard lock{mutex_};
    if (std::exchange(failures_, 0) >= failures_max) {
        counters_.paused.set(0);
        log.info("filter_answers_again");
    }
}

void ContentFilter::on_failure(const Error& error) {
    const std::lock_guard lock{mutex_};
    ++failures_;
    log.warn("filter_failed", {{"in_a_row", failures_}, {"reason", error}});
    if (failures_ >= failures_max) {
        paused_until_ = now_() + pause;
        counters_.paused.set(1);
    }
}

void ContentFilter::count(const FilterVerdict& verdict) const {
    switch (verdict.action) {
    case FilterVerdict::Action::reject:
        counters_.rejected.add();
        return;
    case FilterVerdict::Action::defer:
        counters_.deferred.add();
        return;
    case FilterVerdict::Action::accept:
        (is_tagged(verdict, "spam") ? counters_.spam : counters_.accepted).add();
        return;
    }
}

}  // namespace siding::relay
