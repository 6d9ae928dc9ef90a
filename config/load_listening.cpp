#include "base/bytes.hpp"
#include "config/load_parts.hpp"

#include <fmt/format.h>

namespace siding::config {
namespace {

// As it stands; what is missing is told by others.
Identity read_identity(Section& section, const FileValue& file) {
    Identity identity;
    section.read("certificate", identity.certificate, file);
    section.read("key", identity.key, file);
    return identity;
}

// A name, or "*.example.com" for any one label in the star's place (RFC 6125 §6.4.3).
Result<std::string> parse_tls_name(std::string_view text) {
    constexpr std::string_view wildcard = "*.";
    if (!text.starts_with(wildcard)) {
        SIDING_ASSIGN(const Domain name, Domain::parse(text));
        return name.text();
    }
    SIDING_ASSIGN(const Domain name, Domain::parse(text.substr(wildcard.size())));
    if (name.text().find('.') == std::string::npos) {
        return Error{
            Errc::invalid_argument,
            fmt::format(
                "'{}' is for a whole top-level domain; write at least *.example.com", escape(text)
            )};
    }
    return std::string{wildcard} + name.text();
}

void read_names(Section& section, const FileValue& file, Tls& tls, Problems& problems) {
    section.each_entry("names", [&](const Entry& entry, Section& name_section) {
        const Identity identity = read_identity(name_section, file);
        const auto name = parse_tls_name(entry.key);
        if (name.has_error()) {
            problems.add(entry.place, name_section.path(), name.error().context);
        } else if (!tls.names.emplace(*name, identity).second) {
            problems.add(
                entry.place, name_section.path(), "is the same name as one above; write it once"
            );
        }
    });
}

void read_peers(Section& section, std::string_view name, TrustedPeers& peers) {
    section.group(name, [&](Section& group) {
        group.read_list("networks", peers.networks, network_value);
        group.read("required", peers.required, flag_value);
    });
}

// A TLS setting of a listener that has no TLS would be forgotten silently.
void check_tls(Section& section, const Listener& listener, const Tls& tls) {
    constexpr std::string_view fix = "set tls.certificate and tls.key";
    if (listener.tls != ListenerTls::off) {
        if (!tls.has_certificate()) {
            section.add_problem("tls", fmt::format("needs a certificate; {}", fix));
        }
        return;
    }
    const std::string what = section.has("tls")
                                 ? "is for a listener with TLS; set its tls to starttls or implicit"
                                 : fmt::format("is for a listener with TLS; {}", fix);
    if (listener.tls_required) {
        section.add_problem("tls_required", what);
    }
    if (listener.client_certificates) {
        section.add_problem("client_certificates", what);
    }
}

}  // namespace

void read_tls(Section& root, const FileValue& file, Tls& tls, Problems& problems) {
    root.group("tls", [&](Section& section) {
        if (section.has("certificate") || section.has("key")) {
            tls.identity = read_identity(section, file);
        }
        if (section.has("certificate") && !section.has("key")) {
            section.add_problem("certificate", "needs tls.key beside it");
        }
        if (section.has("key") && !section.has("certificate")) {
            section.add_problem("key", "needs tls.certificate beside it");
        }
        section.read("minimum", tls.minimum, enum_value<TlsVersion>);
        read_names(section, file, tls, problems);
    });
}

void read_listeners(Section& root, Config& config) {
    root.each_item("listeners", [&](Section& section) {
        Listener listener;
        section.read("address", listener.address, listener_value);
        listener.tls = config.tls.has_certificate() ? ListenerTls::starttls : ListenerTls::off;
        section.read("tls", listener.tls, enum_value<ListenerTls>);
        section.read("tls_required", listener.tls_required, flag_value);
        section.read("client_certificates", listener.client_certificates, flag_value);
        read_peers(section, "proxy_protocol", listener.proxy_protocol);
        read_peers(section, "xclient", listener.xclient);
        if (section.has("extensions")) {
            section.read_list("extensions", listener.extensions.emplace(), word_value);
        }
        check_tls(section, listener, config.tls);
        config.listeners.push_back(std::move(listener));
    });
}

}  // namespace siding::config
