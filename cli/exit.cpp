#include "cli/exit.hpp"

namespace siding::cli {
namespace {

constexpr int unreachable_value = 1;

class CliCategory final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "siding.cli"; }
    std::string message(int) const override { return "cannot reach the daemon"; }
};

const boost::system::error_category& cli_category() {
    static const CliCategory category;
    return category;
}

}  // namespace

Error unreachable(std::string context) {
    return {boost::system::error_code{unreachable_value, cli_category()}, std::move(context)};
}

bool is_unreachable(const Error& error) {
    return error.code.category() == cli_category() && error.code.value() == unreachable_value;
}

Exit exit_of(const Error& error) {
    if (is_unreachable(error)) {
        return Exit::unreachable;
    }
    return error.is(Errc::invalid_argument) ? Exit::usage : Exit::no;
}

}  // namespace siding::cli
