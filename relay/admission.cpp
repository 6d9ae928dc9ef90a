#include "relay/admission.hpp"

#include "base/log.hpp"
#include "relay/router.hpp"

#include <fmt/format.h>

namespace siding::relay {
namespace {

const Logger log{"relay"};

Refused refuse(
    RefusalClass reason,
    int code,
    smtp::EnhancedCode enhanced,
    const smtp::Path& path,
    std::string_view text
) {
    return {reason, {code, enhanced, fmt::format("<{}>: {}", smtp::printable(path.text), text)}};
}

Refused deny_relay(const smtp::Path& path) {
    return refuse(RefusalClass::relay_denied, 550, {5, 7, 1}, path, "Relay access denied");
}

}  // namespace

std::optional<Refused> Admission::check_mail(
    const queue::Queue& queue, const smtp::MailParameters& parameters
) const {
    const auto room = queue.check_room(parameters.size.value_or(0));
    if (room) {
        return std::nullopt;
    }
    log.warn("mail_refused", {{"reason", room.error()}});
    return refuse_storage(room.error());
}

Admission::Answer Admission::check_domain(const smtp::Path& path) const {
    std::optional<Domain> domain;
    if (path.address) {
        domain = path.address->domain();
    } else if (path.is_postmaster() && !config_->domains.empty()) {
        domain = config_->domains.begin()->first;  // RFC 5321 §4.5.1: never refused
    }
    if (!domain || !config_->domains.contains(*domain)) {
        return deny_relay(path);
    }
    return Admitted{*domain, config::default_wave, {}};
}

std::optional<Refused> Admission::check_phase(const Admitted& recipient, const smtp::Path& path)
    const {
    const auto phase = phases_->find(recipient.domain, recipient.wave);
    if (!phase || *phase == Phase::prep) {
        return refuse(
            RefusalClass::not_yet, 450, {4, 7, 1}, path, "Not yet in service here, try again later"
        );
    }
    if (*phase == Phase::retired) {
        return refuse(RefusalClass::retired, 550, {5, 1, 2}, path, "No longer served here");
    }
    return std::nullopt;
}

// A wave that was made after the transaction's MAIL is none to it: it keeps its epoch.
std::string Admission::wave_of(
    const Domain& domain, std::string_view address, const RecipientDirectory& directory
) const {
    std::string wave = directory.wave_of(domain, address);
    return phases_->find(domain, wave) ? wave : config::default_wave;
}

// Who is in no wave by the name that the client said is in that of what a rewrite map made of it.
std::optional<Refused> Admission::follow_names(
    Admitted& recipient, const smtp::Path& path, const RecipientDirectory& directory
) const {
    for (const std::string& name : recipient.rewritten_to) {
        if (recipient.wave != config::default_wave) {
            break;
        }
        recipient.wave = wave_of(recipient.domain, name, directory);
    }
    return check_phase(recipient, path);
}

net::awaitable<Admission::Answer> Admission::check_rcpt(
    const smtp::Path& path, RecipientDirectory& directory
) const {
    Answer answer = check_domain(path);
    auto* admitted = std::get_if<Admitted>(&answer);
    if (admitted == nullptr) {
        co_return answer;
    }
    if (path.address) {
        admitted->wave = wave_of(admitted->domain, path.address->text(), directory);
    }
    if (auto refused = check_phase(*admitted, path)) {
        co_return std::move(*refused);
    }
    if (!path.address) {
        co_return answer;
    }
    if (directory.is_route(*path.address)) {
        co_return deny_relay(path);
    }
    Address address = *path.address;
    auto config = config_;
    auto found = co_await directory.look_up(std::move(address), std::move(config));
    switch (found.existence) {
    case Existence::exists:
        admitted->rewritten_to = std::move(found.rewritten_to);
        if (auto refused = follow_names(*admitted, path, directory)) {
            answer = std::move(*refused);
        }
        break;
    case Existence::unknown:
        answer =
            refuse(RefusalClass::unknown_recipient, 550, {5, 1, 1}, path, "No such recipient here");
        break;
    case Existence::undecided:
        answer = refuse(
            RefusalClass::undecided_recipient,
            450,
            {4, 1, 1},
            path,
            "Recipient cannot be verified now, try again later"
        );
        break;
    }
    co_return answer;
}

Destination Admission::destination_of(const Admitted& recipient) const {
    return route_new(*phases_, recipient.domain, recipient.wave, config_->pass_through.enabled);
}

queue::Placement Admission::place(const Admitted& recipient) const {
    const Destination to = route_new(*phases_, recipient.domain, recipient.wave, false);
    return to.way == Destination::Way::hold ? queue::Placement{queue::State::held, {}}
                                            : queue::Placement{queue::State::due, to.server};
}

Refused refuse_storage(const Error& error) {
    if (error.is(Errc::limit_exceeded)) {
        return {RefusalClass::storage, {452, {4, 3, 1}, "Insufficient system storage"}};
    }
    return {RefusalClass::storage, {451, {4, 3, 0}, "Local storage error, try again later"}};
}

}  // namespace siding::relay
