#include "src/sweep/centralised_cells.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/config/config_reader.h"
#include "src/config/spelling.h"
#include "src/sweep/centralised.h"

namespace meridian::sweep {

namespace {

constexpr const char* kName = "centralised";

Error error_at(const Experiment& experiment, const std::string& what, const std::string& expected) {
  Problems problems(experiment.file.string(), {});
  problems.add(experiment.centralised->place, what, expected);
  return Error{problems.text()};
}

/// The configuration of a cell, by its first run.
Result<Config> config_of(std::size_t cell, const Experiment& experiment,
                         const std::vector<PlannedRun>& runs) {
  const auto run = std::ranges::find(runs, cell, &PlannedRun::cell);
  MERIDIAN_CHECK(run != runs.end(), "cell {}", cell);
  // A resolved configuration holds no variables.
  return read_config_text(run->resolved, experiment.base, {},
                          [](const std::string&) { return std::optional<std::string>(); });
}

bool same_way(const Config& a, const Config& b) {
  return a.datacenters == b.datacenters && a.wan.links == b.wan.links && a.wan.caps == b.wan.caps &&
         a.wan.prices == b.wan.prices;
}

/// What the label was on all cells, or the name.
void merge_labels(std::vector<std::string>& labels, const std::vector<std::string>& others) {
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] != others[i]) labels[i] = kName;
  }
}

void mark(std::vector<std::string>& labels) {
  if (std::ranges::find(labels, kName) == labels.end())
    labels.front() = fmt::format("{}, {}", kName, labels.front());
}

}  // namespace

Result<std::vector<CentralisedCell>> plan_centralised(const Experiment& experiment,
                                                      const std::vector<Cell>& cells,
                                                      const std::vector<PlannedRun>& runs) {
  std::vector<CentralisedCell> planned;
  if (!experiment.centralised) return planned;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    MERIDIAN_CHECK(cells[i].lan, "cell {} has no LAN", i);
    Result<Config> read = config_of(i, experiment, runs);
    if (!read) return read.error();
    const Config& config = read.value();
    const std::size_t lan = *cells[i].lan;
    if (lan == i && !config.wan.is_lan()) {
      return error_at(experiment,
                      fmt::format("the cell {}, which lan names, is not over a LAN",
                                  in_quotes(label_of(cells[i].labels))),
                      "lan: cells whose links are as fast as inside a datacenter, such as by wan.links: lan");
    }
    if (config.wan.is_lan()) continue;
    const std::optional<std::string>& region = experiment.centralised->region;
    if (region && !config.find_datacenter(*region)) {
      return error_at(experiment,
                      fmt::format("centralised.region is {}, which is no datacenter of the cell {}",
                                  in_quotes(*region), in_quotes(label_of(cells[i].labels))),
                      "a datacenter's name");
    }
    const auto known = std::ranges::find_if(
        planned, [&](const CentralisedCell& one) { return one.lan == lan && same_way(one.wan, config); });
    if (known != planned.end()) {
      merge_labels(known->labels, cells[i].labels);
    } else {
      planned.push_back({cells[i].labels, lan, cells[i].baseline, std::move(read).value()});
    }
  }
  if (planned.empty()) {
    return error_at(experiment, "centralised has no cell over a WAN",
                    "at least one, whose links the data move over");
  }
  for (CentralisedCell& cell : planned) mark(cell.labels);
  return planned;
}

void add_centralised(const Experiment& experiment, const std::vector<CentralisedCell>& centralised,
                     Results& results) {
  for (const CentralisedCell& cell : centralised) {
    MERIDIAN_CHECK(cell.lan < results.cells.size(), "{} of {}", cell.lan, results.cells.size());
    const std::vector<output::Summary> lan_runs = results.cells[cell.lan].runs;
    if (lan_runs.empty()) continue;
    CellResult row;
    row.labels = cell.labels;
    row.planned = results.cells[cell.lan].planned;
    row.baseline = cell.baseline;
    row.lan = cell.lan;
    row.computed = true;
    Result<CentralisedAnswer> answer =
        centralise(cell.wan, lan_runs, {experiment.centralised->region, experiment.centralised->data_gb});
    if (!answer) {
      results.notes.push_back(fmt::format("{} is not computed: {}", row.label(), answer.error().message));
      continue;
    }
    row.runs = std::move(answer.value().runs);
    results.notes.push_back(fmt::format("{}: {}", row.label(), answer.value().note));
    results.cells.push_back(std::move(row));
  }
}

}  // namespace meridian::sweep
