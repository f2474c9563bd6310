// Goal: whatever stands in a label, each form of a table and the page shows it and nothing else happens.
// Reached by labels full of each form's special characters.
#include "src/sweep/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/sweep/page.h"

namespace meridian::sweep {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Csv, QuotesWhatWouldEndACell) {
  EXPECT_EQ(to_csv({{"a", "b,c"}, {{"say \"x\"", "two\nlines"}, {"", "plain – text"}}}),
            "a,\"b,c\"\n\"say \"\"x\"\"\",\"two\nlines\"\n,plain – text\n");
}

TEST(Markdown, EscapesWhatWouldFormat) {
  EXPECT_EQ(to_markdown({{"a"}, {{"x|y_z*<b>"}, {"1 [0–2]"}, {"[x](y)"}}}),
            "| a |\n|---|\n| x\\|y\\_z\\*\\<b\\> |\n| 1 [0–2] |\n| [x]\\(y) |\n");
}

TEST(Html, EscapesTags) {
  EXPECT_EQ(to_html({{"a&b"}, {{"<i>\"'"}}}),
            "<table>\n<tr><th>a&amp;b</th></tr>\n<tr><td>&lt;i&gt;&quot;&#39;</td></tr>\n</table>\n");
}

TEST(Text, AlignsCharactersAndSteersNoTerminal) {
  EXPECT_EQ(to_text({{"a", "b"}, {{"é\x1b[2J", "1"}, {"long enough", ""}}}),
            "a            b\né?[2J        1\nlong enough\n");
}

TEST(Page, ShowsLabelsNotesAndPicturesWithoutLoadingAnything) {
  Results results{"<study>", {"a<b"}, {}};
  CellResult& cell = results.cells.emplace_back();
  cell.labels = {"<script>alert(1)</script>"};
  cell.planned = 1;
  output::Summary& run = cell.runs.emplace_back();
  run.data_note = "GENERATED <data>";
  const std::string html =
      page_html(results, {{"what & why", "<?xml version=\"1.0\"?>\n<svg id=\"it\"></svg>"}}, "No <plots>.");
  EXPECT_THAT(html, HasSubstr("<h1>&lt;study&gt;</h1>"));
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;alert(1)&lt;/script&gt;"));
  EXPECT_THAT(html, HasSubstr("GENERATED &lt;data&gt;"));
  EXPECT_THAT(html, HasSubstr("No &lt;plots&gt;."));
  EXPECT_THAT(html, HasSubstr("<figure>\n<svg id=\"it\"></svg><figcaption>what &amp; why</figcaption>"));
  EXPECT_THAT(html, Not(HasSubstr("<?xml")));
  EXPECT_THAT(html, Not(HasSubstr("<script")));
}

}  // namespace
}  // namespace meridian::sweep
