// One function for each method of each resource (docs/control-api.md), split by resource into
// handlers_*.cpp. They run on the API's executor and never block there: reads go through
// Queue::read, changes through Queue::commit or the Mover. `services` and `request` outlive the
// call.
#pragma once

#include "base/result.hpp"
#include "control/request.hpp"
#include "control/services.hpp"
#include "net/asio.hpp"
#include "net/http_message.hpp"

namespace siding::control {

using Answer = net::awaitable<Result<net::HttpResponse>>;

Answer get_status(Services& services, const Request& request);
Answer get_metrics(Services& services, const Request& request);
Answer get_health(Services& services, const Request& request);

Answer get_phases(Services& services, const Request& request);
Answer put_phase(Services& services, const Request& request);
Answer get_flips(Services& services, const Request& request);
Answer post_flip(Services& services, const Request& request);
Answer post_rollback(Services& services, const Request& request);

Answer get_waves(Services& services, const Request& request);
Answer get_wave(Services& services, const Request& request);
Answer post_wave(Services& services, const Request& request);
Answer post_wave_clone(Services& services, const Request& request);
Answer post_wave_remove(Services& services, const Request& request);

Answer get_queue(Services& services, const Request& request);
Answer get_queue_count(Services& services, const Request& request);
Answer post_hold(Services& services, const Request& request);
Answer post_discard(Services& services, const Request& request);

Answer get_parked(Services& services, const Request& request);
Answer post_replay(Services& services, const Request& request);
Answer get_copies(Services& services, const Request& request);
Answer get_remaps(Services& services, const Request& request);
Answer post_remap(Services& services, const Request& request);
Answer post_remap_remove(Services& services, const Request& request);
Answer get_config(Services& services, const Request& request);

Answer get_message(Services& services, const Request& request);
Answer get_message_octets(Services& services, const Request& request);

Answer get_releases(Services& services, const Request& request);
Answer get_release(Services& services, const Request& request);
Answer post_release(Services& services, const Request& request);
Answer post_release_pause(Services& services, const Request& request);
Answer post_release_resume(Services& services, const Request& request);
Answer post_release_cancel(Services& services, const Request& request);

Answer get_sessions(Services& services, const Request& request);

Answer get_recipient_check(Services& services, const Request& request);
Answer post_recipient_flush(Services& services, const Request& request);

Answer get_dns(Services& services, const Request& request);
Answer post_dns_look(Services& services, const Request& request);
Answer get_dns_senders(Services& services, const Request& request);
Answer post_dns_senders(Services& services, const Request& request);

Answer get_trace(Services& services, const Request& request);
Answer post_audit(Services& services, const Request& request);

}  // namespace siding::control
