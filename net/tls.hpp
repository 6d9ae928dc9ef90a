// TLS as the rest of the program sees it; Stream::start_tls() puts it on a connection.
#pragma once

#include "net/tls_client.hpp"
#include "net/tls_facts.hpp"
#include "net/tls_server.hpp"
