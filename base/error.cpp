#include "base/error.hpp"

#include "base/check.hpp"

namespace siding {
namespace {

class SidingCategory final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "siding"; }

    std::string message(int value) const override {
        switch (static_cast<Errc>(value)) {
        case Errc::invalid_argument:
            return "invalid argument";
        case Errc::not_found:
            return "not found";
        case Errc::already_exists:
            return "already exists";
        case Errc::conflict:
            return "conflict";
        case Errc::limit_exceeded:
            return "limit exceeded";
        case Errc::unavailable:
            return "unavailable";
        case Errc::storage_failure:
            return "storage failure";
        case Errc::corrupt:
            return "corrupt record";
        case Errc::internal:
            return "internal error";
        }
        return "unknown error";
    }
};

}  // namespace

const boost::system::error_category& siding_category() noexcept {
    static const SidingCategory category;
    return category;
}

boost::system::error_code make_error_code(Errc code) noexcept {
    return {static_cast<int>(code), siding_category()};
}

std::string Error::message() const {
    if (code.category() == siding_category()) {
        return context.empty() ? code.message() : context;
    }
    return context.empty() ? code.message() : context + ": " + code.message();
}

Error with_context(Error error, const std::string& what) {
    error.context = error.context.empty() ? what : what + ": " + error.context;
    return error;
}

void throw_exception_from_error(const Error& error, const boost::source_location& where) {
    fail_check(
        "value() of an error", error.message(), where.file_name(), static_cast<int>(where.line())
    );
}

}  // namespace siding
