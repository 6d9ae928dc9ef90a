// The bundled sample: messages made up here, the same on every machine and in every run. Every
// tenth is of the same kind, and the kinds are those that relays have been known to change.
#pragma once

#include "cutover/rehearsal_mail.hpp"

namespace siding::cutover {

class SampleMail final : public MailSource {
public:
    explicit SampleMail(std::size_t messages) : messages_{messages} {}

    std::size_t size() const override { return messages_; }
    Result<RehearsalMail> load(std::size_t number) const override;
    std::string description() const override { return "bundled sample"; }
    std::uint64_t octets() const override;
    std::uint64_t octets_max() const override;

private:
    std::size_t messages_;
};

}  // namespace siding::cutover
