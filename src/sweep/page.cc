#include "src/sweep/page.h"

#include <set>

namespace meridian::sweep {

namespace {

constexpr const char* kStyle =
    "body { font: 15px/1.5 sans-serif; margin: 2em auto; max-width: 75em; padding: 0 1em; color: #222; }\n"
    "table { border-collapse: collapse; font-variant-numeric: tabular-nums; }\n"
    "th, td { border-bottom: 1px solid #ddd; padding: 0.2em 0.8em; text-align: left; white-space: nowrap; }\n"
    "th { border-bottom: 2px solid #888; }\n"
    "figure { margin: 2em 0; }\n"
    "figcaption { color: #555; }\n"
    "svg { max-width: 100%; height: auto; }\n"
    ".wide { overflow-x: auto; }\n";

/// The <svg> element alone, without what stands before it in a file.
std::string element_of(const std::string& svg) {
  const std::size_t begin = svg.find("<svg");
  return begin == std::string::npos ? std::string() : svg.substr(begin);
}

std::set<std::string> data_notes(const Results& results) {
  std::set<std::string> notes;
  for (const CellResult& cell : results.cells) {
    for (const output::Summary& run : cell.runs) {
      if (run.data_note) notes.insert(*run.data_note);
    }
  }
  return notes;
}

}  // namespace

std::string page_html(const Results& results, const std::vector<Picture>& pictures, const std::string& note) {
  const std::string title = html_escaped(results.title);
  std::string html = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>" +
                     title + "</title>\n<style>\n" + kStyle + "</style>\n</head>\n<body>\n<h1>" + title +
                     "</h1>\n";
  for (const std::string& data : data_notes(results)) html += "<p>Data: " + html_escaped(data) + "</p>\n";
  html +=
      "<p>One row for each cell: the median over its seeds, and in brackets the range where there are "
      "several.</p>\n<div class=\"wide\">\n" +
      to_html(cell_table(results)) + "</div>\n";
  for (const std::string& one : notes_of(results)) html += "<p>" + html_escaped(one) + "</p>\n";
  if (!note.empty()) html += "<p>" + html_escaped(note) + "</p>\n";
  for (const Picture& picture : pictures) {
    html += "<figure>\n" + element_of(picture.svg) + "<figcaption>" + html_escaped(picture.caption) +
            "</figcaption>\n</figure>\n";
  }
  return html + "<h2>Every run</h2>\n<div class=\"wide\">\n" + to_html(run_table(results)) +
         "</div>\n</body>\n</html>\n";
}

}  // namespace meridian::sweep
