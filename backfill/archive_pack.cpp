#include "backfill/archive_pack.hpp"

#include "base/bytes.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <utility>
#include <zstd.h>

namespace siding::backfill {
namespace {

constexpr std::string_view mark = "SAm1";
constexpr std::size_t head_octets = 64;
constexpr std::size_t checksum_octets = 12;
constexpr std::size_t digest_octets = 32;
constexpr std::size_t piece_octets = 128 * 1024;
constexpr int level = 3;
constexpr int window_log = 20;  // 1 MiB: what a reader needs, and half of what a writer needs

struct FreeCompressor {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};
struct FreeDecompressor {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};
using Compressor = std::unique_ptr<ZSTD_CCtx, FreeCompressor>;
using Decompressor = std::unique_ptr<ZSTD_DCtx, FreeDecompressor>;

Error zstd_error(std::size_t code) {
    return {Errc::corrupt, fmt::format("zstd: {}", ZSTD_getErrorName(code))};
}

void put_number(std::string& out, std::uint64_t value) {
    for (unsigned at = 0; at < 8; ++at) {
        out.push_back(static_cast<char>(value >> (8 * at) & 0xff));
    }
}

std::uint64_t number_at(std::string_view octets, std::size_t at) {
    std::uint64_t value = 0;
    for (unsigned index = 0; index < 8; ++index) {
        value |= std::uint64_t{static_cast<unsigned char>(octets[at + index])} << (8 * index);
    }
    return value;
}

// mark, digest, octets, octets packed, checksum of these
std::string format_head(const ArchiveFrame& frame) {
    std::string head{mark};
    head += frame.sha256;
    put_number(head, frame.octets);
    put_number(head, frame.packed_octets);
    head += sha256(head).substr(0, checksum_octets);
    return head;
}

// Packs what it is given and writes it, in pieces.
class FrameWriter {
public:
    FrameWriter(ArchiveFile& file, std::uint64_t at)
        : file_{file}, at_{at}, context_{ZSTD_createCCtx()} {
        ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, level);
        ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_windowLog, window_log);
        ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
    }

    Result<void> put(std::string_view octets, ZSTD_EndDirective end) {
        sum_.update(octets);
        octets_ += octets.size();
        ZSTD_inBuffer in{octets.data(), octets.size(), 0};
        for (;;) {
            const std::size_t before = packed_.size();
            packed_.resize(before + ZSTD_CStreamOutSize());
            ZSTD_outBuffer out{packed_.data() + before, packed_.size() - before, 0};
            const std::size_t left = ZSTD_compressStream2(context_.get(), &out, &in, end);
            packed_.resize(before + out.pos);
            if (ZSTD_isError(left) != 0) {
                return zstd_error(left);
            }
            if (packed_.size() >= piece_octets) {
                SIDING_TRY(write());
            }
            if (end == ZSTD_e_end ? left == 0 : in.pos == in.size) {
                return {};
            }
        }
    }
    Result<void> finish() {
        SIDING_TRY(put({}, ZSTD_e_end));
        return write();
    }
    ArchiveFrame frame() {
        ArchiveFrame frame;
        frame.sha256 = sum_.finish();
        frame.octets = octets_;
        frame.packed_octets = written_;
        return frame;
    }

private:
    Result<void> write() {
        SIDING_TRY(file_.write(at_ + written_, packed_));
        written_ += packed_.size();
        packed_.clear();
        return {};
    }

    ArchiveFile& file_;
    std::uint64_t at_;
    Compressor context_;
    Sha256 sum_;
    std::string packed_;
    std::uint64_t octets_ = 0;
    std::uint64_t written_ = 0;
};

}  // namespace

Result<ArchivePack> ArchivePack::open(const std::filesystem::path& path) {
    SIDING_ASSIGN(ArchiveFile file, ArchiveFile::open(path));
    return ArchivePack{std::move(file), 0};
}

Result<ArchivePack> ArchivePack::open_to_write(
    const std::filesystem::path& path, std::uint32_t number
) {
    SIDING_ASSIGN(ArchiveFile file, ArchiveFile::open_to_write(path));
    return ArchivePack{std::move(file), number};
}

Result<void> ArchivePack::begin_at(std::uint64_t end) {
    SIDING_ASSIGN(const std::uint64_t there, file_.octets());
    end_ = end;  // where there is less that is damage, which a verification names
    return there > end ? file_.cut(end) : Result<void>{};
}

Result<ArchiveFrame> ArchivePack::append(const Digest& sha256, const OctetProducer& octets) {
    FrameWriter writer{file_, end_ + head_octets};
    auto done =
        octets([&writer](std::string_view part) { return writer.put(part, ZSTD_e_continue); });
    if (done) {
        done = writer.finish();
    }
    if (done) {
        ArchiveFrame frame = writer.frame();
        frame.pack = number_;
        frame.offset = end_;
        if (frame.sha256 == sha256) {
            SIDING_TRY(file_.write(end_, format_head(frame)));
            end_ += head_octets + frame.packed_octets;
            return frame;
        }
        done = Error{Errc::corrupt, "the octets of a message have changed on their way here"};
    }
    SIDING_TRY(file_.cut(end_));
    return std::move(done).error();
}

Result<ArchiveFrame> ArchivePack::head(std::uint64_t offset) const {
    SIDING_ASSIGN(const std::string octets, file_.read(offset, head_octets));
    const std::size_t summed = head_octets - checksum_octets;
    if (octets.size() < head_octets) {
        return Error{Errc::corrupt, fmt::format("{} ends before offset {}", file_.name(), offset)};
    }
    if (!octets.starts_with(mark) ||
        sha256(std::string_view{octets}.substr(0, summed)).substr(0, checksum_octets) !=
            std::string_view{octets}.substr(summed)) {
        return Error{
            Errc::corrupt, fmt::format("{}: the head at {} is damaged", file_.name(), offset)};
    }
    ArchiveFrame frame;
    frame.sha256 = octets.substr(mark.size(), digest_octets);
    frame.octets = number_at(octets, mark.size() + digest_octets);
    frame.packed_octets = number_at(octets, mark.size() + digest_octets + 8);
    frame.pack = number_;
    frame.offset = offset;
    return frame;
}

Result<void> ArchivePack::read(std::uint64_t offset, const Digest& sha256, const OctetSink& sink)
    const {
    SIDING_ASSIGN(const ArchiveFrame frame, head(offset));
    const auto damaged = [&](std::string_view what) {
        return Error{Errc::corrupt, fmt::format("{}: at {}: {}", file_.name(), offset, what)};
    };
    if (frame.sha256 != sha256) {
        return damaged("another message");
    }
    const Decompressor context{ZSTD_createDCtx()};
    Sha256 sum;
    std::uint64_t count = 0;
    std::string out(ZSTD_DStreamOutSize(), '\0');
    std::size_t left = 1;
    for (std::uint64_t at = 0; at < frame.packed_octets;) {
        const auto wanted = std::min<std::uint64_t>(piece_octets, frame.packed_octets - at);
        SIDING_ASSIGN(const std::string in, file_.read(offset + head_octets + at, wanted));
        if (in.size() < wanted) {
            return damaged("the file ends too early");
        }
        at += in.size();
        ZSTD_inBuffer packed{in.data(), in.size(), 0};
        bool is_full = false;
        while (packed.pos < packed.size || is_full) {
            ZSTD_outBuffer plain{out.data(), out.size(), 0};
            left = ZSTD_decompressStream(context.get(), &plain, &packed);
            if (ZSTD_isError(left) != 0) {
                return damaged(ZSTD_getErrorName(left));
            }
            is_full = plain.pos == plain.size;
            const std::string_view part{out.data(), plain.pos};
            sum.update(part);
            count += part.size();
            if (count > frame.octets) {
                return damaged("more octets than were written");
            }
            SIDING_TRY(sink(part));
            if (left == 0) {
                break;
            }
        }
        if (left == 0 && (packed.pos < packed.size || at < frame.packed_octets)) {
            return damaged("octets behind the end");
        }
    }
    if (left != 0 || count != frame.octets || sum.finish() != sha256) {
        return damaged("not the octets that were written");
    }
    return {};
}

}  // namespace siding::backfill
