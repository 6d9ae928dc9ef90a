#include "cli/commands.hpp"

int main(int argc, char** argv) {
    return siding::cli::run_siding(argc, argv);
}
