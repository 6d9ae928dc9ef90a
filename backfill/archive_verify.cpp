#include "backfill/archive_verify.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <unordered_map>
#include <utility>
#include <vector>

namespace siding::backfill {
namespace {

class Verification {
public:
    Verification(
        const ArchiveStore& store,
        const std::function<void(const ArchiveProblem&)>& on_problem,
        const std::function<void(const ArchiveTally&)>& on_progress
    )
        : store_{store}, on_problem_{on_problem}, on_progress_{on_progress} {}

    Result<ArchiveTally> run() {
        for (const ArchiveIndex::Damage& damage : store_.damages()) {
            tell_damage({}, damage);
        }
        SIDING_TRY(store_.for_each_frame([this](const ArchiveFrame& frame) { compare(frame); }));
        for (const ArchiveStore::Listed& listed : store_.mailboxes()) {
            SIDING_TRY(look_at(listed.mailbox));
        }
        if (const auto unnamed = std::ranges::count(is_unnamed_, true); unnamed > 0) {
            tell(
                {"",
                 "",
                 0,
                 fmt::format("{} stored messages are in no mailbox of the indices", unnamed)}
            );
        }
        for (const auto& [sha256, broken] : broken_) {
            if (!broken.is_told) {
                tell({"", "", 0, broken.what});
            }
        }
        return tally_;
    }

private:
    struct Broken {
        std::string what;
        bool is_told = false;
    };

    void tell(const ArchiveProblem& problem) {
        ++tally_.problems;
        on_problem_(problem);
    }

    void tell_damage(const ArchiveProblem& where, const ArchiveIndex::Damage& damage) {
        ArchiveProblem problem = where;
        problem.what = damage.words();
        tell(problem);
    }

    void compare(const ArchiveFrame& frame) {
        const auto compared =
            store_.read(frame.sha256, [](std::string_view) { return Result<void>{}; });
        mark(frame.sha256, true);
        ++tally_.messages;
        tally_.octets += frame.octets;
        tally_.packed_octets += frame.packed_octets;
        if (!compared) {
            broken_.emplace(frame.sha256, Broken{compared.error().context, false});
        }
        on_progress_(tally_);
    }

    Result<void> look_at(const ArchiveMailbox& mailbox) {
        ++tally_.mailboxes;
        SIDING_ASSIGN(const ArchivedMessages messages, store_.messages(mailbox.number));
        const ArchiveProblem here{mailbox.account, mailbox.name, 0, ""};
        for (const ArchiveIndex::Damage& damage : messages.damages()) {
            tell_damage(here, damage);
        }
        ImapSet all = messages.uids();
        all.add(messages.lost());
        for (const ImapSet::Range& range : all.ranges()) {
            for (std::uint64_t uid = range.first; uid <= range.last; ++uid) {
                ++tally_.entries;
                look_at(here, messages, uid);
            }
        }
        return {};
    }

    void look_at(
        const ArchiveProblem& mailbox, const ArchivedMessages& messages, std::uint64_t uid
    ) {
        ArchiveProblem here = mailbox;
        here.uid = uid;
        const auto entry = messages.entry(uid);
        if (!entry) {
            here.what = entry.error().context;
            tell(here);
            return;
        }
        mark(entry->sha256, false);
        if (messages.lost().contains(uid) && !is_newer(entry->sha256)) {
            here.what = "the archive does not know where its octets are";
            tell(here);
            return;
        }
        const auto broken = broken_.find(entry->sha256);
        if (broken != broken_.end()) {
            broken->second.is_told = true;
            here.what = broken->second.what;
            tell(here);
        }
    }

    void mark(const Digest& sha256, bool is_unnamed) {
        const auto number = store_.number_of(sha256);
        if (!number) {
            return;
        }
        if (*number >= is_unnamed_.size()) {
            is_unnamed_.resize(*number + 1);
        }
        is_unnamed_[*number] = is_unnamed;
    }

    // Whether its octets have come in since the archive was opened.
    bool is_newer(const Digest& sha256) {
        if (!fresh_) {
            auto fresh = ArchiveStore::open(store_.directory());
            fresh_ = fresh ? std::move(*fresh) : nullptr;
        }
        return fresh_ && fresh_->has(sha256);
    }

    const ArchiveStore& store_;
    std::unique_ptr<ArchiveStore> fresh_;
    const std::function<void(const ArchiveProblem&)>& on_problem_;
    const std::function<void(const ArchiveTally&)>& on_progress_;
    ArchiveTally tally_;
    std::unordered_map<Digest, Broken> broken_;
    std::vector<bool> is_unnamed_;  // by number
};

}  // namespace

Result<ArchiveTally> verify_archive(
    const ArchiveStore& store,
    const std::function<void(const ArchiveProblem&)>& on_problem,
    const std::function<void(const ArchiveTally&)>& on_progress
) {
    return Verification{store, on_problem, on_progress}.run();
}

}  // namespace siding::backfill
