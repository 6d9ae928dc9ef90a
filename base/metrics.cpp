#include "base/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace siding {

struct Metrics::Registry {
    prometheus::Registry cells;
};

void Counter::add(double amount) const {
    cell_->Increment(amount);
}
void Gauge::add(double amount) const {
    cell_->Increment(amount);
}
void Gauge::set(double value) const {
    cell_->Set(value);
}
void Histogram::observe(double value) const {
    cell_->Observe(value);
}

Metrics::Metrics() : registry_{std::make_unique<Registry>()} {}
Metrics::~Metrics() = default;

Counter Metrics::counter(const std::string& name, const std::string& help, const Labels& labels) {
    return Counter{
        prometheus::BuildCounter().Name(name).Help(help).Register(registry_->cells).Add(labels)};
}

Gauge Metrics::gauge(const std::string& name, const std::string& help, const Labels& labels) {
    return Gauge{
        prometheus::BuildGauge().Name(name).Help(help).Register(registry_->cells).Add(labels)};
}

Histogram Metrics::histogram(
    const std::string& name,
    const std::string& help,
    const std::vector<double>& bounds,
    const Labels& labels
) {
    auto& family = prometheus::BuildHistogram().Name(name).Help(help).Register(registry_->cells);
    return Histogram{family.Add(labels, bounds)};
}

std::string Metrics::text() const {
    return prometheus::TextSerializer{}.Serialize(registry_->cells.Collect());
}

}  // namespace siding
