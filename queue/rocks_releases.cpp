// Release jobs in the store: their records, and when these go.
#include "base/limits.hpp"
#include "queue/rocks_backend.hpp"

#include <algorithm>
#include <vector>

namespace siding::queue {

Result<Applied> RocksBatch::apply(const PutRelease& change) {
    ReleaseJob job = change.job;
    const bool is_new = job.id == 0;
    if (is_new) {
        job.id = ++tail_.last_release;
        release_counts(job.id);
    }
    if (job.filter.up_to) {
        // Mail that comes later must have later ids, also after a restart with the clock set back.
        tail_.last_id = std::max(tail_.last_id, *job.filter.up_to);
    }
    put(Family::meta, keys::meta_release(job.id), encode(job));
    jobs_over_[job.id] = is_over(job.state);
    if (is_new) {
        forget_finished_releases();
    }
    return Applied{.started = {}, .release_id = job.id};
}

// Each phase `release` orders jobs as long as mail comes; without an end to them every look at the
// jobs would cost more than the last one.
void RocksBatch::forget_finished_releases() {
    std::set<std::uint64_t> jobs;
    for (const auto& [release, counts] : facts_.counters.releases) {
        jobs.insert(release);
    }
    for (const auto& [release, counts] : releases_) {
        jobs.insert(release);
    }
    std::erase_if(jobs, [&](std::uint64_t release) {
        return releases_forgotten_.contains(release);
    });
    std::size_t older = jobs.size() - std::min(jobs.size(), limits::finished_releases_kept);
    for (auto release = jobs.begin(); older > 0; ++release, --older) {
        if (is_finished(*release)) {
            releases_forgotten_.insert(*release);
        }
    }
}

// The job is over, and nothing that may still move counts for it.
bool RocksBatch::is_finished(std::uint64_t release) const {
    const auto here = releases_.find(release);
    const StateCounts& counts =
        here != releases_.end() ? here->second : facts_.counters.releases.at(release);
    const bool moves = std::ranges::any_of(all_states, [&](State state) {
        return !is_final(state) && counts.of(state) > 0;
    });
    if (moves) {
        return false;
    }
    if (const auto put = jobs_over_.find(release); put != jobs_over_.end()) {
        return put->second;
    }
    const auto stored = database_.get(Family::meta, keys::meta_release(release));
    if (!stored || !*stored) {
        return false;
    }
    const auto job = decode_release(**stored);
    return job && is_over(job->state);
}

Result<std::vector<ReleaseJob>> RocksStore::releases() const {
    std::vector<ReleaseJob> jobs;
    SIDING_TRY(for_each(
        *database_,
        Family::meta,
        std::string(1, keys::meta_release_kind),
        [&](std::string_view, std::string_view value) -> Result<bool> {
            SIDING_ASSIGN(ReleaseJob job, decode_release(value));
            jobs.push_back(std::move(job));
            return true;
        }
    ));
    return jobs;
}

}  // namespace siding::queue
