// What an audit found, one sentence each; the number of sentences is bounded, that there are more
// is not hidden.
#pragma once

#include <string>
#include <vector>

namespace siding::cutover {

class Problems {
public:
    void add(std::string text) {
        if (texts_.size() < texts_max) {
            texts_.push_back(std::move(text));
        } else if (texts_.size() == texts_max) {
            texts_.emplace_back("there are more problems than are listed here");
        }
    }
    bool empty() const { return texts_.empty(); }
    const std::vector<std::string>& texts() const { return texts_; }

private:
    static constexpr std::size_t texts_max = 100;
    std::vector<std::string> texts_;
};

}  // namespace siding::cutover
