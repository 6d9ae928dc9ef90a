#include "control/backfill_proof_api.hpp"

#include "backfill/manifest.hpp"
#include "backfill/manifest_key.hpp"
#include "control/response.hpp"
#include "net/run_on.hpp"

#include <boost/json/array.hpp>

#include <fmt/format.h>
#include <memory>
#include <utility>

namespace siding::control {
namespace {

namespace json = boost::json;
using backfill::Assessment;
using net::awaitable;

std::string server_text(const backfill::Login& login) {
    const std::string whose = login.authzid.empty() ? login.user : login.authzid;
    return config::format_endpoint(login.address) + " as " + whose;
}

awaitable<Result<std::optional<std::string>>> next_piece(
    std::shared_ptr<backfill::ManifestWriter> writer, net::asio::any_io_executor blocking
) {
    auto next = [writer] { return writer->next(); };
    auto piece = co_await net::run_on(blocking, std::move(next));
    co_return piece;
}

json::array names_json(const std::vector<Assessment::Name>& names) {
    json::array out;
    for (const Assessment::Name& name : names) {
        out.push_back(json::object{
            {"source", json_text(name.source)},
            {"destination", json_text(name.destination)},
            {"why", json_text(name.why)},
            {"messages", name.messages},
        });
    }
    return out;
}

json::object large_json(const Assessment::Large& large) {
    return {
        {"mailbox", json_text(large.mailbox)},
        {"uid", large.uid},
        {"octets", large.octets},
        {"date", json_text(large.date)},
    };
}

json::object time_json(const backfill::TimeNeeded& needed) {
    return {{"seconds", needed.working.count()}, {"days", needed.days}};
}

json::object assessment_json(
    const std::string& name, const Assessment& made, const backfill::AssessTerms& terms
) {
    json::array large;
    for (const Assessment::Large& each : made.over_limit_listed) {
        large.push_back(large_json(each));
    }
    json::array notes;
    for (const std::string& note : made.notes) {
        notes.push_back(json_text(note));
    }
    return {
        {"account", json_text(name)},
        {"made_at", json_time(made.made_at)},
        {"folders", made.folders},
        {"messages", made.messages},
        {"octets", made.octets},
        {"messages_left", made.messages_left()},
        {"octets_left", made.octets_left()},
        {"largest", large_json(made.largest)},
        {"oldest", json_time(made.oldest)},
        {"newest", json_time(made.newest)},
        {"undated", made.undated},
        {"limit", made.limit ? json::value(*made.limit) : json::value(nullptr)},
        {"limit_told", made.is_limit_told},
        {"over_limit", made.over_limit},
        {"over_limit_messages", std::move(large)},
        {"renamed", names_json(made.renamed)},
        {"special", names_json(made.special)},
        {"skipped", names_json(made.skipped)},
        {"notes", std::move(notes)},
        {"time", time_json(backfill::time_needed({&made}, terms))},
    };
}

}  // namespace

awaitable<Result<net::HttpResponse>> send_manifest(
    backfill::Backfill& backfill, const net::HttpRequest& request
) {
    const auto asked = request.query.find("account");
    if (asked == request.query.end()) {
        co_return Error{Errc::invalid_argument, "'account' is missing"};
    }
    SIDING_CO_ASSIGN(const backfill::Account account, backfill.account(asked->second));
    SIDING_CO_ASSIGN(const backfill::AccountStatus status, backfill.status(account.name));
    using backfill::AccountPhase;
    if (status.phase != AccountPhase::idle && status.phase != AccountPhase::failed) {
        co_return Error{
            Errc::conflict,
            fmt::format(
                "{} is {}: a manifest is made of what stands still; wait for its end",
                account.name,
                backfill::to_text(status.phase)
            )};
    }
    backfill::ManifestWriter::Head head{
        account.name,
        server_text(account.source),
        server_text(account.destination),
        SIDING_VERSION,
        backfill.now()};
    auto make = [&backfill, &head]() -> Result<std::shared_ptr<backfill::ManifestWriter>> {
        SIDING_ASSIGN(auto key, backfill::manifest_key(backfill.directory()));
        SIDING_ASSIGN(auto record, backfill.ledger().account(head.account));
        auto writer = std::make_shared<backfill::ManifestWriter>(
            backfill.ledger(), std::move(record), head, std::move(key)
        );
        SIDING_TRY(writer->survey());
        return writer;
    };
    SIDING_CO_ASSIGN(auto writer, co_await net::run_on(backfill.blocking(), make));
    net::HttpResponse response;
    response.content_type = "text/plain; charset=utf-8";
    response.produce = [writer = std::move(writer), blocking = backfill.blocking()] {
        return next_piece(writer, blocking);
    };
    co_return response;
}

awaitable<Result<net::HttpResponse>> show_manifest_key(backfill::Backfill& backfill) {
    auto read = [&backfill] { return backfill::manifest_key(backfill.directory()); };
    SIDING_CO_ASSIGN(const SigningKey key, co_await net::run_on(backfill.blocking(), read));
    co_return json_response(json::object{{"public_key", key.public_key().text()}});
}

Result<net::HttpResponse> show_assessments(
    const backfill::Backfill& backfill, const net::HttpRequest& request
) {
    const auto asked = request.query.find("account");
    const backfill::AssessTerms terms = backfill.assess_terms();
    std::vector<backfill::AccountStatus> accounts;
    if (asked == request.query.end()) {
        accounts = backfill.status();
    } else {
        SIDING_ASSIGN(accounts.emplace_back(), backfill.status(asked->second));
    }
    json::array out;
    std::vector<const Assessment*> all;
    for (const backfill::AccountStatus& status : accounts) {
        if (status.assessment) {
            out.push_back(assessment_json(status.name, *status.assessment, terms));
            all.push_back(status.assessment.get());
        }
    }
    return json_response(json::object{
        {"accounts", std::move(out)},
        {"time", time_json(backfill::time_needed(all, terms))},
        {"rate",
         json::object{
             {"messages", terms.rate.messages},
             {"octets", terms.rate.octets},
             {"measured", terms.rate.is_measured},
         }},
        {"accounts_at_once", terms.accounts_at_once},
        {"bandwidth", terms.bandwidth},
        {"daily", terms.daily},
        {"daily_account", terms.daily_account},
    });
}

Result<void> read_proof_options(
    const Body& body, backfill::Order order, backfill::OrderOptions& options
) {
    using backfill::Order;
    const auto check = [&](std::string_view key, Order only) -> Result<void> {
        if (body.has(key) && order != only) {
            return Error{
                Errc::invalid_argument,
                fmt::format("'{}' is for the order {} alone", key, backfill::to_text(only))};
        }
        return {};
    };
    SIDING_TRY(check("sample", Order::verify));
    SIDING_TRY(check("seed", Order::verify));
    SIDING_TRY(check("canary", Order::check));
    SIDING_TRY(check("limit", Order::assess));
    if (body.has("sample")) {
        SIDING_ASSIGN(const std::string text, body.text("sample"));
        SIDING_ASSIGN(options.sample, backfill::SampleSize::parse(text));
    }
    if (body.has("seed")) {
        SIDING_ASSIGN(options.seed, body.number("seed", 0));
    }
    if (body.has("canary")) {
        SIDING_ASSIGN(options.canary, body.flag("canary"));
    }
    SIDING_ASSIGN(options.limit, body.number("limit", 0));
    return {};
}

json::value render_verification(const backfill::Verification* verification, Extras how) {
    if (verification == nullptr) {
        return nullptr;
    }
    const backfill::Verification& made = *verification;
    json::object by_mailbox;
    for (const auto& [mailbox, messages] : made.extra) {
        by_mailbox[json_text(mailbox).as_string()] = messages;
    }
    json::object out{
        {"began_at", json_time(made.began_at)},
        {"ended_at", json_time(made.ended_at)},
        {"pass", made.pass},
        {"sampled", made.is_sampled()},
        {"messages", made.messages},
        {"looked_at", made.looked_at},
        {"wrong", made.wrong},
        {"extra", made.extra_count()},
        {"extra_by_mailbox", std::move(by_mailbox)},
    };
    if (how == Extras::listed) {
        json::array extras;
        for (const backfill::Extra& extra : made.extras) {
            extras.push_back(json::object{
                {"mailbox", json_text(extra.mailbox)},
                {"uid", extra.uid},
                {"date", json_text(extra.date)},
                {"subject", json_text(extra.subject)},
            });
        }
        out["extras"] = std::move(extras);
    }
    if (made.is_sampled()) {
        out["sample"] = made.sample;
        out["seed"] = made.seed;
        out["statement"] = made.statement();
    }
    return out;
}

json::value render_canary(const backfill::CanaryOutcome* outcome) {
    if (outcome == nullptr) {
        return nullptr;
    }
    json::array reasons;
    for (const auto& reason : outcome->reasons) {
        reasons.push_back(json::object{
            {"blocking", reason.is_blocking}, {"text", json_text(reason.text)}});
    }
    json::array left;
    for (const std::string& folder : outcome->left_behind) {
        left.push_back(json_text(folder));
    }
    return json::object{
        {"go", outcome->is_go()},
        {"folder", json_text(outcome->folder)},
        {"reasons", std::move(reasons)},
        {"left_behind", std::move(left)},
    };
}

}  // namespace siding::control
