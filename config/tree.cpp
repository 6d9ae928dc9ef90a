#include "config/tree.hpp"

#include "base/bytes.hpp"
#include "base/check.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <sstream>

namespace siding::config {
namespace {

Place place_at(const YAML::Mark& mark) {
    return {mark.line + 1, mark.column + 1};
}

class Builder final : public YAML::EventHandler {
public:
    explicit Builder(Problems& problems) : problems_{problems} {}

    Node take_root() { return std::move(root_); }

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
        add({Node::Kind::nothing, place_at(mark), {}, {}, {}});
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
        problems_.add(place_at(mark), "", "aliases are not read here; write the value out");
        add({Node::Kind::nothing, place_at(mark), {}, {}, {}});
    }

    void OnScalar(
        const YAML::Mark& mark, const std::string&, YAML::anchor_t, const std::string& value
    ) override {
        add({Node::Kind::scalar, place_at(mark), value, {}, {}});
    }

    void OnSequenceStart(
        const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value
    ) override {
        open_.push_back({{Node::Kind::list, place_at(mark), {}, {}, {}}, {}});
    }

    void OnMapStart(
        const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value
    ) override {
        open_.push_back({{Node::Kind::map, place_at(mark), {}, {}, {}}, {}});
    }

    void OnSequenceEnd() override { close(); }
    void OnMapEnd() override { close(); }

private:
    struct Open {
        Node node;
        std::optional<Node> key;  // read, its value not yet
    };

    void close() {
        SIDING_CHECK(!open_.empty(), "yaml events nest");
        Node node = std::move(open_.back().node);
        open_.pop_back();
        add(std::move(node));
    }

    void add(Node node) {
        if (open_.empty()) {
            root_ = std::move(node);
            return;
        }
        Open& top = open_.back();
        if (top.node.kind == Node::Kind::list) {
            top.node.items.push_back(std::move(node));
        } else if (!top.key) {
            top.key = std::move(node);
        } else {
            add_entry(top, std::move(node));
        }
    }

    void add_entry(Open& top, Node value) {
        const Node key = std::move(*top.key);
        top.key.reset();
        if (key.kind != Node::Kind::scalar) {
            problems_.add(key.place, "", "a key must be a word");
            return;
        }
        if (value.kind == Node::Kind::nothing) {
            value.place = key.place;  // the parser shows what comes next instead
        }
        top.node.entries.push_back({key.text, key.place, std::move(value)});
    }

    Problems& problems_;
    Node root_;
    std::vector<Open> open_;
};

}  // namespace

std::optional<Node> parse_yaml(std::string_view text, Problems& problems) {
    try {
        std::istringstream in{std::string{text}};
        YAML::Parser parser{in};
        Builder builder{problems};
        if (!parser.HandleNextDocument(builder)) {
            return Node{};
        }
        Builder second{problems};
        if (parser.HandleNextDocument(second)) {
            problems.add(
                second.take_root().place, "", "a second document starts here; only one is read"
            );
        }
        return builder.take_root();
    } catch (const YAML::Exception& failure) {
        problems.add(place_at(failure.mark), "", "YAML syntax: " + escape(failure.msg));
        return std::nullopt;
    }
}

}  // namespace siding::config
