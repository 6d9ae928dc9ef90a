#include "cli/help.hpp"

#include <CLI/CLI.hpp>

#include <fmt/format.h>

namespace siding::cli {
namespace {

// CLI11's page without its noise: no "TEXT", no "Needs:", REQUIRED only where it is news.
class HelpFormatter final : public CLI::Formatter {
public:
    HelpFormatter() {
        column_width(24);
        label("REQUIRED", "");
        label("OPTIONS", "flags");
        label("SUBCOMMAND", "VERB");
        label("POSITIONALS", "Arguments");
    }

    std::string make_option_opts(const CLI::Option* option) const override {
        const bool named = !option->get_lnames().empty() || !option->get_snames().empty();
        if (!named || option->get_items_expected_max() == 0 || option->get_type_name().empty()) {
            return "";
        }
        return " " + option->get_type_name();
    }

    std::string make_footer(const CLI::App*) const override { return ""; }
};

}  // namespace

std::string overview() {
    return R"(Siding holds and passes on mail while a domain's MX moves.

  siding [--socket PATH] [--json] VERB

Look
  status                          health, domains, servers, the books
  phase [DOMAIN[/WAVE]]           phases in force
  wave list [DOMAIN] | show WAVE  recipients that move together
  flips                           what was flipped, when and by whom
  queue list [FILTER]             recipients and their states
  queue show ID                   one message: envelope, recipients
  parked [FILTER]                 refused recipients, by cause, and what to do
  copies [FILTER]                 parallel run: both servers' answers compared
  sessions                        who is sending now
  recipients check ADDRESS        would it be accepted, and why
  trace QUERY                     one message's life, in plain sentences
  audit [--deep]                  prove that the books balance

Act
  phase DOMAIN[/WAVE] PHASE       move a phase: hold, release, pass_new, …
  flip --to PHASE DOMAIN[/WAVE]…  move several at once, all of them or none
  rollback                        take the last flip back
  wave add | remove | clone WAVE  who moves together; --file, --pattern
  release [FILTER] [--to SERVER]  send held mail; --dry-run counts, --wait watches
  release list | show RELEASE     releases, and how far they are
  release pause | resume | cancel RELEASE
  queue hold FILTER               keep what is due or parked
  queue discard FILTER [--dsn]    drop recipients for good; --dsn tells senders
  queue export --to DIR           write messages as .eml, Maildir or mbox
  remap add OLD NEW               deliver one address's mail to another
  replay --to SERVER FILTER       deliver again what was delivered
  recipients flush [ADDRESS]      forget what servers said of recipients

Has the world switched
  dns status [DOMAIN]             the verdict, and until when the old MX lives
  dns watch [DOMAIN]              the same, live; dns look DOMAIN asks now
  dns senders [DOMAIN]            who usually sends; import FILE… learns it
  dns probe DOMAIN                one look, without a daemon
  dns snapshot DOMAIN             keep all mail-related records in a file
  dns diff DOMAIN | FILE [FILE]   what has changed since

Copy the mailboxes (siding-backfilld)
  backfill run [ACCOUNT…]         one pass over the accounts; --wait
                                  --since, --before, --max-size: a part;
                                  --final: fails while the source grows
  backfill status | report ACCOUNT
                                  where each is, and every exception
  backfill retry [ACCOUNT…]       what was refused or unreadable, once more;
                                  --repair auto
  backfill verify [ACCOUNT…]      compare every message on both sides
  backfill plan ACCOUNT           which folder goes where; writes nothing
  backfill manifest ACCOUNT       every message with digest and verdict, signed
  backfill assess [ACCOUNT…]      what there is, what is in the way, how long
  backfill accounts check         log in to both sides of each; --canary
  backfill accounts authorize ACCOUNT
                                  get a token: a code for its user to type in
  backfill pause | resume | follow | unfollow
  archive create | restore ACCOUNT…
                                  to the local disk, and from it
  archive list | verify | export  what it has, without a daemon

Without a daemon
  config check FILE               every error at once, with line and key
  config show [FILE]              every value in force, profiles and retries
  config reference                every key, its default, its meaning
  rehearse [--mail PATH]          a whole cutover on loopback, with proof
  doctor [DOMAIN] [--phase P]     what would stop mail, and what to paste
  outage-cost --hours N           whose mail is lost when nobody answers

FILTER   --domain --wave --recipient --sender --state --since --before
         --larger --tag --not-tag --cause --server --copy --id --limit; all that
         are given must hold
Exit     0 done, 1 the answer is no, 2 usage, 3 cannot reach the daemon
Socket   --socket, or SIDING_SOCKET, or /run/siding/control.sock; of backfill
         SIDING_BACKFILL_SOCKET, or /run/siding/backfill.sock

siding VERB --help says more; siding(1) says all.
)";
}

std::string version_line() {
    return fmt::format("siding {}\n", SIDING_VERSION);
}

std::shared_ptr<CLI::FormatterBase> make_help_formatter() {
    return std::make_shared<HelpFormatter>();
}

}  // namespace siding::cli
