// A password, token or refresh token: itself, or where it stands. Whatever prints one prints no
// letter of it.
#pragma once

#include "base/result.hpp"

#include <iosfwd>
#include <string>

namespace siding::backfill {

struct Secret {
    enum class Kind {
        none,
        text,         // `value` is the secret
        file,         // an absolute path; the secret is its first line
        environment,  // a variable's name
        credential,   // the name of a systemd credential
        token,        // `value` is an access token that has been got
    };

    Kind kind = Kind::none;
    std::string value;

    // Reads what is there now. Blocks. Never empty; the context of an error names the place and
    // says nothing of the contents.
    Result<std::string> read() const;

    bool operator==(const Secret&) const = default;
};

// "***", "file /etc/siding/joe.secret", "none"
std::string format_secret(const Secret& secret);
std::ostream& operator<<(std::ostream& out, const Secret& secret);

}  // namespace siding::backfill
