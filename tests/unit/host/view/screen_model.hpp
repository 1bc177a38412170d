// A terminal for tests: what stands on a screen, and has scrolled off it, once some bytes were written. It
// knows newline, carriage return, cursor up, erase to the end of the row and of the screen, colours, and
// breaks the lines that are too long for it, anew when it is resized, as most terminals do. TestTerminal
// puts a pseudo terminal of the kernel before it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"

namespace synchost::host::test {

class ScreenModel {
  public:
    ScreenModel(std::size_t width, std::size_t height) : width_(width), height_(height) {}

    void feed(std::string_view bytes);
    void resize(std::size_t width, std::size_t height);
    // All lines from the first that was ever written, unbroken, to that of the cursor and what is below it.
    [[nodiscard]] std::vector<std::string> lines() const;

  private:
    using Line = std::vector<std::string>;  // a code point for each column
    [[nodiscard]] std::size_t rows_of(const Line& line) const;
    [[nodiscard]] std::size_t row_in_line() const;
    [[nodiscard]] std::size_t cursor_row() const;  // from the first line on
    std::size_t sequence(std::string_view bytes);  // its length
    void put(std::string code_point);
    void newline();
    void up(std::size_t rows);

    std::size_t width_;
    std::size_t height_;
    std::vector<Line> lines_ = std::vector<Line>(1);
    std::size_t line_ = 0;    // of the cursor
    std::size_t column_ = 0;  // in the unbroken line
    bool is_full_ = false;    // the row: the cursor is still in it, after its last column
    std::size_t top_ = 0;     // row of the screen's first
};

class TestTerminal {
  public:
    TestTerminal(std::size_t width, std::size_t height);

    // For the program: standard output, say.
    [[nodiscard]] int fd() const { return inner_.get(); }
    void resize(std::size_t width, std::size_t height);
    // Takes all that was written until now. Less than 4,096 bytes may wait for it, or their writer waits.
    void take();
    [[nodiscard]] std::vector<std::string> lines() const { return screen_.lines(); }
    [[nodiscard]] const std::string& bytes() const { return bytes_; }

  private:
    void set_size(std::size_t width, std::size_t height);
    Fd outer_;
    Fd inner_;
    ScreenModel screen_;
    std::string bytes_;
};

}  // namespace synchost::host::test
