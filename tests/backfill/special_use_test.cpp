#include "backfill/special_use.hpp"

#include <gtest/gtest.h>

namespace siding::backfill {
namespace {

TEST(SpecialUse, AttributesOfStandardsAndOfXlistAreKnown) {
    EXPECT_EQ(special_use_of_attribute("\\Sent"), SpecialUse::sent);
    EXPECT_EQ(special_use_of_attribute("\\SENT"), SpecialUse::sent);
    EXPECT_EQ(special_use_of_attribute("\\Spam"), SpecialUse::junk);
    EXPECT_EQ(special_use_of_attribute("\\AllMail"), SpecialUse::all);
    EXPECT_EQ(special_use_of_attribute("\\Starred"), SpecialUse::flagged);
    EXPECT_EQ(special_use_of_attribute("\\HasNoChildren"), SpecialUse::none);
    EXPECT_EQ(special_use_of_attribute(""), SpecialUse::none);
    EXPECT_EQ(attribute_of(SpecialUse::junk), "\\Junk");
    EXPECT_EQ(attribute_of(SpecialUse::all), "\\All");
    EXPECT_EQ(attribute_of(SpecialUse::none), "");
    EXPECT_TRUE(is_view(SpecialUse::all));
    EXPECT_FALSE(is_view(SpecialUse::trash));
}

TEST(SpecialUse, NamesAreKnownInManyLanguages) {
    struct Case {
        SpecialUse use;
        const char* names[17];  // EN DE FR ES IT NL PT PL SV DA NO FI CS RU JA ZH, and another one
    };
    const Case cases[] = {
        {SpecialUse::sent,
         {"Sent Items",
          "Gesendete Objekte",
          "Éléments envoyés",
          "Elementos enviados",
          "Posta inviata",
          "Verzonden items",
          "Itens enviados",
          "Elementy wysłane",
          "Skickat",
          "Sendt post",
          "Sendte elementer",
          "Lähetetyt",
          "Odeslaná pošta",
          "Отправленные",
          "送信済み",
          "已发送",
          "SENT"}},
        {SpecialUse::drafts,
         {"Drafts",
          "Entwürfe",
          "Brouillons",
          "Borradores",
          "Bozze",
          "Concepten",
          "Rascunhos",
          "Kopie robocze",
          "Utkast",
          "Kladder",
          "Utkast",
          "Luonnokset",
          "Koncepty",
          "Черновики",
          "下書き",
          "草稿",
          "ENTWÜRFE"}},
        {SpecialUse::trash,
         {"Deleted Items",
          "Papierkorb",
          "Corbeille",
          "Papelera",
          "Cestino",
          "Prullenbak",
          "Lixeira",
          "Kosz",
          "Papperskorgen",
          "Slettet post",
          "Søppel",
          "Roskakori",
          "Koš",
          "Корзина",
          "ごみ箱",
          "已删除",
          "Gelöschte Elemente"}},
        {SpecialUse::junk,
         {"Junk E-mail",
          "Spamverdacht",
          "Courrier indésirable",
          "Correo no deseado",
          "Posta indesiderata",
          "Ongewenste e-mail",
          "Lixo eletrônico",
          "Wiadomości-śmieci",
          "Skräppost",
          "Uønsket mail",
          "Søppelpost",
          "Roskaposti",
          "Nevyžádaná pošta",
          "Спам",
          "迷惑メール",
          "垃圾邮件",
          "Spam"}},
        {SpecialUse::archive,
         {"Archive",
          "Archiv",
          "Archives",
          "Archivo",
          "Archivio",
          "Archief",
          "Arquivo",
          "Archiwum",
          "Arkiv",
          "Arkiv",
          "Arkiv",
          "Arkisto",
          "Archiv",
          "Архив",
          "アーカイブ",
          "归档",
          "ARCHIVES"}},
    };
    for (const Case& one : cases) {
        for (const char* name : one.names) {
            EXPECT_EQ(special_use_of_name(name), one.use) << name;
        }
    }
}

TEST(SpecialUse, WhatOnlyLooksLikeOneIsNone) {
    for (const char* name :
         {"", "Werbung", "Sent to Bob", "Project Archive", "Bulk", "Bin", "\xff"}) {
        EXPECT_EQ(special_use_of_name(name), SpecialUse::none) << name;
    }
}

}  // namespace
}  // namespace siding::backfill
