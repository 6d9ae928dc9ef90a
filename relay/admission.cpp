#include "relay/admission.hpp"

#include "base/log.hpp"
#include "relay/router.hpp"

#include <fmt/format.h>

namespace siding::relay {
namespace {

const Logger log{"relay"};

constexpr const char* default_wave = "default";

smtp::Reply deny_relay(const smtp::Path& path) {
    return {550, {5, 7, 1}, fmt::format("<{}>: Relay access denied", smtp::printable(path.text))};
}

}  // namespace

std::optional<smtp::Reply> Admission::check_mail(
    const queue::Queue& queue, const smtp::MailParameters& parameters
) const {
    const auto room = queue.check_room(parameters.size.value_or(0));
    if (room) {
        return std::nullopt;
    }
    log.warn("mail_refused", {{"reason", room.error()}});
    return refuse_storage(room.error());
}

std::variant<Admitted, smtp::Reply> Admission::check_rcpt(const smtp::Path& path) const {
    std::optional<Domain> domain;
    if (path.address) {
        domain = path.address->domain();
    } else if (path.is_postmaster() && !config_->domains.empty()) {
        domain = config_->domains.begin()->first;  // RFC 5321 §4.5.1: never refused
    }
    if (!domain || !config_->domains.contains(*domain)) {
        return deny_relay(path);
    }
    const auto phase = phases_->find(*domain, default_wave);
    if (!phase || *phase == Phase::prep) {
        return smtp::Reply{
            450,
            {4, 7, 1},
            fmt::format(
                "<{}>: Not yet in service here, try again later", smtp::printable(path.text)
            )};
    }
    if (*phase == Phase::retired) {
        return smtp::Reply{
            550, {5, 1, 2}, fmt::format("<{}>: No longer served here", smtp::printable(path.text))};
    }
    return Admitted{*domain, default_wave};
}

queue::Placement Admission::place(const Admitted& recipient) const {
    const auto server = route(*phases_, recipient.domain, recipient.wave, {});
    return server ? queue::Placement{queue::State::due, *server}
                  : queue::Placement{queue::State::held, {}};
}

smtp::Reply refuse_storage(const Error& error) {
    if (error.is(Errc::limit_exceeded)) {
        return {452, {4, 3, 1}, "Insufficient system storage"};
    }
    return {451, {4, 3, 0}, "Local storage error, try again later"};
}

}  // namespace siding::relay
