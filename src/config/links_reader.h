// The description of links, wherever it stands: in the configuration, in a links file, or in both.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/config/config.h"
#include "src/config/fields.h"
#include "src/config/link_values.h"

namespace meridian {

/// What a description of links says of the datacenters asked for.
struct LinksDescription {
  std::vector<std::vector<std::optional<LinkConfig>>> links;  ///< [from][to]; nothing where it says nothing
  std::vector<DatacenterCaps> caps;
  std::vector<LinkEventConfig> events;  ///< by time
  std::optional<PricesConfig> prices;   ///< of the last layer that has any
  std::optional<LinkConfig> lan;        ///< of the links file
};

/// A links file and the keys beside it, parsed and not yet read.
class LinksDocument {
 public:
  /// `node` is `lan`, the path of a links file (relative to `folder`), or a map, with or without `file`.
  /// Problems are noted under `path`.
  LinksDocument(const YamlNode& node, std::string path, const Folder& folder, Problems& problems);

  /// Every link as inside a datacenter.
  bool is_lan() const { return is_lan_; }

  /// The places that its pairs name, in the order in which they do.
  std::vector<std::string> places() const;

  /// Reads it for the datacenters `names`. A name that is none of them and stands in no pair of a links file
  /// is refused.
  LinksDescription read(const std::vector<std::string>& names);

  /// Notes every pair without a link, where the description begins.
  void refuse_gaps(const std::vector<std::string>& names, const LinksDescription& description);

 private:
  /// One map of keys, in the file or beside it.
  struct Layer {
    const YamlNode* node = nullptr;
    std::string path;
    Folder folder;
    bool is_file = false;
  };
  struct Given {
    std::optional<LinkConfig> link;
    Place place;
  };
  using Ends = std::pair<std::size_t, std::size_t>;

  void open_file(const YamlNode& path_node, const std::string& key);
  std::vector<Layer> layers() const;
  void read_layer(const Layer& layer, LinksDescription& description);
  void read_default(Fields& fields, const Layer& layer, LinksDescription& description);
  void read_pairs(Fields& fields, const Layer& layer, LinksDescription& description);
  std::optional<Ends> read_ends(Fields& fields, bool& both_ways);
  void note(Fields& fields, Ends ends, bool both_ways, const std::optional<LinkConfig>& link);
  void read_caps(Fields& fields, LinksDescription& description);
  void read_prices_of(Fields& fields, LinksDescription& description);
  void read_events(Fields& fields, const Layer& layer, LinksDescription& description);
  std::optional<std::size_t> position_of(const YamlNode& node, const std::string& path);
  std::optional<std::size_t> position_of_name(Place place, const std::string& text, const std::string& path);

  Problems& problems_;
  std::string path_;
  Folder folder_;
  Place place_;
  bool is_lan_ = false;
  const YamlNode* inline_ = nullptr;
  std::optional<YamlNode> file_;
  std::string file_name_;
  Folder file_folder_;

  // While reading.
  std::vector<std::string> names_;
  std::set<std::string, std::less<>> known_;  // named by the file's pairs
  std::map<Ends, Given> pairs_;
  std::map<Ends, Given> directions_;
};

}  // namespace meridian
