// A snapshot as a document.
#include "base/bytes.hpp"
#include "cutover/dns_snapshot.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <limits>

namespace siding::cutover {
namespace {

namespace json = boost::json;

constexpr std::int64_t version = 1;
constexpr std::size_t octets_max = 8 << 20;

json::array array_of(const std::vector<std::string>& texts) {
    json::array array;
    for (const std::string& text : texts) {
        array.emplace_back(text);
    }
    return array;
}

json::object object_of(const SnapshotServer& server) {
    return {{"name", server.name}, {"serial", server.serial}, {"problem", server.problem}};
}

json::object object_of(const SnapshotAnswer& answer) {
    return {
        {"data", array_of(answer.data)},
        {"ttl", answer.ttl.count()},
        {"servers", array_of(answer.servers)},
    };
}

json::object object_of(const SnapshotRecord& record) {
    json::array answers;
    for (const SnapshotAnswer& answer : record.answers) {
        answers.push_back(object_of(answer));
    }
    return {
        {"name", record.name},
        {"type", record.type},
        {"cached", record.is_cached},
        {"answers", std::move(answers)},
    };
}

// Reads what may be anything; the first fault is kept, and what follows reads as empty.
class Reader {
public:
    std::string text(const json::object& from, const char* key) {
        const json::value* const value = from.if_contains(key);
        const json::string* const text = value != nullptr ? value->if_string() : nullptr;
        if (text == nullptr) {
            fail(key);
            return {};
        }
        return {text->data(), text->size()};
    }

    std::int64_t number(const json::object& from, const char* key) {
        const json::value* const value = from.if_contains(key);
        const std::int64_t* const number = value != nullptr ? value->if_int64() : nullptr;
        if (number == nullptr || *number < 0 ||
            *number > std::numeric_limits<std::uint32_t>::max()) {
            fail(key);
            return 0;
        }
        return *number;
    }

    bool flag(const json::object& from, const char* key) {
        const json::value* const value = from.if_contains(key);
        const bool* const flag = value != nullptr ? value->if_bool() : nullptr;
        if (flag == nullptr) {
            fail(key);
        }
        return flag != nullptr && *flag;
    }

    const json::array& array(const json::object& from, const char* key) {
        static const json::array none;
        const json::value* const value = from.if_contains(key);
        const json::array* const array = value != nullptr ? value->if_array() : nullptr;
        if (array == nullptr) {
            fail(key);
            return none;
        }
        return *array;
    }

    const json::object& object(const json::value& from) {
        static const json::object none;
        const json::object* const object = from.if_object();
        if (object == nullptr) {
            fail("a list");
            return none;
        }
        return *object;
    }

    std::vector<std::string> texts(const json::object& from, const char* key) {
        std::vector<std::string> out;
        for (const json::value& value : array(from, key)) {
            const json::string* const text = value.if_string();
            if (text == nullptr) {
                fail(key);
                break;
            }
            out.emplace_back(text->data(), text->size());
        }
        return out;
    }

    const std::string& fault() const { return fault_; }

private:
    void fail(const char* key) {
        if (fault_.empty()) {
            fault_ = key;
        }
    }

    std::string fault_;
};

SnapshotServer read_server(Reader& reader, const json::object& from) {
    SnapshotServer server;
    server.name = reader.text(from, "name");
    server.serial = static_cast<std::uint32_t>(reader.number(from, "serial"));
    server.problem = reader.text(from, "problem");
    return server;
}

SnapshotRecord read_record(Reader& reader, const json::object& from) {
    SnapshotRecord record;
    record.name = reader.text(from, "name");
    record.type = reader.text(from, "type");
    record.is_cached = reader.flag(from, "cached");
    for (const json::value& value : reader.array(from, "answers")) {
        const json::object& object = reader.object(value);
        SnapshotAnswer answer;
        answer.data = reader.texts(object, "data");
        answer.ttl = std::chrono::seconds{reader.number(object, "ttl")};
        answer.servers = reader.texts(object, "servers");
        record.answers.push_back(std::move(answer));
    }
    return record;
}

}  // namespace

std::string format_snapshot(const DnsSnapshot& snapshot) {
    json::array servers;
    for (const SnapshotServer& server : snapshot.servers) {
        servers.push_back(object_of(server));
    }
    json::array records;
    for (const SnapshotRecord& record : snapshot.records) {
        records.push_back(object_of(record));
    }
    const json::object document{
        {"version", version},
        {"domain", snapshot.domain},
        {"zone", snapshot.zone},
        {"at", format_time(snapshot.at)},
        {"servers", std::move(servers)},
        {"records", std::move(records)},
        {"gaps", array_of(snapshot.gaps)},
    };
    return json::serialize(document) + "\n";
}

Result<DnsSnapshot> parse_snapshot(std::string_view text) {
    boost::system::error_code code;
    const json::value value = text.size() > octets_max ? json::value{} : json::parse(text, code);
    const json::object* const document = value.if_object();
    if (code || document == nullptr) {
        return Error{Errc::invalid_argument, "it is no snapshot of `siding dns snapshot`"};
    }
    Reader reader;
    if (reader.number(*document, "version") != version) {
        return Error{
            Errc::invalid_argument, "it is no snapshot, or one of another version of Siding"};
    }
    DnsSnapshot snapshot;
    snapshot.domain = reader.text(*document, "domain");
    snapshot.zone = reader.text(*document, "zone");
    SIDING_ASSIGN(snapshot.at, parse_time(reader.text(*document, "at")));
    for (const json::value& server : reader.array(*document, "servers")) {
        snapshot.servers.push_back(read_server(reader, reader.object(server)));
    }
    for (const json::value& record : reader.array(*document, "records")) {
        snapshot.records.push_back(read_record(reader, reader.object(record)));
    }
    snapshot.gaps = reader.texts(*document, "gaps");
    if (!reader.fault().empty()) {
        return Error{
            Errc::invalid_argument, "it is no whole snapshot: look at \"" + reader.fault() + "\""};
    }
    return snapshot;
}

}  // namespace siding::cutover
