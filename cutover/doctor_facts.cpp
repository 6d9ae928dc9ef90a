#include "cutover/doctor_facts.hpp"

#include "base/bytes.hpp"

#include <algorithm>

namespace siding::cutover {

const SmtpView* HostView::answered() const {
    const auto found = std::ranges::find_if(sessions, &SmtpView::has_answered);
    return found == sessions.end() ? nullptr : &*found;
}

std::string HostView::roles() const {
    std::string text;
    const auto add = [&text](bool is, const std::string& role) {
        if (is) {
            text += (text.empty() ? "" : ", ") + role;
        }
    };
    add(is_mx, "served MX");
    add(is_hold, "hold host");
    add(is_old_mx && !is_mx, "old MX");
    add(!server.empty(), "server \"" + server + "\"");
    return text;
}

dns::Expected DoctorFacts::expected() const {
    return {.new_hosts = new_hosts, .old_hosts = old_hosts};
}

const HostView* DoctorFacts::host(std::string_view name) const {
    const auto found = std::ranges::find_if(hosts, [&](const HostView& host) {
        return equals_ignoring_case(host.name, name);
    });
    return found == hosts.end() ? nullptr : &*found;
}

std::vector<const HostView*> DoctorFacts::server(std::string_view configured) const {
    std::vector<const HostView*> found;
    for (const HostView& host : hosts) {
        if (host.server == configured) {
            found.push_back(&host);
        }
    }
    return found;
}

bool DoctorFacts::is_switched() const {
    return !mx.empty() && !new_hosts.empty() && std::ranges::all_of(mx, [&](const dns::Mx& record) {
        return std::ranges::find(new_hosts, record.host) != new_hosts.end();
    });
}

std::string DoctorFacts::lacks_config() const {
    return config == nullptr ? "it needs the configuration of Siding: --config FILE" : "";
}

std::string DoctorFacts::lacks_domain() const {
    if (config == nullptr) {
        return lacks_config();
    }
    return settings == nullptr ? domain + " is not in " + options.config_file : "";
}

}  // namespace siding::cutover
