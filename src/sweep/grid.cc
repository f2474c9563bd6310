#include "src/sweep/grid.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/config/config_reader.h"
#include "src/config/input_file.h"
#include "src/config/resolved_yaml.h"
#include "src/config/spelling.h"
#include "src/output/atomic_file.h"
#include "src/output/run_folder.h"

namespace meridian::sweep {

namespace {

constexpr std::size_t kLongestFolderName = 200;
constexpr std::size_t kLargestConfigBytes = std::size_t{64} << 20;

/// Keeps apart what differs: the comma between labels and the percent sign do not stand in them as they are.
std::string folder_name(const std::vector<std::string>& labels, std::uint64_t seed) {
  std::string name;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (i > 0) name += ',';
    for (const char c : labels[i]) {
      const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      if (letter || c == '_' || c == '-' || c == '+' || c == '=' || (c == '.' && !name.empty())) {
        name += c;
      } else {
        name += fmt::format("%{:02x}", static_cast<unsigned char>(c));
      }
    }
  }
  return fmt::format("{}-seed{}", name, seed);
}

std::size_t position_of(const std::vector<std::size_t>& choice, const std::vector<Axis>& axes) {
  std::size_t position = 0;
  for (std::size_t i = 0; i < axes.size(); ++i) position = position * axes[i].values.size() + choice[i];
  return position;
}

std::optional<std::size_t> reference_of(const std::optional<Reference>& reference,
                                        std::vector<std::size_t> choice, const std::vector<Axis>& axes) {
  if (!reference) return std::nullopt;
  for (std::size_t i = 0; i < axes.size(); ++i) choice[i] = (*reference)[i].value_or(choice[i]);
  return position_of(choice, axes);
}

/// Problems in the order in which they were met, each once, however many cells have it.
class CellProblems {
 public:
  explicit CellProblems(const Experiment& experiment)
      : experiment_(experiment), places_(experiment.file.string(), {}) {}

  /// The lines of one cell's error, where "--set KEY=VALUE" gives way to its place in the experiment.
  void add(const std::string& message, const Cell& cell, const std::vector<std::string>& overrides) {
    const Problems typed("", overrides);
    for (std::size_t begin = 0; begin <= message.size();) {
      const std::size_t end = std::min(message.find('\n', begin), message.size());
      std::string line = message.substr(begin, end - begin);
      for (std::size_t i = 0; i < cell.settings.size(); ++i) {
        const std::string source = typed.describe({i + 1, 1, 1}) + ": ";
        if (!line.starts_with(source)) continue;
        line = fmt::format("{}: {}", places_.describe(cell.settings[i].place), line.substr(source.size()));
        break;
      }
      add_line(std::move(line));
      begin = end + 1;
    }
  }

  void add_line(std::string line) {
    if (std::ranges::find(lines_, line) == lines_.end()) lines_.push_back(std::move(line));
  }

  bool empty() const { return lines_.empty(); }
  bool many() const { return lines_.size() >= Problems::kShown; }

  std::string text() const {
    std::string text;
    for (const std::string& line : lines_) text += (text.empty() ? "" : "\n") + line;
    return text;
  }

  std::string file() const { return printable(experiment_.file.string(), 400); }

 private:
  const Experiment& experiment_;
  Problems places_;
  std::vector<std::string> lines_;
};

}  // namespace

std::vector<Cell> cells_of(const Experiment& experiment) {
  const std::vector<Axis>& axes = experiment.axes;
  std::size_t count = 1;
  for (const Axis& axis : axes) count *= axis.values.size();
  std::vector<Cell> cells;
  std::vector<std::size_t> choice(axes.size(), 0);
  for (std::size_t position = 0; position < count; ++position) {
    std::size_t rest = position;
    for (std::size_t i = axes.size(); i-- > 0;) {
      choice[i] = rest % axes[i].values.size();
      rest /= axes[i].values.size();
    }
    Cell& cell = cells.emplace_back();
    cell.settings = experiment.settings;
    for (std::size_t i = 0; i < axes.size(); ++i) {
      const AxisValue& value = axes[i].values[choice[i]];
      cell.labels.push_back(value.label);
      cell.settings.insert(cell.settings.end(), value.settings.begin(), value.settings.end());
    }
    cell.baseline = reference_of(experiment.baseline, choice, axes);
    cell.lan = reference_of(experiment.lan, choice, axes);
    for (const PublishedCell& published : experiment.published) {
      if (reference_of(published.cell, choice, axes) == position) cell.published = published.figures;
    }
  }
  return cells;
}

Result<std::vector<PlannedRun>> plan_runs(const Experiment& experiment, const std::vector<Cell>& cells,
                                          const Environment& environment) {
  const Result<std::string> text = read_input_file(experiment.base);
  if (!text) {
    return Error{
        fmt::format("{}: base: {}: {}; expected the path of a configuration, from the experiment's folder",
                    printable(experiment.file.string(), 400), printable(experiment.base.string(), 400),
                    text.error().message)};
  }
  std::vector<PlannedRun> runs;
  CellProblems problems(experiment);
  for (std::size_t cell = 0; cell < cells.size() && !problems.many(); ++cell) {
    for (const std::uint64_t seed : experiment.seeds) {
      PlannedRun run{cell, seed, folder_name(cells[cell].labels, seed), {}, {}};
      if (run.name.size() > kLongestFolderName) {
        problems.add_line(
            fmt::format("{}: the folder {} would have a name of {} bytes; expected at most {}: "
                        "shorter labels",
                        problems.file(), in_quotes(run.name), run.name.size(), kLongestFolderName));
        break;
      }
      for (const Setting& setting : cells[cell].settings) run.overrides.push_back(setting.text);
      run.overrides.push_back(fmt::format("seed={}", seed));
      const Result<Config> config =
          read_config_text(text.value(), experiment.base, run.overrides, environment);
      if (!config) {
        problems.add(config.error().message, cells[cell], run.overrides);
        break;
      }
      run.resolved = resolved_yaml(config.value());
      runs.push_back(std::move(run));
    }
  }
  if (!problems.empty()) return Error{problems.text()};
  return runs;
}

bool is_finished(const std::filesystem::path& folder, const PlannedRun& run, output::RunMode mode) {
  const Result<output::Summary> summary = output::read_summary(folder / output::kSummaryFile);
  if (!summary || summary.value().failure || summary.value().mode != mode) return false;
  const output::StopReason reason = summary.value().stop_reason;
  if (reason != output::StopReason::target && reason != output::StopReason::clocks &&
      reason != output::StopReason::time) {
    return false;
  }
  const Result<std::string> config = output::read_text(folder / output::kConfigFile, kLargestConfigBytes);
  return config && config.value() == run.resolved;
}

}  // namespace meridian::sweep
