// ImapSession: the folders of a server.
#include "backfill/imap_ear.hpp"
#include "backfill/imap_session.hpp"
#include "base/bytes.hpp"

#include <fmt/format.h>
#include <map>
#include <utility>

namespace siding::backfill {

using net::awaitable;

std::string ImapSession::status_items() const {
    std::string items = "MESSAGES UIDNEXT UIDVALIDITY";
    if (capabilities_.condstore()) {
        items += " HIGHESTMODSEQ";
    }
    if (capabilities_.status_size()) {
        items += " SIZE";
    }
    return items;
}

awaitable<Result<FolderSide>> ImapSession::folders(std::vector<FolderState>& states) {
    states.clear();
    if (capabilities_.list_extended() && capabilities_.list_status()) {
        SIDING_CO_TRY(co_await list(states));
    } else {
        SIDING_CO_TRY(co_await list_plain(states));
    }
    FolderSide side;
    side.kind = kind();
    for (const FolderState& state : states) {
        side.folders.push_back(state.folder);
    }
    if (!namespaces_.personal.empty()) {
        const auto& own = namespaces_.personal.front();
        side.prefix = decode_mailbox(own.prefix);
        side.separator = own.separator.value_or('/');
    } else {
        side.prefix = guess_prefix(side.folders);
        for (const Folder& folder : side.folders) {
            side.separator = folder.separator != '\0' ? folder.separator : side.separator;
        }
    }
    for (const auto* others : {&namespaces_.other_users, &namespaces_.shared}) {
        for (const auto& other : *others) {
            side.foreign.push_back(decode_mailbox(other.prefix));
        }
    }
    co_return side;
}

namespace {

FolderState& state_of(std::vector<FolderState>& states, const std::string& name) {
    for (FolderState& state : states) {
        if (state.folder.name == name) {
            return state;
        }
    }
    states.emplace_back().folder.name = name;
    return states.back();
}

}  // namespace

// Thousands of folders come in one answer: an index keeps that from being quadratic.
awaitable<Result<void>> ImapSession::list(std::vector<FolderState>& states) {
    std::map<std::string, std::size_t> index;
    auto at = [&](const std::string& raw) -> FolderState& {
        std::string folder = decode_mailbox(raw);
        const auto [entry, is_new] = index.emplace(folder, states.size());
        if (is_new) {
            states.emplace_back().folder.name = std::move(folder);
        }
        return states[entry->second];
    };
    Ear ear{*this, [&](const ImapResponse& response) {
                if (auto item = list_item(response)) {
                    FolderState& state = at(item->name);
                    state.folder.separator = item->separator.value_or('\0');
                    state.is_selectable =
                        !item->has_attribute("\\Noselect") && !item->has_attribute("\\NonExistent");
                    state.folder.is_subscribed =
                        state.folder.is_subscribed || item->has_attribute("\\Subscribed");
                    state.folder.attributes = std::move(item->attributes);
                } else if (auto status = status_item(response)) {
                    FolderState& state = at(status->mailbox);
                    state.folder.messages = status->messages.value_or(0);
                    state.folder.octets = status->octets.value_or(0);
                    state.status = std::move(*status);
                }
            }};
    ImapCommand command{"LIST"};
    command.raw("\"\" \"*\"")
        .raw(fmt::format(
            "RETURN (SUBSCRIBED{} STATUS ({}))",
            capabilities_.special_use() ? " SPECIAL-USE" : "",
            status_items()
        ));
    SIDING_CO_TRY(co_await run(std::move(command), ImapStage::other));
    co_return Result<void>{};
}

awaitable<Result<void>> ImapSession::list_plain(std::vector<FolderState>& states) {
    {
        Ear ear{*this, [&](const ImapResponse& response) {
                    if (auto item = list_item(response)) {
                        FolderState& state = state_of(states, decode_mailbox(item->name));
                        if (response.is_data("LSUB")) {
                            state.folder.is_subscribed = true;
                            return;
                        }
                        state.folder.separator = item->separator.value_or('\0');
                        state.is_selectable = !item->has_attribute("\\Noselect") &&
                                              !item->has_attribute("\\NonExistent");
                        state.folder.attributes = std::move(item->attributes);
                    }
                }};
        ImapCommand all{"LIST"};
        all.raw("\"\" \"*\"");
        SIDING_CO_TRY(co_await run(std::move(all), ImapStage::other));
        const std::size_t existing = states.size();
        ImapCommand subscribed{"LSUB"};
        subscribed.raw("\"\" \"*\"");
        SIDING_CO_TRY(co_await connection_.run(std::move(subscribed)));
        states.resize(existing);  // subscribed, but not there
    }
    Ear ear{*this, [&](const ImapResponse& response) {
                if (auto status = status_item(response)) {
                    FolderState& state = state_of(states, decode_mailbox(status->mailbox));
                    state.folder.messages = status->messages.value_or(0);
                    state.folder.octets = status->octets.value_or(0);
                    state.status = std::move(*status);
                }
            }};
    std::vector<ImapTag> tags;
    for (const FolderState& state : states) {
        if (state.is_selectable) {
            ImapCommand command{"STATUS"};
            add_mailbox(command, state.folder.name);
            command.raw("(" + status_items() + ")");
            SIDING_CO_ASSIGN(ImapTag tag, co_await connection_.start(std::move(command)));
            tags.push_back(std::move(tag));
        }
    }
    for (ImapTag& tag : tags) {
        SIDING_CO_TRY(co_await connection_.answer(std::move(tag)));  // one that refuses has none
    }
    co_return Result<void>{};
}

awaitable<Result<void>> ImapSession::make(std::vector<NewFolder> folders) {
    struct Asked {
        ImapTag tag;
        std::string what;
        bool is_create = false;
    };
    std::vector<Asked> asked;
    for (const NewFolder& folder : folders) {
        if (folder.create) {
            ImapCommand command{"CREATE"};
            add_mailbox(command, folder.name);
            if (folder.use != SpecialUse::none && capabilities_.create_special_use()) {
                command.raw(fmt::format("(USE ({}))", attribute_of(folder.use)));
            }
            SIDING_CO_ASSIGN(ImapTag tag, co_await connection_.start(std::move(command)));
            asked.push_back({std::move(tag), "CREATE " + escape(folder.name), true});
        }
        if (folder.subscribe) {
            ImapCommand command{"SUBSCRIBE"};
            add_mailbox(command, folder.name);
            SIDING_CO_ASSIGN(ImapTag tag, co_await connection_.start(std::move(command)));
            asked.push_back({std::move(tag), "SUBSCRIBE " + escape(folder.name), false});
        }
    }
    std::optional<Error> failure;
    for (Asked& each : asked) {
        SIDING_CO_ASSIGN(ImapResponse answer, co_await connection_.answer(std::move(each.tag)));
        if (failure) {
            continue;  // the first one counts
        }
        const auto stage = each.is_create ? ImapStage::create : ImapStage::other;
        auto checked = check(std::move(answer), stage);
        if (!checked && trouble_ != Trouble::already_exists) {
            failure = with_context(std::move(checked).error(), each.what);
        }
    }
    if (failure) {
        co_return *failure;
    }
    co_return Result<void>{};
}

}  // namespace siding::backfill
