// A directory of one test's own, gone with it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace siding::test {

// Memory where there is some: for what needs no real disk.
inline std::filesystem::path fast_directory() {
    const std::filesystem::path memory = "/dev/shm";
    std::error_code none;
    return std::filesystem::is_directory(memory, none) ? memory
                                                       : std::filesystem::temp_directory_path();
}

class TempDirectory {
public:
    explicit TempDirectory(
        const std::filesystem::path& parent = std::filesystem::temp_directory_path()
    ) {
        std::string name = (parent / "siding-test-XXXXXX").string();
        if (::mkdtemp(name.data()) != nullptr) {
            path_ = name;
        }
    }
    ~TempDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TempDirectory(const TempDirectory&) = delete;
    TempDirectory& operator=(const TempDirectory&) = delete;

    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path operator/(const char* name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

}  // namespace siding::test
