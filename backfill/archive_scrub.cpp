#include "backfill/archive_scrub.hpp"

#include "base/bytes.hpp"
#include "base/log.hpp"

#include <fmt/format.h>
#include <fstream>
#include <utility>

namespace siding::backfill {
namespace {

namespace fs = std::filesystem;

const Logger log{"backfill"};

constexpr const char* file_name = "read-back";

using Place = std::pair<std::uint32_t, std::uint64_t>;  // pack, offset

// What was looked at last. Of no use to anybody else, and lost it costs another look.
Place read_place(const fs::path& directory) {
    Place place{0, 0};
    std::ifstream file{directory / file_name};
    if (!(file >> place.first >> place.second)) {
        return {0, 0};
    }
    return place;
}

void write_place(const fs::path& directory, const Place& place) {
    const fs::path fresh = directory / fmt::format("{}.new", file_name);
    {
        std::ofstream file{fresh, std::ios::trunc};
        file << place.first << ' ' << place.second << '\n';
    }
    std::error_code failed;
    fs::rename(fresh, directory / file_name, failed);
}

// A disk that cannot be read now is another matter.
bool is_damage(const Error& error) {
    return error.is(Errc::corrupt) || error.is(Errc::not_found);
}

class Scrub {
public:
    Scrub(ArchiveStore& store, std::uint64_t packed_octets_max)
        : store_{store},
          packed_octets_max_{packed_octets_max},
          begun_at_{read_place(store.directory())},
          place_{begun_at_} {}

    Result<ScrubTally> run() {
        SIDING_TRY(walk([this](const Place& at) { return at > begun_at_; }));
        SIDING_TRY(walk([this](const Place& at) { return at <= begun_at_; }));
        if (tally_.packed_octets >= packed_octets_max_) {
            write_place(store_.directory(), place_);
        }
        return tally_;
    }

private:
    template <typename IsWanted>
    Result<void> walk(const IsWanted& is_wanted) {
        return store_.for_each_frame([&](const ArchiveFrame& frame) {
            const Place at{frame.pack, frame.offset};
            if (tally_.packed_octets >= packed_octets_max_ || !is_wanted(at)) {
                return;
            }
            place_ = at;
            ++tally_.messages;
            tally_.packed_octets += frame.packed_octets;
            compare(frame);
        });
    }

    void compare(const ArchiveFrame& frame) {
        const auto read =
            store_.read(frame.sha256, [](std::string_view) { return Result<void>{}; });
        if (read || !is_damage(read.error())) {
            return;
        }
        ++tally_.broken;
        log.error("archive_damaged", {{"sha256", to_hex(frame.sha256)}, {"reason", read.error()}});
        store_.forget(frame.sha256);
    }

    ArchiveStore& store_;
    std::uint64_t packed_octets_max_;
    Place begun_at_;
    Place place_;
    ScrubTally tally_;
};

}  // namespace

Result<ScrubTally> scrub_archive(ArchiveStore& store, std::uint64_t packed_octets_max) {
    if (!store.begin_scrub()) {
        return ScrubTally{};
    }
    return Scrub{store, packed_octets_max}.run();
}

}  // namespace siding::backfill
