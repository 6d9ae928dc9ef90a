// May this mail come in? Asked at MAIL and at RCPT, answered from the configuration, the phases,
// the recipients that exist and the state of the disk. A refusal is the reply the client hears:
// codes of docs/protocol-support.md, texts that give no server of ours away.
#pragma once

#include "config/config.hpp"
#include "net/asio.hpp"
#include "queue/queue.hpp"
#include "relay/recipient_directory.hpp"
#include "relay/refusal_class.hpp"
#include "relay/router.hpp"
#include "smtp/address.hpp"
#include "smtp/parameters.hpp"
#include "smtp/reply.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace siding::relay {

struct Admitted {
    Domain domain;
    std::string wave;
    std::vector<std::string> rewritten_to;  // forward-paths; empty: as the client said it
};

struct Refused {
    RefusalClass reason = RefusalClass::other;
    smtp::Reply reply;
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
    std::optional<Refused> check_mail(
        const queue::Queue& queue, const smtp::MailParameters& parameters
    ) const;

    // 550 5.7.1 for other people's domains and routes to them through ours, 450 4.7.1 before and
    // 550 5.1.2 after the cutover, 550 5.1.1 for who does not exist and 450 4.1.1 where that cannot
    // be said now.
    using Answer = std::variant<Admitted, Refused>;
    net::awaitable<Answer> check_rcpt(const smtp::Path& path, RecipientDirectory& directory) const;

    // Where the recipient's mail goes, by the phase of the transaction's epoch.
    Destination destination_of(const Admitted& recipient) const;

    // held or due, from the phase of the transaction's epoch.
    queue::Placement place(const Admitted& recipient) const;

    const config::Config& config() const { return *config_; }

private:
    Answer check_domain(const smtp::Path& path) const;
    std::optional<Refused> check_phase(const Admitted& recipient, const smtp::Path& path) const;
    std::string wave_of(
        const Domain& domain, std::string_view address, const RecipientDirectory& directory
    ) const;
    std::optional<Refused> follow_names(
        Admitted& recipient, const smtp::Path& path, const RecipientDirectory& directory
    ) const;

    std::shared_ptr<const config::Config> config_;
    std::shared_ptr<const queue::PhaseTable> phases_;
};

// What the client hears when its message could not be stored.
Refused refuse_storage(const Error& error);

}  // namespace siding::relay
