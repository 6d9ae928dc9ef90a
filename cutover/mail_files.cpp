#include "cutover/mail_files.hpp"

#include "base/bytes.hpp"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <fstream>
#include <vector>

namespace siding::cutover {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view mbox_start = "From ";
constexpr std::size_t peek_octets = 1024;

// A part of a file that is one message.
struct Piece {
    fs::path file;
    std::uint64_t begin = 0;
    std::uint64_t octets = 0;
};

Result<std::string> read(const Piece& piece) {
    std::ifstream file{piece.file, std::ios::binary};
    std::string octets(piece.octets, '\0');
    file.seekg(static_cast<std::streamoff>(piece.begin));
    file.read(octets.data(), static_cast<std::streamsize>(octets.size()));
    if (!file || static_cast<std::uint64_t>(file.gcount()) != piece.octets) {
        return Error{
            Errc::not_found, fmt::format("cannot read {}", escape(piece.file.string(), 1024))};
    }
    return octets;
}

// Some archives keep the mbox line in front of a single message.
std::string_view without_mbox_line(std::string_view octets) {
    if (octets.starts_with(mbox_start)) {
        octets.remove_prefix(std::min(octets.size(), octets.find('\n') + 1));
    }
    return octets;
}

class MailFiles final : public MailSource {
public:
    enum class Quoting { none, mbox };

    MailFiles(std::vector<Piece> pieces, Quoting quoting, std::string description)
        : pieces_{std::move(pieces)}, quoting_{quoting}, description_{std::move(description)} {
        for (const Piece& piece : pieces_) {
            octets_ += piece.octets;
            octets_max_ = std::max(octets_max_, piece.octets);
        }
    }

    std::size_t size() const override { return pieces_.size(); }

    Result<RehearsalMail> load(std::size_t number) const override {
        SIDING_ASSIGN(std::string octets, read(pieces_[number]));
        if (quoting_ == Quoting::mbox) {
            octets = unquote_mbox(octets);
        }
        return RehearsalMail{"ann@sender.example", 1, to_crlf(without_mbox_line(octets))};
    }

    std::string description() const override { return description_; }
    std::uint64_t octets() const override { return octets_; }
    std::uint64_t octets_max() const override { return 2 * octets_max_; }  // were it all LF

private:
    std::vector<Piece> pieces_;
    Quoting quoting_;
    std::string description_;
    std::uint64_t octets_ = 0;
    std::uint64_t octets_max_ = 0;
};

bool is_field_name(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
        return std::isgraph(c) != 0;  // RFC 5322 §2.2
    });
}

bool starts_like_mail(const fs::path& file) {
    std::string front(peek_octets, '\0');
    std::ifstream stream{file, std::ios::binary};
    stream.read(front.data(), static_cast<std::streamsize>(front.size()));
    front.resize(static_cast<std::size_t>(std::max<std::streamsize>(stream.gcount(), 0)));
    const std::string_view text = without_mbox_line(front);
    const auto colon = text.find(':');
    return colon != std::string_view::npos && is_field_name(text.substr(0, colon));
}

bool is_hidden(const fs::path& path) {
    return path.filename().string().starts_with('.');
}

void add_files(const fs::path& directory, std::vector<Piece>& pieces) {
    std::error_code failed;
    fs::recursive_directory_iterator at{
        directory, fs::directory_options::skip_permission_denied, failed};
    for (; !failed && at != fs::recursive_directory_iterator{}; at.increment(failed)) {
        std::error_code ignored;
        if (is_hidden(at->path())) {
            if (at->is_directory(ignored)) {
                at.disable_recursion_pending();
            }
        } else if (at->is_regular_file(ignored) && starts_like_mail(at->path())) {
            pieces.push_back({at->path(), 0, at->file_size(ignored)});
        }
    }
}

std::unique_ptr<MailSource> open_directory(const fs::path& path) {
    std::error_code ignored;
    const bool is_maildir =
        fs::is_directory(path / "cur", ignored) && fs::is_directory(path / "new", ignored);
    std::vector<Piece> pieces;
    if (is_maildir) {
        add_files(path / "cur", pieces);
        add_files(path / "new", pieces);
    } else {
        add_files(path, pieces);
    }
    std::ranges::sort(pieces, {}, &Piece::file);
    return std::make_unique<MailFiles>(
        std::move(pieces),
        MailFiles::Quoting::none,
        fmt::format("{} {}", is_maildir ? "Maildir" : "directory", path.string())
    );
}

// A "From " line starts a message at the beginning and after an empty line. The empty line belongs
// to the mbox, not to the message.
std::vector<Piece> split_mbox(const fs::path& path) {
    std::vector<Piece> pieces;
    std::ifstream file{path, std::ios::binary};
    std::uint64_t at = 0;
    std::uint64_t empty_line = 2;  // octets of the line before, where that was empty
    const auto end_last = [&](std::uint64_t end) {
        if (!pieces.empty()) {
            pieces.back().octets = end - pieces.back().begin;
        }
    };
    std::string line;
    while (std::getline(file, line)) {
        const std::uint64_t next = at + line.size() + (file.eof() ? 0 : 1);
        if (empty_line > 0 && line.starts_with(mbox_start)) {
            end_last(at - empty_line);
            pieces.push_back({path, next, 0});
        }
        empty_line = line.empty() || line == "\r" ? next - at : 0;
        at = next;
    }
    end_last(at - empty_line);
    std::erase_if(pieces, [](const Piece& piece) { return piece.octets == 0; });
    return pieces;
}

std::unique_ptr<MailSource> open_file(const fs::path& path) {
    std::ifstream file{path, std::ios::binary};
    std::string front(mbox_start.size(), '\0');
    file.read(front.data(), static_cast<std::streamsize>(front.size()));
    if (front == mbox_start) {
        return std::make_unique<MailFiles>(
            split_mbox(path), MailFiles::Quoting::mbox, "mbox " + path.string()
        );
    }
    std::vector<Piece> pieces;
    std::error_code ignored;
    if (starts_like_mail(path)) {
        pieces.push_back({path, 0, fs::file_size(path, ignored)});
    }
    return std::make_unique<MailFiles>(
        std::move(pieces), MailFiles::Quoting::none, "file " + path.string()
    );
}

}  // namespace

Result<std::unique_ptr<MailSource>> open_mail(const fs::path& path) {
    std::error_code failed;
    const bool is_directory = fs::is_directory(path, failed);
    const std::string name = escape(path.string(), 1024);
    if (!is_directory && !fs::is_regular_file(path, failed)) {
        return Error{
            Errc::invalid_argument,
            fmt::format("--mail {}: give a directory of messages, an mbox or a Maildir", name)};
    }
    auto source = is_directory ? open_directory(path) : open_file(path);
    if (source->size() == 0) {
        return Error{
            Errc::invalid_argument,
            fmt::format("--mail {}: no message in it, or none that may be read", name)};
    }
    return source;
}

std::string to_crlf(std::string_view octets) {
    std::string out;
    out.reserve(octets.size() + octets.size() / 32 + 2);
    char before = '\0';
    for (const char c : octets) {
        if (c == '\n' && before != '\r') {
            out += '\r';
        }
        out += c;
        before = c;
    }
    if (!out.empty() && !out.ends_with("\r\n")) {
        out += "\r\n";
    }
    return out;
}

std::string unquote_mbox(std::string_view octets) {
    std::string out;
    out.reserve(octets.size());
    while (!octets.empty()) {
        const auto end = octets.find('\n');
        std::string_view line = octets.substr(0, end == octets.npos ? end : end + 1);
        octets.remove_prefix(line.size());
        const auto name = line.find_first_not_of('>');
        if (name != line.npos && name > 0 && line.substr(name).starts_with(mbox_start)) {
            line.remove_prefix(1);
        }
        out += line;
    }
    return out;
}

}  // namespace siding::cutover
