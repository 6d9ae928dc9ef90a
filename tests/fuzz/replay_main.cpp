// A fuzz target as a plain program: the kept inputs, then seeded mutations of them. Every run is
// the same, so a failure comes again. What a failing input was is written to NAME_failure.bin.
//
//   data_codec_replay corpus/data_codec [ROUNDS]
#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));

namespace {

constexpr std::size_t rounds_default = 10'000;
constexpr std::size_t input_octets_max = 4096;
constexpr auto time_max = std::chrono::seconds{4};  // a slow machine tries fewer mutations

// What text protocols are made of.
constexpr std::array<std::string_view, 40> dictionary = {
    "\r\n",
    "\n",
    "\r",
    ".",
    "\r\n.\r\n",
    "\0",
    " ",
    "\t",
    "<",
    ">",
    "@",
    "\"",
    "\\",
    "+00",
    "+2B",
    "=",
    ",",
    ":",
    ";",
    "#",
    "MAIL FROM:<a@b>\r\n",
    "RCPT TO:<c@d>\r\n",
    "DATA\r\n",
    "BDAT 3 LAST\r\n",
    "BDAT 0\r\n",
    "RSET\r\n",
    "EHLO x\r\n",
    "STARTTLS\r\n",
    "XCLIENT ADDR=192.0.2.1\r\n",
    " SMTPUTF8",
    " BODY=BINARYMIME",
    "250 ",
    "250-",
    "354 ",
    "421 ",
    "\xc3\xa9",
    "\xff",
    "18446744073709551616",
    "-1",
    "0"};

// The signal handler can reach nothing else.
std::string failure_file;
const std::string* current = nullptr;

void save_current() {
    if (current != nullptr) {
        std::ofstream{failure_file, std::ios::binary} << *current;
        std::fprintf(stderr, "the input is in %s\n", failure_file.c_str());
        current = nullptr;
    }
}

void on_abort(int) {
    save_current();
}

void run(const std::string& input) {
    current = &input;
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
    current = nullptr;
}

std::vector<std::string> load(const std::filesystem::path& directory) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator{directory}) {
        files.push_back(entry.path());
    }
    std::ranges::sort(files);
    std::vector<std::string> inputs;
    for (const auto& file : files) {
        std::ifstream in{file, std::ios::binary};
        inputs.emplace_back(std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{});
    }
    return inputs;
}

class Mutator {
public:
    explicit Mutator(const std::vector<std::string>& inputs) : inputs_{inputs} {}

    std::string next() {
        std::string text = any_input();
        for (std::size_t count = 1 + below(6); count > 0; --count) {
            change(text);
        }
        text.resize(std::min(text.size(), input_octets_max));
        return text;
    }

private:
    std::size_t below(std::size_t bound) { return random_() % bound; }
    const std::string& any_input() { return inputs_[below(inputs_.size())]; }

    void change(std::string& text) {
        const std::size_t at = below(text.size() + 1);
        const std::size_t length = below(std::min<std::size_t>(text.size() - at, 32) + 1);
        switch (below(6)) {
        case 0:
            if (at < text.size()) {
                text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
            }
            return;
        case 1:
            text.erase(at, length);
            return;
        case 2:
            text.insert(at, text.substr(at, length));
            return;
        case 3:
            text.insert(at, dictionary.at(below(dictionary.size())));
            return;
        case 4:
            text.replace(at, length, dictionary.at(below(dictionary.size())));
            return;
        default: {
            const std::string& other = any_input();
            text = text.substr(0, at) + other.substr(below(other.size() + 1));
            return;
        }
        }
    }

    const std::vector<std::string>& inputs_;
    std::mt19937 random_{20261122};
};

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2 || argc > 3) {
        std::fprintf(stderr, "usage: %s CORPUS [ROUNDS]\n", argv[0]);
        return 2;
    }
    failure_file = std::filesystem::path{argv[0]}.filename().string() + "_failure.bin";
    std::signal(SIGABRT, on_abort);
    if (__sanitizer_set_death_callback != nullptr) {
        __sanitizer_set_death_callback(save_current);
    }
    std::vector<std::string> inputs = load(argv[1]);
    if (inputs.empty()) {
        std::fprintf(stderr, "%s: no inputs\n", argv[1]);
        return 2;
    }
    inputs.emplace_back();
    std::ranges::for_each(inputs, run);

    Mutator mutator{inputs};
    const std::size_t rounds = argc == 3 ? std::stoul(argv[2]) : rounds_default;
    const auto end = std::chrono::steady_clock::now() + time_max;
    std::size_t round = 0;
    while (round < rounds && (argc == 3 || std::chrono::steady_clock::now() < end)) {
        run(mutator.next());
        ++round;
    }
    std::printf("%zu inputs, %zu mutations\n", inputs.size(), round);
    return 0;
}
