#include "smtp/command.hpp"

#include "base/bytes.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace siding::smtp {
namespace {

using Parse = Parsed<Command> (*)(std::string_view argument, const Extensions& offered);

Reply syntax(std::string_view expected) {
    return Reply{501, {5, 5, 4}, "Syntax: " + std::string{expected}};
}

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

template <bool extended>
Parsed<Command> parse_hello(std::string_view argument, const Extensions&) {
    if (argument.empty()) {
        return syntax(extended ? "EHLO hostname" : "HELO hostname");
    }
    return Command{command::Hello{std::string{argument}, extended}};
}

// What follows "FROM:" or "TO:"; nothing where the keyword is missing.
std::optional<std::string_view> after_keyword(std::string_view argument, std::string_view keyword) {
    if (!equals_ignoring_case(argument.substr(0, keyword.size()), keyword)) {
        return std::nullopt;
    }
    return argument.substr(keyword.size());
}

Parsed<Command> parse_mail(std::string_view argument, const Extensions& offered) {
    const auto text = after_keyword(argument, "FROM:");
    if (!text || text->empty()) {
        return syntax("MAIL FROM:<address>");
    }
    SIDING_ASSIGN(ParsedPath parsed, parse_reverse_path(*text));
    SIDING_ASSIGN(MailParameters parameters, parse_mail_parameters(parsed.rest, offered));
    return Command{command::Mail{std::move(parsed.path), std::move(parameters)}};
}

Parsed<Command> parse_rcpt(std::string_view argument, const Extensions& offered) {
    const auto text = after_keyword(argument, "TO:");
    if (!text || text->empty()) {
        return syntax("RCPT TO:<address>");
    }
    SIDING_ASSIGN(ParsedPath parsed, parse_forward_path(*text));
    SIDING_ASSIGN(RcptParameters parameters, parse_rcpt_parameters(parsed.rest, offered));
    return Command{command::Rcpt{std::move(parsed.path), std::move(parameters)}};
}

template <typename T>
Parsed<Command> parse_any(std::string_view, const Extensions&) {
    return Command{T{}};
}

template <typename T>
Parsed<Command> parse_bare(std::string_view argument, const Extensions&) {
    if (!argument.empty()) {
        return syntax("no argument allowed");  // RFC 5321 §4.1.1: 501 for DATA, RSET, STARTTLS
    }
    return Command{T{}};
}

Parsed<Command> parse_vrfy(std::string_view argument, const Extensions&) {
    if (argument.empty()) {
        return syntax("VRFY address");
    }
    return Command{command::Vrfy{}};
}

// 521: nobody knows where the octets that follow end, so the connection has to.
Reply bad_chunk() {
    return Reply{521, {5, 5, 4}, "Syntax: BDAT count [LAST]"};
}

// RFC 3030 §2: chunk-size is 1*DIGIT.
Parsed<Command> parse_bdat(std::string_view argument, const Extensions&) {
    command::Bdat chunk;
    const char* const end = argument.data() + argument.size();
    const auto [parsed_to, error] = std::from_chars(argument.data(), end, chunk.octets);
    const std::string_view rest{parsed_to, static_cast<std::size_t>(end - parsed_to)};
    chunk.last = equals_ignoring_case(trim(rest), "LAST");
    const bool is_separate = rest.empty() || rest[0] == ' ' || rest[0] == '\t';
    if (error != std::errc{} || !is_separate || (!chunk.last && !rest.empty())) {
        return bad_chunk();
    }
    return Command{chunk};
}

Parsed<Command> parse_xclient_verb(std::string_view argument, const Extensions&) {
    return Command{command::Xclient{std::string{argument}}};
}

struct Verb {
    std::string_view name;
    Parse parse;
};

constexpr std::array verbs = {
    Verb{"MAIL", parse_mail},
    Verb{"RCPT", parse_rcpt},
    Verb{"DATA", parse_bare<command::Data>},
    Verb{"EHLO", parse_hello<true>},
    Verb{"HELO", parse_hello<false>},
    Verb{"BDAT", parse_bdat},
    Verb{"RSET", parse_bare<command::Rset>},
    Verb{"NOOP", parse_any<command::Noop>},
    Verb{"VRFY", parse_vrfy},
    // A client that wants to go may go, whatever it adds.
    Verb{"QUIT", parse_any<command::Quit>},
    Verb{"STARTTLS", parse_bare<command::StartTls>},
    Verb{"XCLIENT", parse_xclient_verb},
    Verb{"AUTH", parse_any<command::NotImplemented>},
    Verb{"EXPN", parse_any<command::NotImplemented>},
    Verb{"HELP", parse_any<command::NotImplemented>},
    Verb{"ETRN", parse_any<command::NotImplemented>},
    Verb{"TURN", parse_any<command::NotImplemented>},
    Verb{"ATRN", parse_any<command::NotImplemented>},
    Verb{"SEND", parse_any<command::NotImplemented>},
    Verb{"SOML", parse_any<command::NotImplemented>},
    Verb{"SAML", parse_any<command::NotImplemented>},
    Verb{"XFORWARD", parse_any<command::NotImplemented>},
};

constexpr std::array<std::string_view, 10> http_methods = {
    "GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "PRI"};

bool is_foreign(std::string_view verb) {
    const bool is_header_field = verb.size() > 1 && verb.find(':') != std::string_view::npos;
    return is_header_field || std::ranges::any_of(http_methods, [&](std::string_view method) {
               return equals_ignoring_case(method, verb);
           });
}

bool is_control(unsigned char c) {
    return (c < 0x20 && c != '\t') || c == 0x7F;
}

bool is_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](unsigned char c) { return c < 0x80; });
}

// RFC 6531: what an address or a name stands behind. Whether SMTPUTF8 was declared for an address
// is the dialogue's business: 553 5.6.7.
bool may_be_utf8(const Verb& verb) {
    constexpr std::array<std::string_view, 5> names = {"MAIL", "RCPT", "EHLO", "HELO", "VRFY"};
    return std::ranges::find(names, verb.name) != names.end();
}

}  // namespace

Parsed<Command> parse_command(std::string_view line, const Extensions& offered) {
    const std::size_t verb_length = std::min(line.find_first_of(" \t"), line.size());
    const std::string_view name = line.substr(0, verb_length);
    const auto verb = std::ranges::find_if(verbs, [&](const Verb& known) {
        return equals_ignoring_case(known.name, name);
    });
    const bool is_known = verb != verbs.end();
    const bool is_clean = std::ranges::none_of(line, is_control) && is_utf8(line) &&
                          (is_ascii(line) || !is_known || may_be_utf8(*verb));
    if (!is_clean) {
        const bool is_chunk = equals_ignoring_case(line.substr(0, 4), "BDAT");
        return is_chunk ? bad_chunk() : Reply{500, {5, 5, 2}, "Invalid octet in command"};
    }
    if (!is_known) {
        if (is_foreign(name)) {
            return Command{command::Foreign{}};
        }
        return Reply{500, {5, 5, 2}, "Command not recognized"};
    }
    return verb->parse(trim(line.substr(verb_length)), offered);
}

}  // namespace siding::smtp
