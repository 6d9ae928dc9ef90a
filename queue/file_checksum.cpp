#include "queue/file_checksum.hpp"

#include <string>
#include <xxhash.h>

namespace siding::queue {
namespace {

constexpr const char* checksum_name = "SidingXXH3";

class Xxh3Generator final : public rocksdb::FileChecksumGenerator {
public:
    Xxh3Generator() : state_{XXH3_createState()} { XXH3_64bits_reset(state_.get()); }

    void Update(const char* data, std::size_t n) override {
        XXH3_64bits_update(state_.get(), data, n);
    }
    void Finalize() override {
        XXH64_canonical_t octets;
        XXH64_canonicalFromHash(&octets, XXH3_64bits_digest(state_.get()));
        checksum_.assign(octets.digest, octets.digest + sizeof octets.digest);
    }
    std::string GetChecksum() const override { return checksum_; }
    const char* Name() const override { return checksum_name; }

private:
    struct Deleter {
        void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
    };
    std::unique_ptr<XXH3_state_t, Deleter> state_;
    std::string checksum_;
};

class Factory final : public rocksdb::FileChecksumGenFactory {
public:
    std::unique_ptr<rocksdb::FileChecksumGenerator> CreateFileChecksumGenerator(
        const rocksdb::FileChecksumGenContext& context
    ) override {
        const std::string& wanted = context.requested_checksum_func_name;
        if (wanted.empty() || wanted == checksum_name) {
            return std::make_unique<Xxh3Generator>();
        }
        return crc32c_->CreateFileChecksumGenerator(context);
    }
    const char* Name() const override { return "SidingFileChecksums"; }

private:
    std::shared_ptr<rocksdb::FileChecksumGenFactory> crc32c_ =
        rocksdb::GetFileChecksumGenCrc32cFactory();
};

}  // namespace

std::shared_ptr<rocksdb::FileChecksumGenFactory> make_file_checksums() {
    return std::make_shared<Factory>();
}

}  // namespace siding::queue
