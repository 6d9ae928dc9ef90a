// Release jobs and the filter inside them: record.hpp.
#include "queue/record.hpp"
#include "queue/record_codec.hpp"

namespace siding::queue {
namespace {

void put_filter(const Filter& filter, pb::Filter& out) {
    if (filter.domain) {
        out.set_domain(filter.domain->text());
    }
    if (filter.wave) {
        out.set_wave(*filter.wave);
    }
    if (filter.recipient) {
        out.set_recipient(*filter.recipient);
    }
    if (filter.sender) {
        out.set_sender(*filter.sender);
    }
    if (filter.state) {
        out.set_state(static_cast<std::uint32_t>(*filter.state));
    }
    if (filter.since) {
        out.set_since_ms(to_millis(*filter.since));
    }
    if (filter.before) {
        out.set_before_ms(to_millis(*filter.before));
    }
    if (filter.larger_octets) {
        out.set_larger_octets(*filter.larger_octets);
    }
    if (filter.message) {
        out.set_message(filter.message->value());
    }
    if (filter.recipient_number) {
        out.set_recipient_number(*filter.recipient_number);
    }
    if (filter.limit) {
        out.set_limit(*filter.limit);
    }
    if (filter.up_to) {
        out.set_up_to(filter.up_to->value());
    }
    if (filter.kept) {
        out.set_kept(*filter.kept);
    }
    if (filter.tag) {
        out.set_tag(*filter.tag);
    }
    if (filter.not_tag) {
        out.set_not_tag(*filter.not_tag);
    }
    if (filter.cause) {
        out.set_cause(*filter.cause);
    }
    if (filter.server) {
        out.set_server(*filter.server);
    }
    if (filter.copy) {
        out.set_copy(*filter.copy);
    }
}

Result<Filter> get_filter(const pb::Filter& in) {
    Filter filter;
    if (in.has_domain()) {
        SIDING_ASSIGN(filter.domain, Domain::parse(in.domain()));
    }
    if (in.has_wave()) {
        filter.wave = in.wave();
    }
    if (in.has_recipient()) {
        filter.recipient = in.recipient();
    }
    if (in.has_sender()) {
        filter.sender = in.sender();
    }
    if (in.has_state()) {
        if (in.state() >= all_states.size()) {
            return Error{Errc::corrupt, "release job: unknown state"};
        }
        filter.state = static_cast<State>(in.state());
    }
    if (in.has_since_ms()) {
        filter.since = from_millis(in.since_ms());
    }
    if (in.has_before_ms()) {
        filter.before = from_millis(in.before_ms());
    }
    if (in.has_larger_octets()) {
        filter.larger_octets = in.larger_octets();
    }
    if (in.has_message()) {
        filter.message = MessageId{in.message()};
    }
    if (in.has_recipient_number()) {
        filter.recipient_number = in.recipient_number();
    }
    if (in.has_limit()) {
        filter.limit = in.limit();
    }
    if (in.has_up_to()) {
        filter.up_to = MessageId{in.up_to()};
    }
    if (in.has_kept()) {
        filter.kept = in.kept();
    }
    if (in.has_tag()) {
        filter.tag = in.tag();
    }
    if (in.has_not_tag()) {
        filter.not_tag = in.not_tag();
    }
    if (in.has_cause()) {
        filter.cause = in.cause();
    }
    if (in.has_server()) {
        filter.server = in.server();
    }
    if (in.has_copy()) {
        filter.copy = in.copy();
    }
    return filter;
}

// Older records have only a flag.
Result<ReleaseState> get_state(const pb::ReleaseJob& in) {
    if (in.state() == 0) {
        return in.complete() ? ReleaseState::complete : ReleaseState::running;
    }
    if (in.state() > static_cast<std::uint32_t>(ReleaseState::cancelled) + 1) {
        return Error{Errc::corrupt, "release job: unknown state"};
    }
    return static_cast<ReleaseState>(in.state() - 1);
}

}  // namespace

std::string encode(const ReleaseJob& job) {
    pb::ReleaseJob out;
    out.set_id(job.id);
    put_filter(job.filter, *out.mutable_filter());
    out.set_server(job.server);
    out.set_pinned(job.pinned);
    out.set_ordered_at_ms(to_millis(job.ordered_at));
    out.set_who(job.who);
    out.set_chosen(job.chosen);
    out.set_complete(is_over(job.state));
    out.set_state(static_cast<std::uint32_t>(job.state) + 1);
    out.set_why(job.why);
    out.set_changed_at_ms(to_millis(job.changed_at));
    out.set_canary(job.canary);
    out.set_rate_per_minute(job.rate_per_minute);
    out.set_order(static_cast<std::uint32_t>(job.order));
    put_texts(job.first, *out.mutable_first());
    out.set_pause_percent(job.pause_percent);
    out.set_total(job.total);
    out.set_total_octets(job.total_octets);
    out.set_of_phase(job.of_phase);
    return seal_record(out);
}

Result<ReleaseJob> decode_release(std::string_view stored) {
    SIDING_ASSIGN(const pb::ReleaseJob in, parse_record<pb::ReleaseJob>(stored, "meta/release"));
    SIDING_ASSIGN(Filter filter, get_filter(in.filter()));
    SIDING_ASSIGN(const ReleaseState state, get_state(in));
    if (in.order() > static_cast<std::uint32_t>(ReleaseOrder::small_first)) {
        return Error{Errc::corrupt, "release job: unknown order"};
    }
    return ReleaseJob{
        .id = in.id(),
        .filter = std::move(filter),
        .server = in.server(),
        .pinned = in.pinned(),
        .ordered_at = from_millis(in.ordered_at_ms()),
        .who = in.who(),
        .chosen = in.chosen(),
        .state = state,
        .why = in.why(),
        .changed_at = from_millis(in.changed_at_ms()),
        .canary = in.canary(),
        .rate_per_minute = in.rate_per_minute(),
        .order = static_cast<ReleaseOrder>(in.order()),
        .first = to_texts(in.first()),
        .pause_percent = in.pause_percent(),
        .total = in.total(),
        .total_octets = in.total_octets(),
        .of_phase = in.of_phase(),
    };
}

}  // namespace siding::queue
