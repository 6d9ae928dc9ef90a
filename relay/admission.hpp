// May this mail come in? Asked at MAIL and at RCPT, answered from the configuration, the phases and
// the state of the disk. A refusal is the reply the client hears: codes of
// docs/protocol-support.md, texts that give no server of ours away.
#pragma once

#include "config/config.hpp"
#include "queue/queue.hpp"
#include "smtp/address.hpp"
#include "smtp/parameters.hpp"
#include "smtp/reply.hpp"

#include <memory>
#include <optional>
#include <variant>

namespace siding::relay {

struct Admitted {
    Domain domain;
    std::string wave;
};

// One transaction's view: the configuration and the phases as they were at its MAIL.
class Admission {
public:
    Admission(
        std::shared_ptr<const config::Config> config,
        std::shared_ptr<const queue::PhaseTable> phases
    )
        : config_{std::move(config)}, phases_{std::move(phases)} {}

    // 452 4.3.1 below the disk reserve, 451 4.3.0 when the store has failed.
    std::optional<smtp::Reply> check_mail(
        const queue::Queue& queue, const smtp::MailParameters& parameters
    ) const;

    // 550 5.7.1 for other people's domains, 450 4.7.1 before and 550 5.1.2 after the cutover.
    std::variant<Admitted, smtp::Reply> check_rcpt(const smtp::Path& path) const;

    // held or due, from the phase of the transaction's epoch.
    queue::Placement place(const Admitted& recipient) const;

private:
    std::shared_ptr<const config::Config> config_;
    std::shared_ptr<const queue::PhaseTable> phases_;
};

// What the client hears when its message could not be stored.
smtp::Reply refuse_storage(const Error& error);

}  // namespace siding::relay
