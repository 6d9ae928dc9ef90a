#include "control/remote_queue_id.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace siding::control {
namespace {

TEST(RemoteQueueId, OfWhatServersSay) {
    struct Row {
        const char* reply;
        const char* id;
    };
    for (const Row& row : std::vector<Row>{
             {"250 2.0.0 Ok: queued as 4XyZ12AbC", "4XyZ12AbC"},          // Postfix
             {"250 2.0.0 Ok: queued as 0f4x8k2m9qz7a", "0f4x8k2m9qz7a"},  // Siding
             {"250 OK id=1rABCd-000abc-12", "1rABCd-000abc-12"},          // Exim
             {"250 2.0.0 3ALABcd012345 Message accepted for delivery",
              "3ALABcd012345"},                                                 // Sendmail
             {"250 2.0.0 7f3bd2a1 Message accepted for delivery", "7f3bd2a1"},  // OpenSMTPD
             {"250 2.6.0 <a@b.example> [InternalId=1099511628, Hostname=X.PROD.OUTLOOK.COM] "
              "8123 bytes in 0.2, 39 KB/sec Queued mail for delivery",
              "1099511628"},  // Exchange
             {"250 2.0.0 OK  1700000000 d9443c01a7336-1a2b3c - gsmtp", "d9443c01a7336-1a2b3c"},
             {"250 ok 1700000000 qp 1234", "1234"},  // qmail
             {"250 2.0.0 Ok: queued as 4XyZ12AbC.", "4XyZ12AbC"},
             {"250 2.0.0 Ok", ""},
             {"250 2.0.0 Message accepted for delivery", ""},
             {"250 Queued as spam", ""},
             {"250 queued as ", ""},
             {"", ""},
         }) {
        EXPECT_EQ(find_remote_queue_id(row.reply), row.id) << row.reply;
    }
}

}  // namespace
}  // namespace siding::control
