#include "src/config/yaml_tree.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "src/config/spelling.h"

namespace meridian {

namespace {

/// Thrown through yaml-cpp's parser, which has no other way to stop early; parse_yaml catches it.
struct Refusal {
  Place place;
  std::string what;
  std::string expected;
};

/// Builds the tree from the parser's events: a stack of open lists and maps, the finished root at the end.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(std::size_t source, Problems& problems) : source_(source), problems_(problems) {}

  YamlNode take_root() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) throw Refusal{place_of(mark), "a second document starts", "one document in a file"};
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    finish(leaf(mark, YamlNode::Kind::null, ""), anchor, 0, 1);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_tag(mark, tag);
    YamlNode node = leaf(mark, YamlNode::Kind::scalar, value);
    node.quoted = tag == "!";
    finish(std::move(node), anchor, 0, 1);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto anchored = anchored_.find(anchor);
    if (anchored == anchored_.end()) {
      throw Refusal{place_of(mark), "an alias stands inside what it repeats",
                    "an anchor that ends before its alias"};
    }
    const Anchored& source = anchored->second;
    // Counted before it is copied, so that nested aliases cannot fill the memory.
    if (nodes_ + source.nodes > kMostYamlNodes || open_.size() + source.height > kDeepestYaml)
      refuse_size(mark);
    nodes_ += source.nodes - 1;
    finish(source.node, 0, source.height, source.nodes);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    refuse_tag(mark, tag);
    open(mark, YamlNode::Kind::list, anchor);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    refuse_tag(mark, tag);
    open(mark, YamlNode::Kind::map, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Anchored {
    YamlNode node;
    std::size_t height = 0;
    std::size_t nodes = 0;
  };
  struct Open {
    YamlNode node;
    YAML::anchor_t anchor = 0;
    std::size_t height = 0;  ///< of the highest child so far
    std::size_t nodes = 1;
    std::set<std::string, std::less<>> seen;  ///< keys so far
    bool value_is_due = false;                ///< a key was read, its value was not
    bool skip_value = false;                  ///< the key was a duplicate
  };

  Place place_of(const YAML::Mark& mark) const {
    return {source_, std::max(mark.line, 0) + 1, std::max(mark.column, 0) + 1};
  }

  YamlNode leaf(const YAML::Mark& mark, YamlNode::Kind kind, const std::string& text) const {
    YamlNode node;
    node.kind = kind;
    node.place = place_of(mark);
    node.text = text;
    return node;
  }

  void refuse_tag(const YAML::Mark& mark, const std::string& tag) const {
    // "?" and "!" are what the parser gives to plain and to quoted text without a tag.
    if (tag.empty() || tag == "?" || tag == "!") return;
    throw Refusal{place_of(mark), fmt::format("the tag {}", in_quotes(tag)), "values without tags"};
  }

  [[noreturn]] void refuse_size(const YAML::Mark& mark) const {
    throw Refusal{place_of(mark), "the configuration is nested or repeated too far",
                  fmt::format("at most {} levels and {} values, aliases counted in full", kDeepestYaml,
                              kMostYamlNodes)};
  }

  void open(const YAML::Mark& mark, YamlNode::Kind kind, YAML::anchor_t anchor) {
    if (open_.size() >= kDeepestYaml) refuse_size(mark);
    if (!open_.empty() && open_.back().node.kind == YamlNode::Kind::map && !open_.back().value_is_due) {
      throw Refusal{place_of(mark), "a list or map as a key", "a word as a key"};
    }
    Open opened;
    opened.node.kind = kind;
    opened.node.place = place_of(mark);
    opened.anchor = anchor;
    open_.push_back(std::move(opened));
  }

  void close() {
    Open closed = std::move(open_.back());
    open_.pop_back();
    finish(std::move(closed.node), closed.anchor, closed.height + 1, closed.nodes);
  }

  /// A node is complete: it becomes a key or a value of what is open, or the root.
  void finish(YamlNode node, YAML::anchor_t anchor, std::size_t height, std::size_t nodes) {
    if (++nodes_ > kMostYamlNodes) refuse_size(YAML::Mark::null_mark());
    if (anchor != 0) anchored_[anchor] = {node, height, nodes};
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == YamlNode::Kind::map && !parent.value_is_due) {
      add_key(parent, std::move(node));
      return;
    }
    parent.value_is_due = false;
    if (parent.skip_value) return;
    parent.height = std::max(parent.height, height);
    parent.nodes += nodes;
    parent.node.children.push_back(std::move(node));
  }

  void add_key(Open& parent, YamlNode key) {
    if (key.kind != YamlNode::Kind::scalar)
      throw Refusal{key.place, "a key that is not text", "a word as a key"};
    parent.value_is_due = true;
    parent.skip_value = !parent.seen.insert(key.text).second;
    if (!parent.skip_value) {
      parent.node.keys.push_back({std::move(key.text), key.place});
      return;
    }
    const auto first = std::find_if(parent.node.keys.begin(), parent.node.keys.end(),
                                    [&](const YamlNode::Key& other) { return other.text == key.text; });
    const std::string where =
        source_ == 0 ? fmt::format(", first at {}:{}", first->place.line, first->place.column) : "";
    problems_.add(key.place,
                  fmt::format("the key {} stands twice in the same map{}", in_quotes(key.text), where),
                  "each key once");
  }

  std::size_t source_;
  Problems& problems_;
  int documents_ = 0;
  std::size_t nodes_ = 0;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Anchored> anchored_;
  YamlNode root_;
};

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const Key& one) { return one.text == key; });
  return found == keys.end() ? nullptr : &children[static_cast<std::size_t>(found - keys.begin())];
}

YamlNode* YamlNode::find(std::string_view key) {
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const Key& one) { return one.text == key; });
  return found == keys.end() ? nullptr : &children[static_cast<std::size_t>(found - keys.begin())];
}

namespace {

/// YAML is text: the first byte that no text has, by its place, if there is one. yaml-cpp would take byte 4
/// for the end of the file, and zero bytes for another encoding.
std::optional<Refusal> find_strange_byte(std::string_view text, std::size_t source) {
  Place place{source, 1, 1};
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool other_encoding = byte >= 0xfe;
    if ((byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7f || other_encoding) {
      return Refusal{place, fmt::format("the byte 0x{:02x}", byte), "text in UTF-8"};
    }
    place = c == '\n' ? Place{source, place.line + 1, 1} : Place{source, place.line, place.column + 1};
  }
  return std::nullopt;
}

}  // namespace

std::optional<YamlNode> parse_yaml(std::string_view text, std::size_t source, Problems& problems) {
  if (text.size() > kLargestYamlBytes) {
    problems.add({source, 1, 1}, "the configuration is too large",
                 fmt::format("at most {} bytes", kLargestYamlBytes));
    return std::nullopt;
  }
  if (const auto strange = find_strange_byte(text, source)) {
    problems.add(strange->place, strange->what, strange->expected);
    return std::nullopt;
  }
  // yaml-cpp lets a file end inside quotes when a line break comes last; a document's end there it refuses.
  const std::string ended = fmt::format("{}{}...\n", text, text.ends_with('\n') ? "" : "\n");
  TreeBuilder builder(source, problems);
  try {
    std::istringstream stream(ended);
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
    return builder.take_root();
  } catch (const Refusal& refusal) {
    problems.add(refusal.place, refusal.what, refusal.expected);
  } catch (const YAML::Exception& error) {
    const Place place{source, std::max(error.mark.line, 0) + 1, std::max(error.mark.column, 0) + 1};
    const bool at_end = static_cast<std::size_t>(std::max(error.mark.pos, 0)) >= text.size();
    const bool in_quotes_at_end = at_end && error.msg == YAML::ErrorMsg::DOC_IN_SCALAR;
    problems.add(place,
                 fmt::format("not valid YAML ({})",
                             in_quotes_at_end ? "the text ends inside quotes" : printable(error.msg, 200)),
                 "well-formed YAML");
  }
  return std::nullopt;
}

}  // namespace meridian
