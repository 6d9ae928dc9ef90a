// Whom the configuration has us ask: root servers, recursive resolvers, the panel.
#pragma once

#include "base/result.hpp"
#include "config/config.hpp"
#include "dns/authority.hpp"
#include "dns/panel.hpp"
#include "dns/resolver.hpp"

#include <vector>

namespace siding::cutover {

// The panel of the configuration; none where it is off. Blocks. Errors name the file.
Result<std::vector<dns::PanelOperator>> read_panel(const config::Dns& dns);

// Of the configuration, or of the Internet.
dns::Roots roots_of(const config::Dns& dns);

dns::ResolverOptions resolver_options(const config::Dns& dns);

}  // namespace siding::cutover
