#include "relay/lane_jobs.hpp"

#include "base/bytes.hpp"

#include <algorithm>

namespace siding::relay {
namespace {

// A line whose turn comes when an attempt ends.
constexpr WallTime when_one_ends = WallTime::max();

std::string line_of(const Domain& domain) {
    return "@" + domain.text();
}

}  // namespace

std::uint64_t LaneJob::octets() const {
    return recipients.empty() ? 0 : recipients.front().size_octets;
}

void LaneJobs::set_limits(const LaneLimits& limits) {
    if (limits == limits_) {
        return;
    }
    limits_ = limits;
    rate_.set_rate(limits.rate);
    domains_.set_rate(limits.domain_rate);
    addresses_.set_rate(limits.recipient_rate);
    for (auto& [name, line] : lines_) {  // limits may have gone
        look_at(name, line, WallTime{});
    }
}

bool LaneJobs::limits_recipients() const {
    return limits_.recipient_connections != 0 || limits_.recipient_rate != 0 || blocks_;
}

void LaneJobs::add(std::vector<queue::Recipient> rows) {
    for (queue::Recipient& row : rows) {
        // Rows of one message stand together: same due time, neighbouring ids.
        if (jobs_.empty() || jobs_.back().message != row.id.message) {
            jobs_.emplace_back(row.id.message, std::vector<queue::Recipient>{});
        }
        jobs_.back().recipients.push_back(std::move(row));
    }
}

std::vector<LaneJob> LaneJobs::take(
    std::size_t jobs_max, std::size_t recipients_max, WallTime now
) {
    std::vector<LaneJob> out;
    take_from_lines(jobs_max, now, out);
    while (out.size() < jobs_max && !jobs_.empty() && rate_.ready_at(now) <= now) {
        LaneJob part = split(jobs_.front(), recipients_max, now);
        if (jobs_.front().recipients.empty()) {
            jobs_.pop_front();
        }
        if (!part.recipients.empty()) {
            static_cast<void>(rate_.take(now));
            out.push_back(std::move(part));
        }
    }
    return out;
}

// The first recipients that may go together; those that must wait go to their lines, the others
// stay in the job.
LaneJob LaneJobs::split(LaneJob& job, std::size_t recipients_max, WallTime now) {
    LaneJob part{job.message, {}};
    std::vector<queue::Recipient> rest;
    std::optional<Domain> domain;
    for (queue::Recipient& row : job.recipients) {
        const bool is_full = recipients_max != 0 && part.recipients.size() >= recipients_max;
        const bool is_foreign = one_domain() && domain && row.domain != *domain;
        if (is_full || is_foreign) {
            rest.push_back(std::move(row));
            continue;
        }
        const bool is_new_domain =
            std::ranges::find(part.recipients, row.domain, &queue::Recipient::domain) ==
            part.recipients.end();
        if (is_new_domain && limits_.domain_rate != 0) {
            const std::string name = line_of(row.domain);
            if (lines_.contains(name) || !domains_.take(name, now)) {
                const WallTime when = ready_at(name, now);
                wait(name, std::move(row), when);
                continue;
            }
        }
        if (limits_recipients()) {
            const std::string address = to_lower(row.address);
            if (lines_.contains(address) || !admits(address, now)) {
                if (is_new_domain && limits_.domain_rate != 0) {
                    domains_.put_back(line_of(row.domain));
                }
                const WallTime when = ready_at(address, now);
                wait(address, std::move(row), when);
                continue;
            }
        }
        domain = row.domain;
        part.recipients.push_back(std::move(row));
    }
    job.recipients = std::move(rest);
    return part;
}

bool LaneJobs::admits(const std::string& address, WallTime now) {
    if (limits_.recipient_connections != 0) {
        const auto found = at_once_.find(address);
        if (found != at_once_.end() && found->second >= limits_.recipient_connections) {
            return false;
        }
    }
    if (!addresses_.take(address, now)) {
        return false;
    }
    if (limits_.recipient_connections != 0) {
        at_once_[address] += 1;
    }
    return true;
}

WallTime LaneJobs::ready_at(const std::string& line, WallTime now) {
    if (line.starts_with('@')) {
        return domains_.ready_at(line, now);
    }
    const auto found = at_once_.find(line);
    if (limits_.recipient_connections != 0 && found != at_once_.end() &&
        found->second >= limits_.recipient_connections) {
        return when_one_ends;
    }
    return addresses_.ready_at(line, now);
}

void LaneJobs::wait(const std::string& name, queue::Recipient row, WallTime when) {
    Line& line = lines_[name];
    if (waiting_ >= waiting_max || line.rows.size() >= line_max) {
        // The oldest is worth more than the others, who will be found again behind it.
        const auto last = line.rows.empty() ? line.rows.end() : std::prev(line.rows.end());
        if (last == line.rows.end() || last->first < row.id) {
            overflow_.push_back(std::move(row));
            if (line.rows.empty()) {
                lines_.erase(name);
            }
            return;
        }
        overflow_.push_back(std::move(last->second));
        line.rows.erase(last);
        waiting_ -= 1;
    }
    const bool is_new = line.rows.empty();
    const RecipientId id = row.id;
    waiting_ += line.rows.emplace(id, std::move(row)).second ? 1 : 0;
    if (is_new) {
        line.look_at = when;
        agenda_.emplace(when, name);
    }
}

void LaneJobs::look_at(const std::string& name, Line& line, WallTime when) {
    agenda_.erase({line.look_at, name});
    line.look_at = when;
    agenda_.emplace(when, name);
}

void LaneJobs::take_from_lines(std::size_t jobs_max, WallTime now, std::vector<LaneJob>& out) {
    while (out.size() < jobs_max && !agenda_.empty() && agenda_.begin()->first <= now &&
           rate_.ready_at(now) <= now) {
        const std::string name = agenda_.begin()->second;
        take_from_line(name, jobs_max, now, out);
    }
}

// As many as its limit lets go; then its next look is later than now, or it is gone.
void LaneJobs::take_from_line(
    const std::string& name, std::size_t jobs_max, WallTime now, std::vector<LaneJob>& out
) {
    const auto found = lines_.find(name);
    Line& line = found->second;
    const bool of_domain = name.starts_with('@');
    while (!line.rows.empty() && out.size() < jobs_max && rate_.ready_at(now) <= now &&
           (of_domain ? domains_.take(name, now) : admits(name, now))) {
        queue::Recipient row = std::move(line.rows.begin()->second);
        line.rows.erase(line.rows.begin());
        waiting_ -= 1;
        const std::string address = to_lower(row.address);
        if (of_domain && limits_recipients() &&
            (lines_.contains(address) || !admits(address, now))) {
            domains_.put_back(name);
            const WallTime when = ready_at(address, now);
            wait(address, std::move(row), when);
            continue;
        }
        static_cast<void>(rate_.take(now));
        const MessageId message = row.id.message;
        LaneJob job{message, {}};
        job.recipients.push_back(std::move(row));
        out.push_back(std::move(job));
    }
    if (line.rows.empty()) {
        agenda_.erase({line.look_at, name});
        lines_.erase(found);
    } else if (out.size() < jobs_max && rate_.ready_at(now) <= now) {
        look_at(name, line, std::max(ready_at(name, now), now + std::chrono::milliseconds{1}));
    }
}

void LaneJobs::release(const std::string& address) {
    const auto found = at_once_.find(address);
    if (found == at_once_.end()) {
        return;
    }
    if (--found->second == 0) {
        at_once_.erase(found);
    }
    if (const auto line = lines_.find(address); line != lines_.end()) {
        look_at(address, line->second, WallTime{});
    }
}

void LaneJobs::finish(const queue::Recipient& recipient) {
    if (!at_once_.empty()) {
        release(to_lower(recipient.address));
    }
}

void LaneJobs::put_back(const LaneJob& job) {
    rate_.put_back();
    std::set<std::string> domains;
    for (const queue::Recipient& row : job.recipients) {
        domains.insert(line_of(row.domain));
        addresses_.put_back(to_lower(row.address));
        finish(row);
    }
    for (const std::string& name : domains) {
        domains_.put_back(name);
    }
}

void LaneJobs::block(const std::string& address, WallTime now, WallTime until) {
    blocks_ = true;
    addresses_.block(to_lower(address), now, until);
}

std::optional<WallTime> LaneJobs::ready_at(WallTime now) {
    if (empty()) {
        return std::nullopt;
    }
    const WallTime by_rate = rate_.ready_at(now);
    if (!jobs_.empty()) {
        return by_rate;
    }
    return std::max(by_rate, agenda_.begin()->first);
}

std::vector<queue::Recipient> LaneJobs::clear() {
    std::vector<queue::Recipient> out = take_overflow();
    for (LaneJob& job : jobs_) {
        std::ranges::move(job.recipients, std::back_inserter(out));
    }
    for (auto& [name, line] : lines_) {
        for (auto& [id, row] : line.rows) {
            out.push_back(std::move(row));
        }
    }
    jobs_.clear();
    lines_.clear();
    agenda_.clear();
    waiting_ = 0;
    return out;
}

}  // namespace siding::relay
