#include "config/load.hpp"
#include "tests/support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <fmt/format.h>
#include <fstream>

namespace siding::config {
namespace {

constexpr const char* text = R"(hostname: hold.example.net
data_dir: /var/lib/siding
listeners: [{ address: "127.0.0.1:25" }]
tls:
  certificate: c.pem
  key: k.pem
  names: { mx2.example.com: { certificate: c2.pem, key: k.pem } }
servers:
  new: { address: "new.example", tls: verify, ca_file: ca.pem }
domains:
  Example.com:
    recipients: { file: r.txt, import: [{ file: v, format: virtual }] }
    rewrite: rewrite.txt
control: { socket: /tmp/s.sock, http: "127.0.0.1:8025", token_file: /nonexistent/token }
)";

TEST(Files, EachOneThatCannotBeReadIsTold) {
    const test::TempDirectory directory;
    const std::string file = directory / "siding.yaml";
    std::ofstream{file} << text;
    std::ofstream{directory / "k.pem"} << "a key";
    std::filesystem::create_directory(directory / "v");
    EXPECT_TRUE(load_file(file));  // the daemon's parts open their files themselves
    const auto checked = check_file(file);
    ASSERT_FALSE(checked);
    const auto line = [&](const char* where, const char* key, const char* name, const char* why) {
        return fmt::format(
            "{}:{}: {}: {} cannot be read: {}\n",
            file,
            where,
            key,
            (directory.path() / name).string(),
            why
        );
    };
    const char* missing = "No such file or directory";
    EXPECT_EQ(
        checked.error().text(),
        line("5:16", "tls.certificate", "c.pem", missing) +
            line("7:44", "tls.names.mx2.example.com.certificate", "c2.pem", missing) +
            line("9:56", "servers.new.ca_file", "ca.pem", missing) +
            line("12:17", "domains.example.com.recipients", "r.txt", missing) +
            line("12:17", "domains.example.com.recipients", "v", "it is no file") +
            line("13:14", "domains.example.com.rewrite", "rewrite.txt", missing) +
            line("14:69", "control.token_file", "/nonexistent/token", missing)
    );
}

TEST(Files, AllThereIsGood) {
    const test::TempDirectory directory;
    const std::string file = directory / "siding.yaml";
    std::string good = text;
    good.resize(good.find("control:"));
    std::ofstream{file} << good;
    for (const char* name : {"c.pem", "k.pem", "c2.pem", "ca.pem", "r.txt", "v", "rewrite.txt"}) {
        std::ofstream{directory / name} << "\n";
    }
    const auto checked = check_file(file);
    EXPECT_TRUE(checked) << checked.error().text();
}

TEST(Files, AWrongFileIsToldWithoutLookingFurther) {
    const auto checked = check_file("/nonexistent/siding.yaml");
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().list.size(), 1U);
}

}  // namespace
}  // namespace siding::config
