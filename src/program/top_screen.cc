#include "src/program/top_screen.h"

#include <ncurses.h>

#include <algorithm>
#include <string>

namespace meridian::program {
namespace {

constexpr short kWarningPair = 1;
constexpr const char* kHowToLeave = "q leaves";

attr_t attributes(TopLine::Style style) {
  switch (style) {
    case TopLine::Style::heading:
      return A_BOLD;
    case TopLine::Style::warning:
      return has_colors() ? static_cast<attr_t>(COLOR_PAIR(kWarningPair)) : A_REVERSE;
    case TopLine::Style::plain:
      break;
  }
  return A_NORMAL;
}

}  // namespace

TopScreen::TopScreen() {
  initscr();
  cbreak();
  noecho();
  curs_set(0);
  keypad(stdscr, TRUE);
  if (has_colors()) {
    start_color();
    use_default_colors();
    init_pair(kWarningPair, COLOR_RED, -1);
  }
}

TopScreen::~TopScreen() { endwin(); }

std::size_t TopScreen::width() const { return static_cast<std::size_t>(std::max(1, getmaxx(stdscr))); }

void TopScreen::show(std::span<const TopLine> lines) {
  erase();
  const int rows = getmaxy(stdscr);
  for (int row = 0; row < rows - 1 && row < static_cast<int>(lines.size()); ++row) {
    const TopLine& line = lines[static_cast<std::size_t>(row)];
    attrset(static_cast<int>(attributes(line.style)));
    mvaddnstr(row, 0, line.text.c_str(), static_cast<int>(line.text.size()));
  }
  attrset(A_DIM);
  mvaddstr(rows - 1, 0, kHowToLeave);
  attrset(A_NORMAL);
  refresh();
}

bool TopScreen::wants_to_leave(std::chrono::milliseconds longest) {
  timeout(static_cast<int>(longest.count()));
  const int key = getch();
  constexpr int kEscape = 27;
  constexpr int kControlC = 3;
  return key == 'q' || key == 'Q' || key == kEscape || key == kControlC;
}

}  // namespace meridian::program
