#include "host/view/render.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/rel_path.hpp"
#include "host/engine/reporter.hpp"
#include "host/view/cells.hpp"

namespace synchost::host {
namespace {

constexpr std::size_t kRowsForTitle = 3;  // below that each row is an image's
constexpr std::size_t kTitleColumns = 78;
constexpr std::size_t kBarCells = 10;
constexpr std::string_view kGap = "  ";

// A line under way: what fits is taken, and nothing after it.
class Line {
  public:
    explicit Line(std::size_t room) : room_(room) {}

    void add(std::string_view text, std::string_view colour = {}) {
        const std::string fitting = cut_to(text, room_);
        room_ -= std::min(room_, cells_of(fitting).most);
        if (fitting.size() < text.size()) room_ = 0;
        if (colour.empty() || fitting.empty()) {
            text_ += fitting;
        } else {
            text_.append(colour).append(fitting).append("\x1b[0m");
        }
    }
    // Filled up with spaces to `columns`; nothing where these are none.
    void add_column(std::string_view text, std::size_t columns, std::string_view colour = {}) {
        if (columns == 0) return;
        const std::string fitting = cut_to(text, columns);
        add(fitting, colour);
        add(std::string(columns - std::min(columns, cells_of(fitting).most), ' '));
        add(kGap);
    }
    std::string take() && {
        while (text_.ends_with(' ')) text_.pop_back();
        return std::move(text_);
    }

  private:
    std::size_t room_;
    std::string text_;
};

std::string_view colour_of(LiveStage stage) {
    switch (stage) {
        case LiveStage::running:
            return "\x1b[32m";
        case LiveStage::building:
        case LiveStage::deploying:
            return "\x1b[33m";
        case LiveStage::held:
        case LiveStage::failed:
            return "\x1b[31m";
        case LiveStage::waiting:
        case LiveStage::ended:
            return "\x1b[2m";
    }
    return "";
}

int rank(const LiveImage& image) {
    switch (image.stage) {
        case LiveStage::held:
        case LiveStage::failed:
            return 0;
        case LiveStage::building:
        case LiveStage::deploying:
            return 1;
        default:
            return image.current < image.containers ? 1 : 2;
    }
}

std::string bar(std::uint64_t done, std::uint64_t size) {
    const std::uint64_t share = static_cast<std::uint64_t>(100.0 * static_cast<double>(std::min(done, size)) /
                                                           static_cast<double>(size));
    const std::size_t full = share * kBarCells / 100;
    return fmt::format("[{}{}] {:>3} %", std::string(full, '#'), std::string(kBarCells - full, '-'), share);
}

std::string elapsed(std::chrono::seconds time) {
    return time.count() < 60 ? fmt::format("{} s", time.count()) : human(time);
}

// What moves comes first: it is not cut off.
std::string words_of(const LiveWork& work) {
    if (work.size == 0) return fmt::format("{}  {}", elapsed(work.elapsed), printable(work.what));
    return fmt::format("{}  {} {} of {}", bar(work.done, work.size), printable(work.what),
                       human_bytes(work.done), human_bytes(work.size));
}

// Where there is little room, what happened last comes before whole words.
constexpr std::size_t kRoomForWords = 100;

std::string containers_of(const LiveImage& image, std::size_t room) {
    if (image.containers == 0) return {};
    return fmt::format("{}/{}{}", image.current, image.containers, room < kRoomForWords ? "" : " current");
}

std::string generation_of(const LiveImage& image, std::size_t room) {
    if (image.generation == 0) return {};
    return fmt::format("{} {}", room < kRoomForWords ? "gen" : "generation", image.generation);
}

struct Columns {
    std::size_t name = 0;
    std::size_t stage = 0;
    std::size_t containers = 0;
    std::size_t generation = 0;
};

Columns columns_of(const std::vector<const LiveImage*>& images, std::size_t room) {
    Columns out;
    for (const LiveImage* image : images) {
        out.name = std::max(out.name, cells_of(printable(image->name)).most);
        out.stage = std::max(out.stage, to_string(image->stage).size());
        out.containers = std::max(out.containers, containers_of(*image, room).size());
        out.generation = std::max(out.generation, generation_of(*image, room).size());
    }
    out.name = std::min(out.name, room < kRoomForWords ? room / 4 : room / 3);
    out.stage = std::max(out.stage, to_string(LiveStage::deploying).size());  // what follows keeps its place
    return out;
}

std::string line_of(const LiveImage& image, const Columns& columns, std::size_t room, bool colour) {
    Line line(room);
    line.add_column(printable(image.name), columns.name);
    line.add_column(to_string(image.stage), columns.stage, colour ? colour_of(image.stage) : "");
    line.add_column(containers_of(image, room), columns.containers);
    line.add_column(generation_of(image, room), columns.generation, colour ? "\x1b[2m" : "");
    line.add(image.work.what.empty() ? printable(image.last) : words_of(image.work));
    return std::move(line).take();
}

std::string title(const LiveState& state, std::size_t room, bool colour) {
    std::string text = "-- " + printable(state.project) + " ";
    const std::size_t used = cells_of(text).most;
    text.append(used < kTitleColumns ? kTitleColumns - used : 2, '-');
    // Dashes that do not fit are no loss to be marked.
    if (used < room && cells_of(text).most > room) text.resize(text.size() - (cells_of(text).most - room));
    Line line(room);
    line.add(text, colour ? "\x1b[2m" : "");
    return std::move(line).take();
}

}  // namespace

std::string_view to_string(LiveStage stage) {
    switch (stage) {
        case LiveStage::waiting:
            return "waiting";
        case LiveStage::building:
            return "building";
        case LiveStage::deploying:
            return "deploying";
        case LiveStage::running:
            return "running";
        case LiveStage::ended:
            return "ended";
        case LiveStage::held:
            return "held";
        case LiveStage::failed:
            return "failed";
    }
    return "";
}

std::vector<std::string> render(const LiveState& state, std::size_t width, std::size_t height, bool colour) {
    std::size_t rows = height / 3;
    if (rows == 0 || width < 2 || state.images.empty()) return {};
    const std::size_t room = width - 1;
    std::vector<std::string> out;
    if (rows >= kRowsForTitle) {
        out.push_back(title(state, room, colour));
        --rows;
    }
    std::vector<const LiveImage*> images;
    for (const LiveImage& image : state.images) images.push_back(&image);
    const std::size_t shown = images.size() <= rows ? images.size() : rows - 1;
    if (shown < images.size())  // where the rank is the same they stay in order, as all lie in one array
        std::ranges::sort(images, {}, [](const LiveImage* one) { return std::pair(rank(*one), one); });
    const std::size_t left_out = images.size() - shown;
    images.resize(shown);
    const Columns columns = columns_of(images, room);
    for (const LiveImage* image : images) out.push_back(line_of(*image, columns, room, colour));
    if (left_out > 0) {
        Line line(room);
        line.add(shown == 0 ? counted(left_out, "image") : fmt::format("and {} more", left_out));
        out.push_back(std::move(line).take());
    }
    return out;
}

}  // namespace synchost::host
