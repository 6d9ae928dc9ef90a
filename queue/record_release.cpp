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
    return filter;
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
    out.set_complete(job.complete);
    return seal_record(out);
}

Result<ReleaseJob> decode_release(std::string_view stored) {
    SIDING_ASSIGN(const pb::ReleaseJob in, parse_record<pb::ReleaseJob>(stored, "meta/release"));
    SIDING_ASSIGN(Filter filter, get_filter(in.filter()));
    return ReleaseJob{
        in.id(),
        std::move(filter),
        in.server(),
        in.pinned(),
        from_millis(in.ordered_at_ms()),
        in.who(),
        in.chosen(),
        in.complete(),
    };
}

}  // namespace siding::queue
