// A good file with one line in place of another, and the error that this must give.
#pragma once

#include "config/load.hpp"

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <string_view>

namespace siding::config {

struct Mistake {
    const char* line;  // of good_file
    const char* instead;
    const char* error;  // complete, and the only one
};

inline constexpr const char* good_file = R"(hostname: hold.example.net
data_dir: /var/lib/siding
listeners: [{ address: "[::]:25" }]
servers:
  new: { address: "new.example" }
domains:
  example.com: { phase: hold }
limits: {}
control: {}
)";

inline std::string with_line(std::string_view line, std::string_view instead) {
    std::string text = good_file;
    const auto at = text.find(line);
    return at == std::string::npos ? "" : text.replace(at, line.size(), instead);
}

inline void expect_told(std::span<const Mistake> mistakes) {
    for (const Mistake& mistake : mistakes) {
        const auto loaded = load_text(with_line(mistake.line, mistake.instead), "f");
        ASSERT_FALSE(loaded) << mistake.instead;
        EXPECT_EQ(loaded.error().text(), std::string{mistake.error} + "\n") << mistake.instead;
    }
}

}  // namespace siding::config
