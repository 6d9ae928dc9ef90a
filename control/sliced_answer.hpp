// An answer that takes long to work out: the queue is read in slices, so that others have their
// turn. A short one goes out in one piece and with a proper status, a long one piece by piece: a
// blank for each slice keeps the client from giving up; before a JSON text it means nothing (RFC
// 8259 §2).
#pragma once

#include "control/handlers.hpp"
#include "queue/store.hpp"

#include <boost/json/object.hpp>

#include <functional>
#include <utility>

namespace siding::control {

struct SlicedWork {
    using Step = std::function<Result<bool>(const queue::Store&)>;
    using Document = std::function<boost::json::object()>;

    SlicedWork(Step next, Document result)  // no aggregate: net/asio.hpp
        : step{std::move(next)}, document{std::move(result)} {}

    Step step;          // a little of it, on a blocking thread; true when all is done
    Document document;  // asked once, when all is done
};

Answer answer_in_slices(Services& services, SlicedWork work);

}  // namespace siding::control
