#include "backfill/secret.hpp"

#include "base/bytes.hpp"
#include "base/check.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <ostream>
#include <unistd.h>

namespace siding::backfill {
namespace {

constexpr std::size_t secret_octets_max = 16 * 1024;  // tokens of Microsoft have some 3,000

Result<std::string> check(std::string secret, const std::string& place) {
    if (secret.empty()) {
        return Error{Errc::invalid_argument, place + " holds no secret: it is empty"};
    }
    if (secret.find('\0') != std::string::npos) {
        return Error{Errc::invalid_argument, place + " holds no secret: there is a NUL in it"};
    }
    return secret;
}

Result<std::string> first_line(const std::string& path) {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return Error{
            errno == ENOENT || errno == ENOTDIR ? Errc::not_found : Errc::unavailable,
            fmt::format("{} cannot be read: {}", escape(path), std::strerror(errno))};
    }
    std::string text;
    std::array<char, 4096> part{};
    ssize_t octets = 0;
    do {
        octets = read(fd, part.data(), part.size());
        text.append(part.data(), octets > 0 ? static_cast<std::size_t>(octets) : 0);
    } while ((octets > 0 || (octets < 0 && errno == EINTR)) && text.size() <= secret_octets_max &&
             text.find('\n') == std::string::npos);
    const int failure = octets < 0 ? errno : 0;
    close(fd);
    if (failure != 0) {
        return Error{
            Errc::unavailable,
            fmt::format("{} cannot be read: {}", escape(path), std::strerror(failure))};
    }
    text.resize(std::min(text.size(), text.find('\n')));
    if (text.ends_with('\r')) {
        text.pop_back();
    }
    if (text.size() > secret_octets_max) {
        return Error{Errc::limit_exceeded, escape(path) + " has a first line of more than 16KiB"};
    }
    return check(std::move(text), escape(path));
}

// Where systemd has it: LoadCredential= of the unit.
std::string credential_path(const std::string& name) {
    const char* const directory = std::getenv("CREDENTIALS_DIRECTORY");
    const bool known = directory != nullptr && directory[0] == '/';
    return fmt::format(
        "{}/{}", known ? directory : "/run/credentials/siding-backfilld.service", name
    );
}

}  // namespace

Result<std::string> Secret::read() const {
    switch (kind) {
    case Kind::none:
        return Error{Errc::not_found, "there is no secret for this login"};
    case Kind::text:
        return check(value, "the accounts file");
    case Kind::file:
        return first_line(value);
    case Kind::environment: {
        const char* const text = std::getenv(value.c_str());
        const std::string place = "the environment variable " + escape(value);
        return text == nullptr ? Result<std::string>{Error{Errc::not_found, place + " is not set"}}
                               : check(text, place);
    }
    case Kind::credential:
        return first_line(credential_path(value));
    case Kind::token:
        return check(value, "the access token");
    }
    SIDING_UNREACHABLE("kind of secret");
}

std::string format_secret(const Secret& secret) {
    switch (secret.kind) {
    case Secret::Kind::none:
        return "none";
    case Secret::Kind::text:
    case Secret::Kind::token:
        return "***";
    case Secret::Kind::file:
        return "file " + escape(secret.value);
    case Secret::Kind::environment:
        return "environment " + escape(secret.value);
    case Secret::Kind::credential:
        return "credential " + escape(secret.value);
    }
    SIDING_UNREACHABLE("kind of secret");
}

std::ostream& operator<<(std::ostream& out, const Secret& secret) {
    return out << format_secret(secret);
}

}  // namespace siding::backfill
