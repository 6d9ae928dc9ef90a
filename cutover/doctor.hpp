// Runs the checks of a cutover for one domain after the other: everything that a check may look at
// is collected first, then all checks run at once, each with a deadline. Needs no running sidingd,
// changes nothing anywhere, sends no mail.
//
// Lives on one executor, which must be serial.
#pragma once

#include "base/clock.hpp"
#include "cutover/doctor_check.hpp"
#include "cutover/doctor_options.hpp"
#include "net/asio.hpp"

#include <memory>
#include <string>
#include <vector>

namespace siding::cutover {

class Doctor {
public:
    // `files` is for what blocks: the disk, certificates.
    Doctor(
        net::asio::any_io_executor executor,
        net::asio::any_io_executor files,
        const Clock& clock,
        DoctorOptions options,
        Checks checks = all_checks()
    );
    ~Doctor();
    Doctor(const Doctor&) = delete;
    Doctor& operator=(const Doctor&) = delete;

    // In the order of the table. Errors: Errc::invalid_argument for what is no domain.
    net::awaitable<Result<std::vector<CheckResult>>> examine(std::string domain);

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace siding::cutover
