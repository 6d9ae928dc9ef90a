#include "queue/ledger.hpp"

namespace siding::queue {

std::string_view format_ledger_kind(LedgerKind kind) {
    switch (kind) {
    case LedgerKind::accepted:
        return "accepted";
    case LedgerKind::attempt:
        return "attempt";
    case LedgerKind::delivered:
        return "delivered";
    case LedgerKind::deferred:
        return "deferred";
    case LedgerKind::in_doubt:
        return "in_doubt";
    case LedgerKind::parked:
        return "parked";
    case LedgerKind::released:
        return "released";
    case LedgerKind::held:
        return "held";
    case LedgerKind::rerouted:
        return "rerouted";
    case LedgerKind::recovered:
        return "recovered";
    case LedgerKind::discarded:
        return "discarded";
    case LedgerKind::phase:
        return "phase";
    case LedgerKind::quarantined:
        return "quarantined";
    case LedgerKind::started:
        return "started";
    case LedgerKind::refused:
        return "refused";
    case LedgerKind::replayed:
        return "replayed";
    case LedgerKind::assigned:
        return "assigned";
    case LedgerKind::remapped:
        return "remapped";
    }
    return "unknown";
}

Digest ledger_genesis() {
    return sha256("siding ledger 1");
}

Digest chain_of(const Digest& previous, std::string_view record) {
    Sha256 hash;
    hash.update(previous);
    hash.update(record);
    return hash.finish();
}

}  // namespace siding::queue
