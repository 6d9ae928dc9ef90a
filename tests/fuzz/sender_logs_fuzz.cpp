// Mail logs of every format, a line at a time: whatever is taken for mail has recipients and a time
// that can be, and the baseline that comes of it balances. The same for what is kept of it as text.
#include "base/check.hpp"
#include "base/limits.hpp"
#include "cutover/sender_baseline.hpp"
#include "cutover/sender_log.hpp"
#include "cutover/sender_values.hpp"
#include "dns/history.hpp"

#include <cstdint>
#include <numeric>
#include <string_view>
#include <vector>

namespace {

using namespace siding;
using namespace siding::cutover;

constexpr WallTime now{std::chrono::seconds{1'795'262'400}};

void check_mail(const LoggedMail& mail, LogFormat format) {
    SIDING_CHECK(!mail.recipients.empty(), "mail for nobody");
    SIDING_CHECK(mail.recipients.size() <= limits::log_recipients_max, "too many recipients");
    for (const std::string& recipient : mail.recipients) {
        SIDING_CHECK(!recipient.empty(), "an empty recipient");
    }
    if (format == LogFormat::plain) {
        SIDING_CHECK(!mail.client_address.empty() || !mail.client_name.empty(), "from nobody");
    }
}

void check_baseline(const std::vector<LoggedMail>& mails) {
    const Domain domain = Domain::parse("example.com").value();
    SenderBaseline baseline;
    std::uint64_t counted = 0;
    for (const LoggedMail& mail : mails) {
        counted += baseline.add(mail, domain) ? 1 : 0;
    }
    const auto sum =
        std::accumulate(baseline.hours.begin(), baseline.hours.end(), std::uint64_t{0});
    SIDING_CHECK(baseline.messages == counted && sum == counted, "messages");
    SIDING_CHECK(baseline.first <= baseline.last, "span");
    const auto parsed = parse_baseline(format_baseline(baseline));
    SIDING_CHECK(parsed && parsed->hours == baseline.hours, "round trip");
}

void check_log(LogFormat format, std::string_view text) {
    const auto log = make_sender_log(format, {now, std::chrono::minutes{60}});
    std::vector<LoggedMail> mails;
    while (!text.empty()) {
        const auto end = text.find('\n');
        log->take(text.substr(0, end), mails);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    log->finish(mails);
    for (const LoggedMail& mail : mails) {
        check_mail(mail, format);
    }
    check_baseline(mails);
}

void check_values(std::string_view text) {
    if (const auto value = parse_provider(text)) {
        SIDING_CHECK(parse_provider(format_provider(*value)) == value, "provider");
    }
    if (const auto value = parse_hours(text)) {
        SIDING_CHECK(parse_hours(format_hours(*value)) == value, "hours");
    }
    parse_straggler(text);
    parse_straggler_key(text);
    if (const auto history = dns::History::load(text)) {
        const auto again = dns::History::load(history->save());
        SIDING_CHECK(again && *again == *history, "history");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string_view text{reinterpret_cast<const char*>(data) + 1, size - 1};
    switch (data[0] % 5) {
    case 0:
        check_log(LogFormat::postfix, text);
        break;
    case 1:
        check_log(LogFormat::exchange, text);
        break;
    case 2:
        check_log(LogFormat::plain, text);
        break;
    case 3:
        check_values(text);
        break;
    default:
        if (const auto format = guess_log_format(text)) {
            check_log(*format, text);
        }
    }
    return 0;
}
