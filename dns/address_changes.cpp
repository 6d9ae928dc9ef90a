#include "dns/address_changes.hpp"

#include "dns/record.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

namespace siding::dns {
namespace {

// A server that is silent for longer has left the delegation, for all that is known.
constexpr auto silence_max = std::chrono::hours{24};
// So many changes of one server in a day are no move.
constexpr std::size_t moves_max = 3;
constexpr auto moves_span = std::chrono::hours{24};

using Epochs = std::map<std::string, std::vector<Epoch>>;  // by server, oldest first

void add(std::vector<std::string>& all, const std::vector<std::string>& more) {
    for (const std::string& one : more) {
        if (std::ranges::find(all, one) == all.end()) {
            all.push_back(one);
        }
    }
}

// One of A and AAAA.
class Family {
public:
    Family(Epochs epochs, WallTime now) : epochs_{std::move(epochs)}, now_{now} {
        WallTime heard{};
        for (const auto& [server, each] : epochs_) {
            heard = std::max(heard, each.back().last);
        }
        for (const auto& [server, each] : epochs_) {
            if (heard - each.back().last < silence_max) {
                servers_.push_back(server);
                note(each);
            }
        }
    }
    Family(const Family&) = delete;
    Family& operator=(const Family&) = delete;

    // What the server that changed last gives; where none did, what any of them gives.
    std::vector<std::string> addresses() const {
        std::vector<std::string> found;
        if (newest_ != nullptr) {
            return newest_->records();
        }
        for (const std::string& server : servers_) {
            add(found, epochs_.at(server).back().records());
        }
        return found;
    }

    std::vector<std::string> ever() const {
        std::vector<std::string> found;
        for (const auto& [server, each] : epochs_) {
            for (const Epoch& epoch : each) {
                add(found, epoch.records());
            }
        }
        return found;
    }

    const std::vector<std::string>& servers() const { return servers_; }
    bool rotates() const { return rotates_; }
    std::optional<WallTime> changed_at() const { return changed_at_; }

private:
    void note(const std::vector<Epoch>& each) {
        std::size_t moves = 0;
        std::optional<WallTime> since;  // the last of them
        for (std::size_t i = 1; i < each.size(); ++i) {
            if (each[i].data != each[i - 1].data) {
                moves += now_ - each[i].first < moves_span ? 1 : 0;
                since = each[i].first;
            }
        }
        rotates_ = rotates_ || moves > moves_max;
        if (since) {
            changed_at_ = std::min(changed_at_.value_or(*since), *since);
            newest_ = !newest_ || *since > newest_since_ ? &each.back() : newest_;
            newest_since_ = std::max(newest_since_, *since);
        }
    }

    Epochs epochs_;
    WallTime now_;
    std::vector<std::string> servers_;  // that answer
    std::optional<WallTime> changed_at_;
    const Epoch* newest_ = nullptr;  // of the server that changed last
    WallTime newest_since_{};
    bool rotates_ = false;
};

}  // namespace

std::vector<HostAddresses> addresses_of(
    const History& history,
    const std::vector<std::string>& hosts,
    WallTime now,
    const DeadlineOptions& options
) {
    std::vector<HostAddresses> all;
    for (const std::string& host : hosts) {
        HostAddresses& found = all.emplace_back();
        found.host = host;
        DeadlineOptions own = options;
        own.servers.clear();
        std::vector<std::string> ever;
        for (const RecordType type : {RecordType::a, RecordType::aaaa}) {
            const Family family{history.by_server(host, static_cast<std::uint16_t>(type)), now};
            add(found.addresses, family.addresses());
            add(ever, family.ever());
            add(own.servers, family.servers());
            found.rotates = found.rotates || family.rotates();
            found.changed_at = std::max(found.changed_at, family.changed_at());
        }
        if (found.rotates || !found.changed_at) {
            found.changed_at.reset();
            continue;
        }
        std::ranges::copy_if(ever, std::back_inserter(found.gone), [&](const std::string& one) {
            return std::ranges::find(found.addresses, one) == found.addresses.end();
        });
        if (!found.gone.empty()) {
            found.old_until = address_deadline(history, host, found.addresses, now, own);
        }
    }
    return all;
}

}  // namespace siding::dns
