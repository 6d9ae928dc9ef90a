// Hears what a session hears, for as long as one question takes.
#pragma once

#include "backfill/imap_session.hpp"

#include <functional>
#include <utility>

namespace siding::backfill {

class Ear final : public ImapListener {
public:
    using Each = std::function<void(const ImapResponse&)>;
    Ear(ImapSession& session, Each each) : session_{session}, each_{std::move(each)} {
        session_.attach(this);
    }
    ~Ear() override { session_.attach(nullptr); }
    Ear(const Ear&) = delete;
    Ear& operator=(const Ear&) = delete;

    void on_response(const ImapResponse& response) override { each_(response); }

private:
    ImapSession& session_;
    Each each_;
};

}  // namespace siding::backfill
