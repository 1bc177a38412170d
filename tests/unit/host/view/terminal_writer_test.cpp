#include "host/view/terminal_writer.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <random>

#include "screen_model.hpp"

namespace synchost::host {
namespace {

using test::TestTerminal;
using testing::ElementsAre;

// Lines as they are, cut to the screen.
TerminalWriter::Area area_of(std::vector<std::string> lines) {
    return [lines = std::move(lines)](TerminalSize size) {
        std::vector<std::string> out(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                                        lines.size(), size.height / 3)));
        for (std::string& line : out) line = line.substr(0, size.width - 1);
        return out;
    };
}

TEST(TerminalWriter, TheAreaStandsBelowTheLines) {
    TestTerminal terminal(40, 12);
    TerminalWriter writer(terminal.fd());
    EXPECT_TRUE(writer.print("one\n"));
    writer.show(area_of({"a", "b"}));
    EXPECT_TRUE(writer.print("two\nthree\n"));
    terminal.take();
    EXPECT_THAT(terminal.lines(), ElementsAre("one", "two", "three", "a", "b", ""));
    writer.close();
    EXPECT_TRUE(writer.print("four\n"));
    terminal.take();
    EXPECT_THAT(terminal.lines(), ElementsAre("one", "two", "three", "four", ""));
}

TEST(TerminalWriter, ItsEndLeavesNothingBehind) {
    TestTerminal terminal(40, 12);
    {
        TerminalWriter writer(terminal.fd());
        writer.print("one\n");
        writer.show(area_of({"a", "b"}));
    }
    terminal.take();
    EXPECT_THAT(terminal.lines(), ElementsAre("one", ""));
    EXPECT_EQ(terminal.bytes().find("\x1b[?"), std::string::npos);  // no mode, no hidden cursor
}

TEST(TerminalWriter, WhatTheTerminalEchoedIsErased) {
    TestTerminal terminal(40, 12);
    TerminalWriter writer(terminal.fd());
    writer.show(area_of({"a", "b"}));
    ASSERT_EQ(::write(terminal.fd(), "^C", 2), 2);
    writer.print("stopping\n");
    writer.try_close();
    terminal.take();
    EXPECT_THAT(terminal.lines(), ElementsAre("stopping", ""));
}

TEST(TerminalWriter, OnlyWhatDiffersIsWritten) {
    TestTerminal terminal(40, 12);
    TerminalWriter writer(terminal.fd());
    const auto written_for = [&](std::vector<std::string> lines) {
        terminal.take();
        const std::size_t before = terminal.bytes().size();
        writer.show(area_of(std::move(lines)));
        terminal.take();
        return terminal.bytes().substr(before);
    };
    EXPECT_EQ(written_for({"a", "b", "c"}), "a\r\nb\r\nc\r\n");
    EXPECT_EQ(written_for({"a", "b", "c"}), "");
    EXPECT_EQ(written_for({"a", "x", "c"}), "\r\x1b[2Ax\x1b[K\r\n\r\n");
    EXPECT_EQ(written_for({"a", "x", "c", "d"}), "\rd\x1b[K\r\n");
    EXPECT_EQ(written_for({"a", "x"}), "\r\x1b[2A\x1b[J");
    EXPECT_EQ(written_for({}), "\r\x1b[2A\x1b[J");
    EXPECT_THAT(terminal.lines(), ElementsAre(""));
}

TEST(TerminalWriter, AFloodOfLinesIsNotSlowedDownByTheArea) {
    TestTerminal terminal(40, 12);
    TerminalWriter writer(terminal.fd());
    const auto area = area_of({"the area"});
    writer.show(area);
    std::vector<std::string> expected;
    bool was_left_out = false;
    for (int i = 0; i < 1'000; ++i) {
        expected.push_back(std::to_string(i));
        was_left_out = !writer.print(expected.back() + "\n") || was_left_out;
        terminal.take();
    }
    writer.show(area);
    terminal.take();
    expected.insert(expected.end(), {"the area", ""});
    EXPECT_TRUE(was_left_out);
    EXPECT_EQ(terminal.lines(), expected);
}

TEST(TerminalWriter, LinesOfAnyLengthAndAScreenOfAnySizeKeepEveryLine) {
    for (unsigned seed = 0; seed < 200; ++seed) {
        std::mt19937 random(seed);
        const auto up_to = [&](std::size_t most) {
            return std::uniform_int_distribution<std::size_t>(0, most)(random);
        };
        const auto line = [&](std::size_t most) {
            return std::string(up_to(most), static_cast<char>('a' + up_to(25)));
        };
        const auto lines = [&](std::size_t most, std::size_t columns) {
            std::vector<std::string> out(up_to(most));
            for (std::string& one : out) one = line(columns);
            return out;
        };
        // A narrower screen breaks each line of an area into two rows at most: it stays on the screen.
        std::size_t width = 60 + up_to(50);
        std::size_t height = 30 + up_to(9);
        TestTerminal terminal(width, height);
        TerminalWriter writer(terminal.fd());
        std::vector<std::string> expected;
        std::vector<std::string> area;
        for (int step = 0; step < 60; ++step) {
            switch (up_to(3)) {
                case 0:
                    width = 60 + up_to(50);
                    height = 30 + up_to(9);
                    terminal.resize(width, height);
                    break;
                case 1:
                    if (up_to(1) == 0) {
                        area = lines(15, 130);
                    } else if (!area.empty()) {
                        area[up_to(area.size() - 1)] = line(130);
                    }
                    writer.show(area_of(area));
                    break;
                default: {
                    std::string text;
                    for (const std::string& one : lines(3, 250)) {
                        expected.push_back(one);
                        text += one + "\n";
                    }
                    writer.print(text);
                }
            }
            terminal.take();
        }
        writer.show(area_of(area));
        terminal.take();
        std::vector<std::string> all = expected;
        for (std::string& one : area_of(area)({width, height})) all.push_back(std::move(one));
        all.emplace_back();
        ASSERT_EQ(terminal.lines(), all) << "seed " << seed;
        writer.close();
        terminal.take();
        expected.emplace_back();
        ASSERT_EQ(terminal.lines(), expected) << "seed " << seed;
    }
}

TEST(TerminalSize, IsTheUsualOneWhereThereIsNoTerminal) {
    EXPECT_EQ(terminal_size(-1), (TerminalSize{80, 24}));
    EXPECT_FALSE(can_redraw(-1));
}

}  // namespace
}  // namespace synchost::host
