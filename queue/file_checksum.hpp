// Whole-file checksums of the store by XXH3: RocksDB's own, CRC32C, is a table walk where the
// library was built without the instruction for it, and each body would pay for it. Files that
// carry a CRC32C keep it and are verified by it.
#pragma once

#include <rocksdb/file_checksum.h>

#include <memory>

namespace siding::queue {

std::shared_ptr<rocksdb::FileChecksumGenFactory> make_file_checksums();

}  // namespace siding::queue
