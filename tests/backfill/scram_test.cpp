#include "backfill/scram.hpp"

#include <gtest/gtest.h>

namespace siding::backfill {
namespace {

// RFC 7677 §3.
constexpr const char* server_first =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

ScramClient client() {
    return {"user", "pencil", "", "rOprNGfwEbeRWgbNEkqO"};
}

TEST(ScramTest, the_example_of_the_rfc) {
    ScramClient scram = client();
    EXPECT_EQ(scram.first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    EXPECT_EQ(
        scram.on_server_first(server_first).value(),
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    );
    EXPECT_TRUE(scram.on_server_final("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=").has_value()
    );
    EXPECT_FALSE(scram.on_server_final("v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=").has_value()
    );
    EXPECT_FALSE(scram.on_server_final("e=other-error").has_value());
}

TEST(ScramTest, challenges_that_are_none) {
    for (const char* text : {
             "",
             "r=other%hvYD,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",            // not our nonce
             "r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",  // none of the server's
             "r=rOprNGfwEbeRWgbNEkqOx,s=W22,i=4096",
             "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=0",
             "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4000000000",
         }) {
        ScramClient scram = client();
        EXPECT_FALSE(scram.on_server_first(text).has_value()) << text;
    }
}

TEST(ScramTest, names_are_quoted) {
    EXPECT_EQ((ScramClient{"a,b=c", "", "x=y", "N"}.first()), "n,a=x=3Dy,n=a=2Cb=3Dc,r=N");
}

}  // namespace
}  // namespace siding::backfill
