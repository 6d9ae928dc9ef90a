#include "backfill/archive_keeper.hpp"

#include <utility>

namespace siding::backfill {

ArchiveKeeper::Lease::~Lease() {
    if (keeper_ == nullptr) {
        return;
    }
    const std::lock_guard lock{keeper_->mutex_};
    if (--keeper_->leases_ == 0) {
        keeper_->store_.reset();
    }
}

Result<ArchiveKeeper::Lease> ArchiveKeeper::take(const std::filesystem::path& directory) {
    const std::lock_guard lock{mutex_};
    if (!store_) {
        SIDING_ASSIGN(store_, ArchiveStore::open_to_write(directory));
    }
    ++leases_;
    return Lease{*this};
}

}  // namespace siding::backfill
