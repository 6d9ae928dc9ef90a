#include "cutover/sample_mail.hpp"

#include <array>
#include <fmt/format.h>
#include <random>

namespace siding::cutover {
namespace {

constexpr std::size_t large_octets = 5 * 1024 * 1024;
constexpr std::size_t long_line_octets = 20 * 1024;
constexpr std::size_t average_octets = 16 * 1024;

// Only the generator's raw numbers are the same everywhere; the standard's distributions are not.
class Draw {
public:
    explicit Draw(std::size_t seed) : generator_{static_cast<std::uint32_t>(seed) * 2654435761U} {}

    std::size_t below(std::size_t bound) { return generator_() % bound; }
    char octet() { return static_cast<char>(generator_() >> 24); }

private:
    std::mt19937 generator_;
};

std::string word(Draw& draw) {
    static constexpr std::array words{
        "siding",
        "track",
        "switch",
        "signal",
        "wagon",
        "freight",
        "tunnel",
        "station",
        "rail",
        "timetable",
        "platform",
        "junction",
        "coupling",
        "lantern",
        "whistle",
        "sleeper"};
    return words[draw.below(words.size())];
}

std::string paragraph(Draw& draw, std::size_t lines) {
    std::string out;
    for (std::size_t line = 0; line < lines; ++line) {
        std::string text;
        while (text.size() < 64) {
            text += word(draw) + " ";
        }
        text.back() = '\r';
        out += text + "\n";
    }
    return out;
}

// Base64's alphabet in its usual lines; what it would decode to matters to nobody.
std::string attachment(Draw& draw, std::size_t octets) {
    static constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    out.reserve(octets + 80);
    while (out.size() < octets) {
        for (int i = 0; i < 76; ++i) {
            out += alphabet[draw.below(alphabet.size())];
        }
        out += "\r\n";
    }
    return out;
}

std::string header(std::size_t number, std::string_view subject, std::string_view more = {}) {
    return fmt::format(
        "From: Ann Sender <ann@sender.example>\r\n"
        "To: Joe Reader <joe@rehearsal.example>\r\n"
        "Subject: {} (no. {})\r\n"
        "Date: Sat, 21 Nov 2026 14:{:02}:{:02} +0000\r\n"
        "Message-ID: <rehearsal.{}@sender.example>\r\n"
        "{}\r\n",
        subject,
        number,
        number / 60 % 60,
        number % 60,
        number,
        more
    );
}

std::string plain(Draw& draw, std::size_t number) {
    return header(number, "plain text") + paragraph(draw, 3 + draw.below(60));
}

// RFC 5321 §4.5.2: what dot-stuffing must bring through.
std::string dots(Draw& draw, std::size_t number) {
    return header(number, "dots at line starts") +
           ".\r\n..\r\n...\r\n.hidden\r\n. \r\n\r\n.\r\n\r\n" + paragraph(draw, 2) + ".\r\n";
}

// Every octet but CR and LF, in an order of this message's own.
std::string eight_bit(Draw& draw, std::size_t number) {
    std::string body = "Grüße aus Köln, ¡hasta luego!, до свидания, さようなら\r\n";
    for (int line = 0; line < 40; ++line) {
        for (std::size_t i = draw.below(200); i > 0; --i) {
            const char octet = draw.octet();
            body += octet == '\r' || octet == '\n' ? '~' : octet;
        }
        body += "\r\n";
    }
    return header(
               number,
               "8-bit octets",
               "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
               "Content-Transfer-Encoding: 8bit\r\n"
           ) +
           body;
}

std::string with_attachment(Draw& draw, std::size_t number, std::size_t octets) {
    const std::string boundary = fmt::format("=_part_{}", number);
    return header(
               number,
               "MIME with an attachment",
               fmt::format(
                   "MIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n\tboundary=\"{}\"\r\n",
                   boundary
               )
           ) +
           fmt::format("This is a MIME message.\r\n\r\n--{}\r\n", boundary) +
           "Content-Type: text/plain\r\n\r\n" + paragraph(draw, 4) +
           fmt::format("--{}\r\n", boundary) +
           "Content-Type: application/octet-stream; name=\"timetable.bin\"\r\n"
           "Content-Transfer-Encoding: base64\r\n"
           "Content-Disposition: attachment; filename=\"timetable.bin\"\r\n\r\n" +
           attachment(draw, octets) + fmt::format("--{}--\r\n", boundary);
}

// Longer than the 998 octets of RFC 5322 §2.1.1: never folded, never refused.
std::string long_line(Draw& draw, std::size_t number) {
    std::string line;
    while (line.size() < long_line_octets) {
        line += word(draw) + ".";
    }
    return header(number, "a line of 20 KiB") + line + "\r\n" + paragraph(draw, 1);
}

// Header fields of other relays: ours goes in front of them, and they stay.
std::string travelled(Draw& draw, std::size_t number) {
    std::string hops = "Return-Path: <ann@sender.example>\r\n";
    for (int hop = 3; hop > 0; --hop) {
        hops += fmt::format(
            "Received: from hop{0}.sender.example (hop{0}.sender.example [192.0.2.{0}])\r\n"
            "\tby hop{1}.sender.example (Postfix) with ESMTP id {2:08x}\r\n"
            "\tfor <joe@rehearsal.example>; Sat, 21 Nov 2026 14:07:30 +0000 (UTC)\r\n",
            hop,
            hop + 1,
            number
        );
    }
    return hops + "X-Folded: one\r\n  two\r\n\t three  \r\n" + header(number, "three hops before") +
           paragraph(draw, 10);
}

std::string bounce(Draw& draw, std::size_t number) {
    return "Auto-Submitted: auto-replied\r\n" + header(number, "Undelivered mail") +
           paragraph(draw, 8) + "   ----- the rest is white space -----   \r\n \r\n\t\r\n\r\n\r\n";
}

std::string empty_body(std::size_t number) {
    return number % 100 == 9 ? std::string{} : header(number, "empty body");
}

}  // namespace

Result<RehearsalMail> SampleMail::load(std::size_t number) const {
    Draw draw{number + 1};
    RehearsalMail mail{"ann@sender.example", 1, {}};
    if (number == messages_ / 2) {
        mail.octets = with_attachment(draw, number, large_octets);
        return mail;
    }
    switch (number % 10) {
    case 0:
        mail.octets = plain(draw, number);
        break;
    case 1:
        mail.octets = dots(draw, number);
        break;
    case 2:
        mail.octets = eight_bit(draw, number);
        break;
    case 3:
        mail.octets = with_attachment(draw, number, 10'000 + draw.below(90'000));
        break;
    case 4:
        mail.octets = long_line(draw, number);
        break;
    case 5:
        mail.octets = travelled(draw, number);
        break;
    case 6:  // several recipients
        mail.recipients = 2 + draw.below(9);
        mail.octets = plain(draw, number);
        break;
    case 7:
        mail.reverse_path.clear();
        mail.octets = bounce(draw, number);
        break;
    case 8:
        mail.octets = header(number, "long text") + paragraph(draw, 200 + draw.below(400));
        break;
    default:
        mail.octets = empty_body(number);
        break;
    }
    return mail;
}

std::uint64_t SampleMail::octets() const {
    return large_octets + messages_ * average_octets;
}

std::uint64_t SampleMail::octets_max() const {
    return large_octets + 64 * 1024;
}

}  // namespace siding::cutover
