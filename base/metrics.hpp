// Handles over prometheus-cpp. A handle is a pointer into the registry: cheap to copy, safe from
// any thread, valid as long as its Metrics. Names and meanings: docs/operator-guide.md.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace siding {

class Counter {
public:
    explicit Counter(prometheus::Counter& cell) : cell_{&cell} {}
    void add(double amount = 1) const;

private:
    prometheus::Counter* cell_;
};

class Gauge {
public:
    explicit Gauge(prometheus::Gauge& cell) : cell_{&cell} {}
    void add(double amount) const;
    void set(double value) const;

private:
    prometheus::Gauge* cell_;
};

class Histogram {
public:
    explicit Histogram(prometheus::Histogram& cell) : cell_{&cell} {}
    void observe(double value) const;

private:
    prometheus::Histogram* cell_;
};

using Labels = std::map<std::string, std::string>;

class Metrics {
public:
    Metrics();
    ~Metrics();
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;

    // The same name and labels give the same cell.
    Counter counter(const std::string& name, const std::string& help, const Labels& labels = {});
    Gauge gauge(const std::string& name, const std::string& help, const Labels& labels = {});
    Histogram histogram(
        const std::string& name,
        const std::string& help,
        const std::vector<double>& bounds,
        const Labels& labels = {}
    );

    // Prometheus text exposition format 0.0.4.
    std::string text() const;

private:
    struct Registry;
    std::unique_ptr<Registry> registry_;
};

}  // namespace siding
