#include "src/sweep/table.h"

#include <algorithm>
#include <string_view>

namespace meridian::sweep {

namespace {

std::string csv_escaped(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string escaped = "\"";
  for (const char c : text) {
    if (c == '"') escaped += '"';
    escaped += c;
  }
  return escaped + '"';
}

/// Requires at least one cell.
std::string csv_line(const std::vector<std::string>& cells) {
  std::string line;
  for (const std::string& cell : cells) {
    line += csv_escaped(cell);
    line += ',';
  }
  line.back() = '\n';
  return line;
}

std::string markdown_line(const std::vector<std::string>& cells) {
  std::string line = "|";
  for (const std::string& cell : cells) line.append(" ").append(markdown_escaped(cell)).append(" |");
  return line + "\n";
}

/// Characters, not bytes.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string text_line(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    for (const char c : cells[i]) line += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    line.append(widths[i] - width_of(cells[i]) + 2, ' ');
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::string html_line(const std::vector<std::string>& cells, const char* tag) {
  std::string line = "<tr>";
  for (const std::string& cell : cells) {
    line.append("<").append(tag).append(">").append(html_escaped(cell));
    line.append("</").append(tag).append(">");
  }
  return line + "</tr>\n";
}

}  // namespace

std::string to_csv(const Table& table) {
  std::string text = csv_line(table.headings);
  for (const std::vector<std::string>& row : table.rows) text += csv_line(row);
  return text;
}

std::string to_text(const Table& table) {
  std::vector<std::size_t> widths;
  for (const std::string& heading : table.headings) widths.push_back(width_of(heading));
  for (const std::vector<std::string>& row : table.rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string text = text_line(table.headings, widths);
  for (const std::vector<std::string>& row : table.rows) text += text_line(row, widths);
  return text;
}

std::string to_markdown(const Table& table) {
  std::string text = markdown_line(table.headings) + "|";
  for (std::size_t i = 0; i < table.headings.size(); ++i) text += "---|";
  text += "\n";
  for (const std::vector<std::string>& row : table.rows) text += markdown_line(row);
  return text;
}

std::string to_html(const Table& table) {
  std::string text = "<table>\n" + html_line(table.headings, "th");
  for (const std::vector<std::string>& row : table.rows) text += html_line(row, "td");
  return text + "</table>\n";
}

std::string html_escaped(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string markdown_escaped(const std::string& text) {
  constexpr std::string_view kSpecial = "\\|*_`<>&#~$";
  std::string escaped;
  for (const char c : text) {
    // A bracket alone is one; before a parenthesis or another it would end a link.
    const bool ends_link = (c == '(' || c == '[') && escaped.ends_with(']');
    if (ends_link || kSpecial.find(c) != std::string_view::npos) escaped += '\\';
    escaped += c == '\n' || c == '\r' ? ' ' : c;
  }
  return escaped;
}

}  // namespace meridian::sweep
