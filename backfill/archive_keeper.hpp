// The one archive of the daemon: open while an order needs it, so that nobody waits for its lock or
// pays for its memory in between. Thread-safe.
#pragma once

#include "backfill/archive_store.hpp"

#include <filesystem>
#include <memory>
#include <mutex>

namespace siding::backfill {

class ArchiveKeeper {
public:
    // What has it open; gives it back at its end.
    class Lease {
    public:
        explicit Lease(ArchiveKeeper& keeper) : keeper_{&keeper} {}
        Lease(Lease&& other) noexcept : keeper_{std::exchange(other.keeper_, nullptr)} {}
        Lease& operator=(Lease&&) = delete;
        ~Lease();

        ArchiveStore& store() const { return *keeper_->store_; }

    private:
        ArchiveKeeper* keeper_;
    };

    // Opens it to write where nobody has it open; blocks.
    Result<Lease> take(const std::filesystem::path& directory);

private:
    std::mutex mutex_;
    std::unique_ptr<ArchiveStore> store_;
    std::size_t leases_ = 0;
};

}  // namespace siding::backfill
