// The texts of --help and --version: the overview by hand, each verb's page from its flags, both
// within 80 columns.
#pragma once

#include <memory>
#include <string>

namespace CLI {
class FormatterBase;
}

namespace siding::cli {

std::string overview();
std::string version_line();

std::shared_ptr<CLI::FormatterBase> make_help_formatter();

}  // namespace siding::cli
