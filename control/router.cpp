#include "control/router.hpp"

#include <array>
#include <optional>

namespace siding::control {
namespace {

constexpr std::array routes{
    Route{"GET", "/healthz", get_health, true},
    Route{"GET", "/metrics", get_metrics, true},
    Route{"GET", "/v1/status", get_status},
    Route{"GET", "/v1/phases", get_phases},
    Route{"PUT", "/v1/phases/{domain}", put_phase},
    Route{"PUT", "/v1/phases/{domain}/{wave}", put_phase},
    Route{"GET", "/v1/flips", get_flips},
    Route{"POST", "/v1/flips", post_flip},
    Route{"POST", "/v1/rollback", post_rollback},
    Route{"GET", "/v1/waves", get_waves},
    Route{"GET", "/v1/waves/{domain}", get_waves},
    Route{"GET", "/v1/waves/{domain}/{wave}", get_wave},
    Route{"POST", "/v1/waves/{domain}/{wave}", post_wave},
    Route{"POST", "/v1/waves/{domain}/{wave}/clone", post_wave_clone},
    Route{"POST", "/v1/waves/{domain}/{wave}/remove", post_wave_remove},
    Route{"GET", "/v1/queue", get_queue},
    Route{"GET", "/v1/queue/count", get_queue_count},
    Route{"POST", "/v1/queue/hold", post_hold},
    Route{"POST", "/v1/queue/discard", post_discard},
    Route{"GET", "/v1/parked", get_parked},
    Route{"POST", "/v1/replay", post_replay},
    Route{"GET", "/v1/copies", get_copies},
    Route{"GET", "/v1/remaps", get_remaps},
    Route{"POST", "/v1/remaps", post_remap},
    Route{"POST", "/v1/remaps/remove", post_remap_remove},
    Route{"GET", "/v1/config", get_config},
    Route{"GET", "/v1/messages/{id}", get_message},
    Route{"GET", "/v1/messages/{id}/octets", get_message_octets},
    Route{"GET", "/v1/releases", get_releases},
    Route{"POST", "/v1/releases", post_release},
    Route{"GET", "/v1/releases/{id}", get_release},
    Route{"POST", "/v1/releases/{id}/pause", post_release_pause},
    Route{"POST", "/v1/releases/{id}/resume", post_release_resume},
    Route{"POST", "/v1/releases/{id}/cancel", post_release_cancel},
    Route{"GET", "/v1/sessions", get_sessions},
    Route{"GET", "/v1/recipients/check", get_recipient_check},
    Route{"POST", "/v1/recipients/flush", post_recipient_flush},
    Route{"GET", "/v1/dns", get_dns},
    Route{"POST", "/v1/dns/look", post_dns_look},
    Route{"GET", "/v1/dns/senders", get_dns_senders},
    Route{"POST", "/v1/dns/senders", post_dns_senders},
    Route{"GET", "/v1/trace", get_trace},
    Route{"POST", "/v1/audit", post_audit},
};

std::string_view take_part(std::string_view& rest) {
    const auto slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    rest = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash);
    return part;
}

std::optional<std::vector<std::string>> match_path(
    std::string_view pattern, std::string_view path
) {
    std::vector<std::string> captures;
    while (!pattern.empty() && !path.empty() && path.front() == '/') {
        pattern.remove_prefix(1);
        path.remove_prefix(1);
        const std::string_view expected = take_part(pattern);
        const std::string_view part = take_part(path);
        if (expected.starts_with('{') && !part.empty()) {
            captures.emplace_back(part);
        } else if (expected != part) {
            return std::nullopt;
        }
    }
    return pattern.empty() && path.empty() ? std::optional{std::move(captures)} : std::nullopt;
}

}  // namespace

Match find_route(std::string_view method, std::string_view path) {
    Match match;
    for (const Route& route : routes) {
        auto captures = match_path(route.path, path);
        if (!captures) {
            continue;
        }
        match.allow += (match.allow.empty() ? "" : ", ") + std::string{route.method};
        if (route.method == method) {
            match.route = &route;
            match.captures = std::move(*captures);
        }
    }
    return match;
}

}  // namespace siding::control
