#include "queue/file_checksum.hpp"

#include "queue/rocks_database.hpp"
#include "tests/support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace siding::queue {
namespace {

std::string checksum_of(const std::vector<std::string>& pieces) {
    const auto generator = make_file_checksums()->CreateFileChecksumGenerator({"file", ""});
    for (const std::string& piece : pieces) {
        generator->Update(piece.data(), piece.size());
    }
    generator->Finalize();
    return generator->GetChecksum();
}

TEST(FileChecksum, IsOfTheOctetsHoweverTheyCome) {
    const std::string octets(5000, 'x');
    EXPECT_EQ(checksum_of({octets}), checksum_of({octets.substr(0, 7), octets.substr(7)}));
    EXPECT_NE(checksum_of({octets}), checksum_of({octets + "y"}));
    EXPECT_EQ(checksum_of({}).size(), 8U);
    EXPECT_EQ(
        make_file_checksums()->CreateFileChecksumGenerator({"file", "none of ours"}), nullptr
    );
}

std::vector<rocksdb::ColumnFamilyDescriptor> families_of(const std::string& path) {
    std::vector<std::string> names;
    EXPECT_TRUE(rocksdb::DB::ListColumnFamilies({}, path, &names).ok());
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const std::string& name : names) {
        families.emplace_back(name, rocksdb::ColumnFamilyOptions{});
    }
    return families;
}

// A queue that an older version wrote.
void write_with_crc32c(const std::string& path) {
    rocksdb::DBOptions options;
    options.file_checksum_gen_factory = rocksdb::GetFileChecksumGenCrc32cFactory();
    const auto families = families_of(path);
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* db = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open(options, path, families, &handles, &db).ok());
    for (rocksdb::ColumnFamilyHandle* handle : handles) {
        EXPECT_TRUE(db->Put({}, handle, "key", std::string(10'000, 'v')).ok());
        EXPECT_TRUE(db->Flush({}, handle).ok());
    }
    for (rocksdb::ColumnFamilyHandle* handle : handles) {
        EXPECT_TRUE(db->DestroyColumnFamilyHandle(handle).ok());
    }
    delete db;
}

TEST(FileChecksum, OpensAndVerifiesWhatHasTheOldOne) {
    const test::TempDirectory directory;
    RocksOptions options;
    options.directory = directory.path() / "db";
    ASSERT_TRUE(RocksDatabase::open(options));
    ASSERT_NO_FATAL_FAILURE(write_with_crc32c(options.directory.string()));

    auto database = RocksDatabase::open(options);
    ASSERT_TRUE(database) << database.error().message();
    EXPECT_EQ((*database)->get(Family::body, "key").value()->size(), 10'000U);
    rocksdb::DB& db = (*database)->db();
    ASSERT_TRUE(db.Put({}, (*database)->handle(Family::body), "new", std::string(10'000, 'n')).ok()
    );
    ASSERT_TRUE(db.Flush({}, (*database)->handle(Family::body)).ok());
    const rocksdb::Status verified = db.VerifyFileChecksums({});
    EXPECT_TRUE(verified.ok()) << verified.ToString();

    std::vector<rocksdb::LiveFileMetaData> files;
    db.GetLiveFilesMetaData(&files);
    std::vector<std::string> names;
    for (const rocksdb::LiveFileMetaData& file : files) {
        names.push_back(file.file_checksum_func_name);
    }
    EXPECT_TRUE(std::ranges::find(names, "FileChecksumCrc32c") != names.end());
    EXPECT_TRUE(std::ranges::find(names, "SidingXXH3") != names.end());
}

}  // namespace
}  // namespace siding::queue
