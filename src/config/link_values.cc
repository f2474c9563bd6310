#include "src/config/link_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <string_view>
#include <vector>

#include "src/config/input_file.h"
#include "src/config/spelling.h"

namespace meridian {

namespace {

using Kind = YamlNode::Kind;

constexpr std::size_t kMostRows = 100'000;
constexpr double kLongestTraceSeconds = 1e7;
const Range kJittersMs = Range::above(0, kLongestDelayMs);
const Range kSamplesMs = Range::from_to(-kLongestDelayMs, kLongestDelayMs);
const Range kTraceTimes = Range::from_to(0, kLongestTraceSeconds);

/// The rows of a file of numbers: values between commas, without blank lines and what follows a '#'.
class NumberRows {
 public:
  struct Row {
    Place place;
    std::string_view text;                      ///< without a comment
    std::vector<std::optional<double>> values;  ///< nothing where it is no number
  };

  NumberRows(const YamlNode& path, const std::string& key, const Folder& folder, Problems& problems)
      : problems_(problems) {
    file_ = (folder / path.text).lexically_normal();
    Result<std::string> text = read_input_file(file_);
    if (!text) {
      problems.add(path.place,
                   fmt::format("{} is {}, which {}", key, in_quotes(path.text), text.error().message),
                   "a file of numbers");
      return;
    }
    text_ = std::move(text).value();
    source_ = problems.add_source(file_.string());
    split();
  }

  const std::vector<Row>& rows() const { return rows_; }
  bool readable() const { return source_.has_value(); }
  Place place() const { return {source_.value_or(0), 1, 1}; }

 private:
  void split() {
    std::string_view rest = text_;
    for (int line = 1; !rest.empty(); ++line) {
      const std::size_t end = rest.find('\n');
      std::string_view text = rest.substr(0, end);
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
      text = trimmed(text.substr(0, text.find('#')));
      if (text.empty()) continue;
      if (rows_.size() == kMostRows) {
        problems_.add({*source_, line, 1}, "the file goes on", fmt::format("at most {} rows", kMostRows));
        return;
      }
      rows_.push_back({{*source_, line, 1}, text, values_of(text)});
    }
  }

  static std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlanks = " \t\r";
    const std::size_t begin = text.find_first_not_of(kBlanks);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
  }

  static std::vector<std::optional<double>> values_of(std::string_view text) {
    std::vector<std::optional<double>> values;
    for (;;) {
      const std::size_t comma = text.find(',');
      const std::string_view part = trimmed(text.substr(0, comma));
      double value = 0;
      const auto [end, failure] = std::from_chars(part.data(), part.data() + part.size(), value);
      const bool whole = failure == std::errc() && end == part.data() + part.size();
      values.push_back(whole ? std::optional(value) : std::nullopt);
      if (comma == std::string_view::npos) return values;
      text.remove_prefix(comma + 1);
    }
  }

  Problems& problems_;
  Folder file_;
  std::string text_;
  std::optional<std::size_t> source_;
  std::vector<Row> rows_;
};

std::vector<double> read_samples_file(const YamlNode& path, const std::string& key, const Folder& folder,
                                      Problems& problems) {
  std::vector<double> samples;
  const NumberRows file(path, key, folder, problems);
  for (const NumberRows::Row& row : file.rows()) {
    const auto& value = row.values.front();
    if (row.values.size() != 1 || !value || !kSamplesMs.holds(*value)) {
      problems.add(row.place, fmt::format("{} is no delay", in_quotes(std::string(row.text))),
                   fmt::format("one line for each sample, {} (ms)", kSamplesMs.describe()));
      return {};
    }
    samples.push_back(*value);
  }
  if (file.readable() && samples.empty()) problems.add(file.place(), "no sample is in it", "one a line");
  return samples;
}

std::vector<double> read_samples_list(Fields& jitter) {
  std::vector<double> samples;
  const std::string path = jitter.path_of("recorded_ms");
  const auto nodes = jitter.list("recorded_ms", "a list of delays in ms");
  if (nodes.size() > kMostRows) {
    jitter.problems().add(jitter.place_of("recorded_ms"),
                          fmt::format("{} has {} samples", path, nodes.size()),
                          fmt::format("at most {}", kMostRows));
    return {};
  }
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const auto value = read_number(nodes[i], fmt::format("{}[{}]", path, i), kSamplesMs, jitter.problems());
    if (value) samples.push_back(*value);
  }
  return samples.size() == nodes.size() ? samples : std::vector<double>{};
}

const char* const kJitterExpected =
    "none, or a map with one of uniform_ms, normal_ms, recorded and recorded_ms";

std::optional<JitterConfig> read_jitter_map(Fields fields, const Folder& folder) {
  JitterConfig jitter;
  const YamlNode* uniform = fields.find("uniform_ms");
  const YamlNode* normal = fields.find("normal_ms");
  const YamlNode* recorded = fields.find("recorded");
  const YamlNode* recorded_ms = fields.find("recorded_ms");
  fields.refuse_unknown();
  const auto given = {uniform, normal, recorded, recorded_ms};
  if (std::count_if(given.begin(), given.end(), [](const YamlNode* node) { return node != nullptr; }) != 1) {
    if (fields.has_map())
      fields.problems().add(fields.place(), fmt::format("{} is of no kind, or of several", fields.path()),
                            kJitterExpected);
    return std::nullopt;
  }
  if (uniform != nullptr && fields.number("uniform_ms", jitter.ms, kJittersMs)) {
    jitter.kind = JitterConfig::Kind::uniform;
  } else if (normal != nullptr && fields.number("normal_ms", jitter.ms, kJittersMs)) {
    jitter.kind = JitterConfig::Kind::normal;
  } else if (recorded != nullptr || recorded_ms != nullptr) {
    std::string file;
    if (recorded_ms != nullptr) {
      jitter.samples_ms = read_samples_list(fields);
    } else if (folder.empty()) {
      fields.problems().add(recorded->place, fmt::format("{} names a file", fields.path_of("recorded")),
                            "recorded_ms, a list of delays in ms: a request names no files");
    } else if (fields.text("recorded", file, "a file with one delay in ms a line")) {
      jitter.samples_ms = read_samples_file(*recorded, fields.path_of("recorded"), folder, fields.problems());
    }
    if (!jitter.samples_ms.empty()) jitter.kind = JitterConfig::Kind::recorded;
  }
  if (jitter.kind == JitterConfig::Kind::none) return std::nullopt;
  return jitter;
}

/// Adds a step, or says why it is none.
bool add_step(BandwidthTraceConfig& trace, std::optional<double> at_s, std::optional<double> mbps,
              Place place, const std::string& what, Problems& problems) {
  const bool sound = at_s && mbps && kTraceTimes.holds(*at_s) && kBandwidthsMbps.holds(*mbps);
  if (!sound) {
    problems.add(
        place, fmt::format("{} is no step of a trace", what),
        fmt::format("seconds, {}, and Mb/s, {}", kTraceTimes.describe(), kBandwidthsMbps.describe()));
    return false;
  }
  if (!trace.steps.empty() && *at_s <= trace.steps.back().at_s) {
    problems.add(place, fmt::format("{} comes after the step at {} s", what, trace.steps.back().at_s),
                 "times in ascending order");
    return false;
  }
  trace.steps.push_back({*at_s, *mbps});
  return true;
}

void read_steps_file(const YamlNode& path, const std::string& key, const Folder& folder,
                     BandwidthTraceConfig& trace, Problems& problems) {
  const NumberRows file(path, key, folder, problems);
  const std::size_t before = problems.count();
  bool first = true;
  for (const NumberRows::Row& row : file.rows()) {
    const bool heading = first && row.text == "time_s,bandwidth_mbps";
    first = false;
    if (heading) continue;
    const bool two = row.values.size() == 2;
    if (!add_step(trace, row.values.front(), two ? row.values.back() : std::nullopt, row.place,
                  in_quotes(std::string(row.text)), problems)) {
      break;
    }
  }
  if (file.readable() && trace.steps.empty() && problems.count() == before)
    problems.add(file.place(), "no step is in it", "lines such as 0,100 (seconds, Mb/s)");
}

void read_steps_list(Fields& fields, BandwidthTraceConfig& trace) {
  const std::string path = fields.path_of("steps");
  const auto nodes = fields.list("steps", "a list of steps such as [0, 100] (seconds, Mb/s)");
  for (std::size_t i = 0; i < std::min(nodes.size(), kMostRows); ++i) {
    const std::string own = fmt::format("{}[{}]", path, i);
    const YamlNode& node = nodes[i];
    if (node.kind != Kind::list || node.children.size() != 2) {
      fields.problems().add(node.place, fmt::format("{} is {}", own, describe_value(node)),
                            "a list of two, such as [0, 100] (seconds, Mb/s)");
      return;
    }
    const auto at_s = read_number(node.children[0], own, kTraceTimes, fields.problems());
    const auto mbps = read_number(node.children[1], own, kBandwidthsMbps, fields.problems());
    if (!at_s || !mbps || !add_step(trace, at_s, mbps, node.place, own, fields.problems())) return;
  }
}

void read_trace(Fields& link, const Folder& folder, BandwidthTraceConfig& trace) {
  const YamlNode* node = link.find("trace");
  if (node == nullptr || node->kind == Kind::broken) return;
  Problems& problems = link.problems();
  const std::string path = link.path_of("trace");
  if (node->kind == Kind::scalar) return read_steps_file(*node, path, folder, trace, problems);
  Fields fields(problems, node, path);
  const YamlNode* file = fields.find("file");
  const bool has_steps = fields.find("steps") != nullptr;
  if (fields.has_map() && (file != nullptr) == has_steps) {
    problems.add(fields.place(),
                 fmt::format("{} has {} file and steps", path, has_steps ? "both" : "neither"),
                 "one of the two");
  } else if (has_steps) {
    read_steps_list(fields, trace);
  } else if (file != nullptr) {
    std::string text;
    if (fields.text("file", text, "a CSV file of seconds and Mb/s"))
      read_steps_file(*file, fields.path_of("file"), folder, trace, problems);
  }
  double repeat_s = 0;
  if (fields.number("repeat_s", repeat_s, Range::above(0, kLongestTraceSeconds))) {
    trace.repeat_s = repeat_s;
    if (!trace.steps.empty() && repeat_s <= trace.steps.back().at_s) {
      problems.add(fields.place_of("repeat_s"), fmt::format("{} is {}", fields.path_of("repeat_s"), repeat_s),
                   fmt::format("more than {} s, the time of the last step", trace.steps.back().at_s));
    }
  }
  fields.refuse_unknown();
}

}  // namespace

std::optional<double> read_delay(Fields& fields, Presence presence) {
  const bool has_delay = fields.find("delay_ms") != nullptr;
  const bool has_rtt = fields.find("rtt_ms") != nullptr;
  double ms = 0;
  if (has_delay && has_rtt) {
    fields.problems().add(fields.place_of("rtt_ms"),
                          fmt::format("{} says the delay twice, as delay_ms and as rtt_ms", fields.path()),
                          "delay_ms (one way) or rtt_ms (there and back)");
  } else if (has_delay) {
    if (fields.number("delay_ms", ms, Range::from_to(0, kLongestDelayMs))) return ms;
  } else if (has_rtt) {
    if (fields.number("rtt_ms", ms, Range::from_to(0, 2 * kLongestDelayMs))) return ms / 2;
  } else if (fields.has_map() && presence == Presence::required) {
    fields.problems().add(fields.place(), fmt::format("{} says no delay", fields.path_of("rtt_ms")),
                          "rtt_ms (there and back) or delay_ms (one way)");
  }
  return std::nullopt;
}

std::optional<JitterConfig> read_jitter(Fields& fields, const Folder& folder) {
  const YamlNode* node = fields.find("jitter");
  if (node == nullptr || node->kind == Kind::broken) return std::nullopt;
  const std::string path = fields.path_of("jitter");
  if (node->kind == Kind::map) return read_jitter_map(Fields(fields.problems(), node, path), folder);
  if (node->kind == Kind::scalar && node->text == "none") return JitterConfig{};
  fields.problems().add(node->place, fmt::format("{} is {}", path, describe_value(*node)), kJitterExpected);
  return std::nullopt;
}

std::optional<LinkConfig> read_lan(Fields& fields) {
  LinkConfig link;
  const bool has_rate =
      fields.number("bandwidth_mbps", link.bandwidth_mbps, kBandwidthsMbps, Presence::required);
  const auto delay = read_delay(fields, Presence::required);
  if (!has_rate || !delay) return std::nullopt;
  link.delay_ms = *delay;
  return link;
}

std::optional<LinkConfig> read_link(Fields& fields, const Folder& folder) {
  const std::size_t before = fields.problems().count();
  std::optional<LinkConfig> link = read_lan(fields);
  LinkConfig values = link.value_or(LinkConfig{});
  values.jitter = read_jitter(fields, folder).value_or(JitterConfig{});
  fields.number("loss", values.loss, kLosses);
  read_trace(fields, folder, values.trace);
  if (!link || fields.problems().count() > before) return std::nullopt;
  return values;
}

}  // namespace meridian
