#include "backfill/special_use.hpp"

#include "backfill/folder_name.hpp"
#include "base/bytes.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace siding::backfill {
namespace {

struct Attribute {
    std::string_view word;
    SpecialUse use;
};

// RFC 6154 §2, RFC 8457 §3 and Gmail's XLIST. The first of a use is its own name.
constexpr std::array attributes{
    Attribute{"\\Sent", SpecialUse::sent},
    Attribute{"\\Drafts", SpecialUse::drafts},
    Attribute{"\\Archive", SpecialUse::archive},
    Attribute{"\\Junk", SpecialUse::junk},
    Attribute{"\\Spam", SpecialUse::junk},
    Attribute{"\\Trash", SpecialUse::trash},
    Attribute{"\\All", SpecialUse::all},
    Attribute{"\\AllMail", SpecialUse::all},
    Attribute{"\\Flagged", SpecialUse::flagged},
    Attribute{"\\Starred", SpecialUse::flagged},
    Attribute{"\\Important", SpecialUse::important},
};

using Names = std::span<const std::string_view>;

template <typename... Words>
constexpr auto words(Words... all) {
    return std::array<std::string_view, sizeof...(all)>{all...};
}

// As Outlook, Thunderbird, Apple Mail, Gmail and webmail programs call them, in the lower case of
// fold_case(): English, German, French, Spanish, Italian, Dutch, Portuguese, Polish, Swedish,
// Danish, Norwegian, Finnish, Czech, Slovak, Hungarian, Russian, Ukrainian, Greek, Turkish,
// Catalan, Romanian, Japanese, Chinese, Korean.
constexpr std::array sent_names = words(
    "sent",
    "sent items",
    "sent messages",
    "sent mail",
    "sent-mail",
    "sentmail",
    "sent objects",
    "gesendet",
    "gesendete objekte",
    "gesendete elemente",
    "gesendete nachrichten",
    "gesendete e-mails",
    "gesendete mails",
    "envoyés",
    "envoyes",
    "éléments envoyés",
    "elements envoyes",
    "messages envoyés",
    "objets envoyés",
    "courrier envoyé",
    "enviados",
    "elementos enviados",
    "mensajes enviados",
    "correo enviado",
    "inviati",
    "inviata",
    "posta inviata",
    "elementi inviati",
    "messaggi inviati",
    "verzonden",
    "verzonden items",
    "verzonden objecten",
    "verzonden berichten",
    "itens enviados",
    "mensagens enviadas",
    "enviadas",
    "wysłane",
    "elementy wysłane",
    "wysłane elementy",
    "skickat",
    "skickade objekt",
    "skickade",
    "sendt",
    "sendt post",
    "sendte elementer",
    "sendte e-mails",
    "lähetetyt",
    "lähetetyt viestit",
    "odeslané",
    "odeslaná pošta",
    "odeslaná",
    "odoslané",
    "elküldött",
    "отправленные",
    "отправленные письма",
    "надіслані",
    "απεσταλμένα",
    "gönderilmiş öğeler",
    "gönderilenler",
    "enviats",
    "trimise",
    "送信済み",
    "送信済みメール",
    "已发送",
    "送信済みアイテム",
    "送信済みトレイ",
    "已发送邮件",
    "已傳送",
    "寄件備份",
    "보낸 편지함"
);
constexpr std::array drafts_names = words(
    "draft",
    "drafts",
    "draft messages",
    "entwurf",
    "entwürfe",
    "entwuerfe",
    "brouillon",
    "brouillons",
    "borradores",
    "bozze",
    "concepten",
    "rascunho",
    "rascunhos",
    "szkice",
    "kopie robocze",
    "robocze",
    "wersje robocze",
    "utkast",
    "kladder",
    "luonnos",
    "luonnokset",
    "koncept",
    "koncepty",
    "rozepsané",
    "rozpracované",
    "piszkozatok",
    "vázlatok",
    "черновик",
    "черновики",
    "чернетки",
    "πρόχειρα",
    "taslaklar",
    "esborranys",
    "ciorne",
    "下書き",
    "草稿",
    "草稿箱",
    "草稿匣",
    "임시 보관함",
    "임시보관함",
    "nedokončené"
);
constexpr std::array trash_names = words(
    "trash",
    "deleted",
    "deleted items",
    "deleted messages",
    "wastebasket",
    "papierkorb",
    "gelöschte objekte",
    "gelöschte elemente",
    "gelöschte nachrichten",
    "gelöscht",
    "corbeille",
    "éléments supprimés",
    "elements supprimes",
    "messages supprimés",
    "poubelle",
    "papelera",
    "elementos eliminados",
    "mensajes eliminados",
    "papelera de reciclaje",
    "cestino",
    "posta eliminata",
    "elementi eliminati",
    "messaggi eliminati",
    "prullenbak",
    "prullenmand",
    "verwijderd",
    "verwijderde items",
    "verwijderde objecten",
    "lixo",
    "lixeira",
    "itens excluídos",
    "itens eliminados",
    "kosz",
    "elementy usunięte",
    "usunięte",
    "papperskorgen",
    "papperskorg",
    "borttaget",
    "slettet",
    "slettet post",
    "slettede elementer",
    "papirkurv",
    "papirkurven",
    "søppel",
    "roskakori",
    "poistetut",
    "koš",
    "odstraněná pošta",
    "odstraněné",
    "kôš",
    "törölt elemek",
    "корзина",
    "удаленные",
    "удалённые",
    "кошик",
    "ごみ箱",
    "ゴミ箱",
    "удаленные элементы",
    "κάδος απορριμμάτων",
    "çöp kutusu",
    "silinmiş öğeler",
    "paperera",
    "coș de gunoi",
    "削除済みアイテム",
    "已删除",
    "已删除邮件",
    "刪除的郵件",
    "지운 편지함"
);
constexpr std::array junk_names = words(
    "junk",
    "spam",
    "junk mail",
    "junk e-mail",
    "junk email",
    "junk-e-mail",
    "bulk mail",
    "spamverdacht",
    "junk-mail",
    "unerwünschte werbung",
    "courrier indésirable",
    "indésirables",
    "indesirables",
    "pourriel",
    "pourriels",
    "correo no deseado",
    "correo basura",
    "no deseado",
    "posta indesiderata",
    "indesiderata",
    "ongewenste e-mail",
    "lixo eletrônico",
    "lixo eletrónico",
    "lixo electrónico",
    "e-mail de lixo",
    "wiadomości-śmieci",
    "wiadomości śmieci",
    "skräppost",
    "skräp",
    "uønsket",
    "uønsket post",
    "uønsket e-post",
    "uønsket mail",
    "søppelpost",
    "roskaposti",
    "nevyžádaná pošta",
    "nevyžádaná",
    "levélszemét",
    "спам",
    "нежелательная почта",
    "迷惑メール",
    "垃圾邮件",
    "垃圾郵件",
    "небажана пошта",
    "önemsiz",
    "스팸",
    "스팸 메일함"
);
constexpr std::array archive_names = words(
    "archive",
    "archives",
    "archived",
    "archiv",
    "archivieren",
    "archivé",
    "archivés",
    "archivo",
    "archivado",
    "archivio",
    "archief",
    "arquivo",
    "archiwum",
    "arkiv",
    "arkisto",
    "archivum",
    "archívum",
    "архив",
    "архів",
    "αρχείο",
    "arşiv",
    "アーカイブ",
    "存档",
    "归档",
    "封存",
    "보관함",
    "보관"
);

struct Dictionary {
    SpecialUse use;
    Names names;
};

constexpr std::array dictionaries{
    Dictionary{SpecialUse::sent, sent_names},
    Dictionary{SpecialUse::drafts, drafts_names},
    Dictionary{SpecialUse::archive, archive_names},
    Dictionary{SpecialUse::junk, junk_names},
    Dictionary{SpecialUse::trash, trash_names},
};

}  // namespace

SpecialUse special_use_of_attribute(std::string_view attribute) {
    const auto found = std::ranges::find_if(attributes, [&](const Attribute& known) {
        return equals_ignoring_case(known.word, attribute);
    });
    return found == attributes.end() ? SpecialUse::none : found->use;
}

SpecialUse special_use_of_name(std::string_view level) {
    const std::string folded = fold_case(level);
    for (const Dictionary& dictionary : dictionaries) {
        if (std::ranges::find(dictionary.names, folded) != dictionary.names.end()) {
            return dictionary.use;
        }
    }
    return SpecialUse::none;
}

std::string_view attribute_of(SpecialUse use) {
    const auto found = std::ranges::find(attributes, use, &Attribute::use);
    return found == attributes.end() ? std::string_view{} : found->word;
}

bool is_view(SpecialUse use) {
    return use == SpecialUse::all || use == SpecialUse::flagged || use == SpecialUse::important;
}

}  // namespace siding::backfill
